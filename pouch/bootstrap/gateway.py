"""One process's gateway, from the configuration to the application that serves it."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pouch import overview
from pouch.api.admin.blueprint import admin_blueprint
from pouch.api.admin.services import AdminServices
from pouch.api.app import ServerLimits, create_app
from pouch.api.auth import AdminAuth
from pouch.api.background import BackgroundTasks
from pouch.api.errors import describe
from pouch.api.gateway import Gateway
from pouch.api.lifecycle import App
from pouch.bootstrap import parts
from pouch.bootstrap.settings import (
    admin_token_from_environment,
    load_config,
    open_store,
    routes_of,
)
from pouch.bootstrap.watchers import Watchers, deliver_alerts
from pouch.config import Config
from pouch.domain.pipeline import Ports
from pouch.domain.plugin import BuiltProvider
from pouch.domain.ports import Clock
from pouch.infra.clock import SystemClock
from pouch.infra.http import HttpTransport
from pouch.infra.sqlite import SqliteStore
from pouch.infra.tokens.counter import Tokens
from pouch.service.admin_token import AdminTokens
from pouch.service.execution import Execution
from pouch.service.freezes import KeyFreezes
from pouch.service.idempotency import Idempotency
from pouch.service.keys import KeyService
from pouch.service.live import LiveRequests
from pouch.service.probes import ProviderProbes
from pouch.service.proxy import ProxyService
from pouch.service.recovery import recover, watch_siblings
from pouch.service.routes import Routes
from pouch.service.settlement import Settlements
from pouch.service.stopping import Stopping


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
        return await gateway_on(store, app, settings, routes)
    except BaseException:
        # The thread of a store that stays open would keep the process from ending.
        await store.close()
        raise


@dataclass(frozen=True, slots=True)
class _Core:
    """What carries requests out."""

    keys: KeyService
    tokens: Tokens
    transport: HttpTransport
    providers: Mapping[str, BuiltProvider]
    live: LiveRequests
    background: BackgroundTasks
    settlements: Settlements
    ports: Ports
    freezes: KeyFreezes
    proxy: ProxyService
    idempotency: Idempotency

    async def close(self) -> None:
        """Give up connections and threads."""
        for provider in self.providers.values():
            await provider.transport.aclose()
        await self.transport.aclose()
        self.tokens.close()


async def gateway_on(store: SqliteStore, app: App, settings: Config, routes: Routes) -> Gateway:
    """The services on ``store``, with what a dead predecessor left there settled."""
    clock = SystemClock()
    core = _core(store, app, settings, routes, clock)
    admin = await _administration(store, core, settings, routes, clock)
    await recover(store.ledger)
    watchers = Watchers(app, _works(store, core, admin, settings, clock))

    async def close() -> None:
        await watchers.close()
        await core.close()
        await store.close()

    return Gateway(
        proxy=core.proxy,
        idempotency=core.idempotency,
        quotes=parts.quotes_of(settings, core.ports, store),
        keys=core.keys,
        routes=routes,
        settlements=core.settlements,
        background=core.background,
        clock=clock,
        concurrent_requests_max=settings.server.concurrent_requests_max,
        drain_s=settings.server.drain_s,
        admin=admin_blueprint(admin),
        ping=store.keys.version,
        close=close,
    )


def _core(store: SqliteStore, app: App, settings: Config, routes: Routes, clock: Clock) -> _Core:
    keys = KeyService(store.keys, clock)
    background = BackgroundTasks(app, clock)
    tokens = Tokens()
    tokens.prepare(routes.encodings())
    transport = parts.transport_of(settings)
    built = parts.built_providers(settings, clock, transport)
    live = LiveRequests(clock)
    settlements = Settlements(
        store.ledger, tokens, built, background, clock, parts.disconnect_policy(settings), live
    )
    execution = Execution(built, clock, tokens, answer_bytes_max=settings.server.answer_bytes_max)
    freezes = KeyFreezes(store.freezes, keys, clock)
    ports = Ports(clock, store.ledger, keys, tokens, freezes)
    proxy = ProxyService(parts.chain_of(settings, ports, execution), settlements, describe, live)
    idempotency = Idempotency(
        store.idempotency(bytes_max=settings.idempotency.total_bytes_max),
        proxy,
        background,
        clock,
        parts.idempotency_limits(settings),
    )
    return _Core(
        keys=keys,
        tokens=tokens,
        transport=transport,
        providers=built,
        live=live,
        background=background,
        settlements=settlements,
        ports=ports,
        freezes=freezes,
        proxy=proxy,
        idempotency=idempotency,
    )


async def _administration(
    store: SqliteStore, core: _Core, settings: Config, routes: Routes, clock: Clock
) -> AdminServices:
    tokens = AdminTokens(store, environment=admin_token_from_environment())
    return AdminServices(
        keys=core.keys,
        reports=store.reports,
        ledger=store.ledger,
        freezes=core.freezes,
        alerts=store.outbox,
        auth=AdminAuth(await tokens.current(), clock),
        tokens=tokens,
        live=core.live,
        stopping=Stopping(core.live, store.stops, store.reports, clock),
        probes=ProviderProbes(core.providers, clock),
        store=store,
        installation=parts.installation_of(settings, clock),
        clock=clock,
        pipeline=overview.pipeline(settings),
        providers=overview.providers(settings),
        prices=routes.all(),
    )


def _works(
    store: SqliteStore, core: _Core, admin: AdminServices, settings: Config, clock: Clock
) -> Mapping[str, Coroutine[Any, Any, None]]:
    """What goes on beside the requests, by name."""
    works = {
        "keys": core.keys.watch(),
        "recovery": watch_siblings(store.ledger),
        "idempotency": core.idempotency.watch(),
        "stopping": admin.stopping.watch(),
    }
    if not admin.tokens.is_in_environment:
        works["admin token"] = admin.tokens.watch(admin.auth.renew)
    if settings.alerts.webhooks:
        works["alerts"] = deliver_alerts(store, settings, clock)
    return works
