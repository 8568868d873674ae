"""The composition root: the only file that names concrete classes of every layer."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pouch import config
from pouch.api.admin.blueprint import admin_blueprint
from pouch.api.admin.services import AdminServices, PipelineStep, ProviderView
from pouch.api.app import ServerLimits, create_app
from pouch.api.auth import AdminAuth
from pouch.api.background import BackgroundTasks
from pouch.api.errors import describe
from pouch.api.gateway import Gateway
from pouch.api.lifecycle import App
from pouch.config import Config
from pouch.domain.errors import StoreUnavailableError
from pouch.domain.key import hash_of
from pouch.domain.ledger import Ledger
from pouch.domain.pipeline import Handler, Ports, Step, compose
from pouch.domain.plugin import BuiltProvider, ProviderPorts
from pouch.domain.pricing import PriceBook
from pouch.infra import logging
from pouch.infra.clock import SystemClock
from pouch.infra.http import HttpTransport, Timeouts, make_transport
from pouch.infra.prices.book import PriceTables
from pouch.infra.prices.limits import shipped_limits
from pouch.infra.prices.vendors import vendor_of
from pouch.infra.sqlite import SqliteStore
from pouch.infra.tokens.counter import Tokens
from pouch.infra.tokens.models import encoding_of, hidden_reasoning_of
from pouch.middlewares import BUILTIN as MIDDLEWARES
from pouch.providers import BUILTIN as PROVIDERS
from pouch.registry import middleware_registry, provider_registry
from pouch.service.execution import Execution
from pouch.service.keys import KeyService
from pouch.service.proxy import ProxyService
from pouch.service.routes import ModelName, ProviderState, Routes
from pouch.service.settlement import DisconnectPolicy, Settlements

ADMIN_TOKEN_VARIABLE: Final = "POUCH_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
ADMIN_TOKEN_HASH: Final = "admin_token_hash"  # noqa: S105 - the name of a setting
# How often each process looks for siblings that have died.
RECOVER_EVERY_S: Final = 5.0


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


def build_app(path: Path) -> App:
    """The application for the configuration at ``path``; called in each process that serves."""
    settings = load_config(path)
    routes = routes_of(settings)
    limits = ServerLimits(
        body_bytes_max=settings.server.body_bytes_max,
        quiet_s=max(settings.http.first_byte_s, settings.http.read_s),
    )
    logging.configure()

    async def open_gateway(app: App) -> Gateway:
        return await _open_gateway(app, settings, routes)

    return create_app(open_gateway, limits)


async def _open_gateway(app: App, settings: Config, routes: Routes) -> Gateway:
    clock = SystemClock()
    store = await open_store(settings)
    keys = KeyService(store.keys, clock)
    auth = AdminAuth(await admin_token_hash(store), clock)
    background = BackgroundTasks(app, clock)
    tokens = Tokens()
    transport = _transport(settings)
    built = _built_providers(settings, clock, transport)
    settlements = Settlements(
        store.ledger,
        tokens,
        built,
        background,
        clock,
        DisconnectPolicy(
            drain=settings.settlement.on_disconnect == "drain",
            drain_s=settings.settlement.drain_s,
        ),
    )
    execution = Execution(built, clock, answer_bytes_max=settings.server.answer_bytes_max)
    ports = Ports(clock, store.ledger, keys, tokens)
    proxy = ProxyService(_chain(settings, ports, execution), settlements, describe)
    await store.ledger.recover()
    watchers = [
        asyncio.create_task(keys.watch()),
        asyncio.create_task(_recover_siblings(store.ledger)),
    ]

    async def close() -> None:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.wait(watchers)
        for provider in built.values():
            await provider.transport.aclose()
        await transport.aclose()
        tokens.close()
        await store.close()

    return Gateway(
        proxy=proxy,
        keys=keys,
        routes=routes,
        settlements=settlements,
        background=background,
        clock=clock,
        concurrent_requests_max=settings.server.concurrent_requests_max,
        drain_s=settings.server.drain_s,
        admin=admin_blueprint(_admin_services(settings, routes, store, keys, auth, clock)),
        ping=store.keys.version,
        close=close,
    )


def _admin_services(
    settings: Config,
    routes: Routes,
    store: SqliteStore,
    keys: KeyService,
    auth: AdminAuth,
    clock: SystemClock,
) -> AdminServices:
    return AdminServices(
        keys=keys,
        reports=store.reports,
        ledger=store.ledger,
        auth=auth,
        clock=clock,
        pipeline=_pipeline(settings),
        providers=_providers(settings),
        prices=routes.all(),
    )


async def admin_token_hash(store: SqliteStore) -> str:
    """The hash of the environment's admin token, else of the one made at the first start."""
    token = os.environ.get(ADMIN_TOKEN_VARIABLE)
    if token:
        return hash_of(token)
    stored = await store.get_setting(ADMIN_TOKEN_HASH)
    if stored is None:
        raise StoreUnavailableError("no admin token has been made yet")
    return stored


async def _recover_siblings(ledger: Ledger) -> None:
    while True:
        await asyncio.sleep(RECOVER_EVERY_S)
        # A store that is busy now is asked again.
        with suppress(StoreUnavailableError):
            await ledger.recover()


def _chain(settings: Config, ports: Ports, execution: Handler) -> Handler:
    steps = [
        Step(step.name, step.plugin.build(step.config, ports))
        for step in settings.steps
        if step.enabled
    ]
    return compose(steps, execution, ports.clock)


def _transport(settings: Config) -> HttpTransport:
    http = settings.http
    timeouts = Timeouts(
        connect_s=http.connect_s,
        write_s=http.write_s,
        first_byte_s=http.first_byte_s,
        read_s=http.read_s,
        pool_s=http.pool_s,
        total_s=http.total_s,
    )
    return make_transport(http.transport, timeouts, connections_max=http.connections_max)


def _built_providers(
    settings: Config, clock: SystemClock, transport: HttpTransport
) -> Mapping[str, BuiltProvider]:
    ports = ProviderPorts(clock, transport)
    return {p.name: p.plugin.build(p.config, ports) for p in settings.providers if p.off is None}


def _pipeline(settings: Config) -> list[PipelineStep]:
    return [
        PipelineStep(
            name=step.name,
            use=step.plugin.name,
            enabled=step.enabled,
            config=step.config.model_dump(mode="json"),
            schema=step.plugin.config.model_json_schema(),
        )
        for step in settings.steps
    ]


def _providers(settings: Config) -> list[ProviderView]:
    return [
        ProviderView(
            name=provider.name,
            use=provider.plugin.name,
            off=provider.off,
            models=[m.alias for m in settings.models if m.provider == provider.name],
        )
        for provider in settings.providers
    ]
