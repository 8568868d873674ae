"""From ``pouch.yaml`` to the store, the routes and the prices that it declares."""

import os
from pathlib import Path
from typing import Final

from pouch import config
from pouch.config import Config
from pouch.domain.key import hash_of
from pouch.domain.pricing import PriceBook
from pouch.infra.clock import SystemClock
from pouch.infra.prices.book import PriceTables
from pouch.infra.prices.limits import shipped_limits
from pouch.infra.prices.vendors import vendor_of
from pouch.infra.sqlite import SqliteStore
from pouch.infra.tokens.models import encoding_of, hidden_reasoning_of
from pouch.middlewares import BUILTIN as MIDDLEWARES
from pouch.providers import BUILTIN as PROVIDERS
from pouch.registry import middleware_registry, provider_registry
from pouch.service.routes import ModelName, ProviderState, Routes

ADMIN_TOKEN_VARIABLE: Final = "POUCH_ADMIN_TOKEN"  # noqa: S105 - the name of a variable


def load_config(path: Path) -> Config:
    """What ``pouch.yaml`` says, checked.

    Raises:
        ConfigError: with every mistake in it.
    """
    return config.load(
        path, middleware_registry(MIDDLEWARES), provider_registry(PROVIDERS), os.environ
    )


async def open_store(settings: Config) -> SqliteStore:
    """The store, migrated.

    Raises:
        StoreUnavailableError: it cannot be opened.
    """
    store = settings.store
    return await SqliteStore.open(
        store.path,
        SystemClock(),
        busy_timeout_s=store.busy_timeout_s,
        synchronous=store.synchronous,
        alerts=settings.alerts.policy,
    )


def routes_of(settings: Config) -> Routes:
    """Every configured model with its price."""
    states = {p.name: ProviderState(p.off, p.plugin.is_free) for p in settings.providers}
    names = [ModelName(m.alias, m.provider, m.model) for m in settings.models]
    return Routes(names, states, prices_of(settings))


def prices_of(settings: Config) -> PriceBook:
    """The tables of the configuration, then the installed data, by each provider's vendor."""
    urls = {p.name: p.plugin.base_url(p.config) for p in settings.providers}
    return PriceTables(
        settings.price_tables,
        vendors={name: vendor_of(url) if url else None for name, url in urls.items()},
        clock=SystemClock(),
        limits=shipped_limits(),
        encoding_of=encoding_of,
        hidden_reasoning_of=hidden_reasoning_of,
    )


def admin_token_from_environment() -> str | None:
    """The hash of the admin token that the environment sets; ``None`` if it sets none."""
    token = os.environ.get(ADMIN_TOKEN_VARIABLE)
    return hash_of(token) if token else None
