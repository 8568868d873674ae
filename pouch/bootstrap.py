"""The composition root: the only file that names concrete classes of every layer."""

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from pouch import config, overview
from pouch.api import lifecycle
from pouch.api.admin.blueprint import admin_blueprint
from pouch.api.admin.services import AdminServices
from pouch.api.app import ServerLimits, create_app
from pouch.api.auth import AdminAuth
from pouch.api.background import BackgroundTasks
from pouch.api.errors import describe
from pouch.api.gateway import Gateway
from pouch.api.lifecycle import App
from pouch.config import Config
from pouch.domain.errors import StoreUnavailableError
from pouch.domain.key import hash_of
from pouch.domain.pipeline import Handler, Ports, Step, compose
from pouch.domain.plugin import BuiltProvider, ProviderPorts
from pouch.domain.pricing import PriceBook
from pouch.infra import webhooks
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
from pouch.service.alerts import AlertDelivery, Webhook
from pouch.service.execution import Execution
from pouch.service.freezes import KeyFreezes
from pouch.service.idempotency import Idempotency, IdempotencyLimits
from pouch.service.keys import KeyService
from pouch.service.proxy import ProxyService
from pouch.service.quotes import DryLedger, Quotes, end_of_chain
from pouch.service.recovery import recover, watch_siblings
from pouch.service.routes import ModelName, ProviderState, Routes
from pouch.service.settlement import DisconnectPolicy, Settlements

ADMIN_TOKEN_VARIABLE: Final = "POUCH_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
ADMIN_TOKEN_HASH: Final = "admin_token_hash"  # noqa: S105 - the name of a setting

_log = logging.getLogger("pouch.bootstrap")


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


def build_app(path: Path) -> App:
    """The application for the configuration at ``path``; called in each process that serves."""
    settings = load_config(path)
    routes = routes_of(settings)
    limits = ServerLimits(
        body_bytes_max=settings.server.body_bytes_max,
        quiet_s=max(settings.http.first_byte_s, settings.http.read_s),
    )

    async def open_gateway(app: App) -> Gateway:
        return await _open_gateway(app, settings, routes)

    return create_app(open_gateway, limits)


async def _open_gateway(app: App, settings: Config, routes: Routes) -> Gateway:
    store = await open_store(settings)
    try:
        return await _gateway_on(store, app, settings, routes)
    except BaseException:
        # The thread of a store that stays open would keep the process from ending.
        await store.close()
        raise


async def _gateway_on(store: SqliteStore, app: App, settings: Config, routes: Routes) -> Gateway:
    clock = SystemClock()
    keys = KeyService(store.keys, clock)
    auth = AdminAuth(await admin_token_hash(store), clock)
    background = BackgroundTasks(app, clock)
    tokens = Tokens()
    tokens.prepare(routes.encodings())
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
    execution = Execution(built, clock, tokens, answer_bytes_max=settings.server.answer_bytes_max)
    freezes = KeyFreezes(store.freezes, keys, clock)
    ports = Ports(clock, store.ledger, keys, tokens, freezes)
    proxy = ProxyService(_chain(settings, ports, execution), settlements, describe)
    idempotency = _idempotency(store, settings, proxy, background)
    await recover(store.ledger)
    watchers = [
        asyncio.create_task(keys.watch(), name="keys"),
        asyncio.create_task(watch_siblings(store.ledger), name="recovery"),
        asyncio.create_task(idempotency.watch(), name="idempotency"),
    ]
    if settings.alerts.webhooks:
        watchers.append(asyncio.create_task(_deliver_alerts(store, settings), name="alerts"))
    for watcher in watchers:
        watcher.add_done_callback(partial(_watcher_ended, app))

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
        idempotency=idempotency,
        quotes=_quotes(settings, ports, store),
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


def _idempotency(
    store: SqliteStore, settings: Config, proxy: ProxyService, background: BackgroundTasks
) -> Idempotency:
    section = settings.idempotency
    limits = IdempotencyLimits(section.ttl_s, section.wait_s, section.answer_bytes_max)
    records = store.idempotency(bytes_max=section.total_bytes_max)
    return Idempotency(records, proxy, background, SystemClock(), limits)


async def _deliver_alerts(store: SqliteStore, settings: Config) -> None:
    """Bring alerts to the webhooks for ever."""
    section = settings.alerts
    urls = {hook.id: hook.url.get_secret_value() for hook in section.webhooks}
    written = {hook.id: Webhook(hook.format, hook.secret_text) for hook in section.webhooks}
    transport = make_transport(
        settings.http.transport, webhooks.TIMEOUTS, connections_max=webhooks.CONNECTIONS_MAX
    )
    try:
        sender = webhooks.Webhooks(urls, transport)
        await AlertDelivery(
            store.outbox, sender, written, SystemClock(), attempts_max=section.attempts_max
        ).watch()
    finally:
        await transport.aclose()


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
        freezes=KeyFreezes(store.freezes, keys, clock),
        alerts=store.outbox,
        auth=auth,
        clock=clock,
        pipeline=overview.pipeline(settings),
        providers=overview.providers(settings),
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


def _watcher_ended(app: App, watcher: "asyncio.Task[None]") -> None:
    """Without its watchers a process would honour revoked keys; so it stops."""
    if not watcher.cancelled():
        _log.error("the watcher of %s has failed", watcher.get_name(), exc_info=watcher.exception())
        lifecycle.stop(app)


def _chain(settings: Config, ports: Ports, end: Handler, *, dry: bool = False) -> Handler:
    steps = [
        Step(step.name, step.plugin.build(step.config, ports))
        for step in settings.steps
        if step.enabled and (step.plugin.quotes or not dry)
    ]
    return compose(steps, end, ports.clock)


def _quotes(settings: Config, ports: Ports, store: SqliteStore) -> Quotes:
    dry = DryLedger(store.ledger, store.keys)
    chain = _chain(settings, replace(ports, ledger=dry), end_of_chain, dry=True)
    return Quotes(chain, dry, store.reports, ports.tokens)


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
