"""Starting and stopping: streams may finish, everything is settled, nothing is cut short.

A signal starts the drain while Sanic still serves, and only when that has ended is Sanic told to
stop: its own way of stopping cancels tasks before any listener runs, aborts connections, and at a
second signal leaves listeners out.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from sanic import HTTPResponse, Request, Sanic

from pouch.api.errors import CUT
from pouch.api.gateway import Gateway

App: TypeAlias = "Sanic[Any, Any]"
OpenGateway: TypeAlias = Callable[[App], Awaitable[Gateway]]

# How long cancelled relays may take to leave, and settlements to be written, when stopping.
LEAVE_S: Final = 2.0
SETTLE_S: Final = 5.0
LAST_SETTLE_S: Final = 1.0
# Beyond the drain: relays leave, settlements are written, connections and a busy store are closed.
STOP_MARGIN_S: Final = LEAVE_S + SETTLE_S + LAST_SETTLE_S + 16
_POLL_S: Final = 0.02

_log = logging.getLogger("pouch.lifecycle")


def install(app: App, open_gateway: OpenGateway) -> None:
    """Open the gateway before the server starts, drain it before it stops."""

    @app.before_server_start
    async def start(app: App) -> None:
        gateway = await open_gateway(app)
        # Its services exist only now; nothing has been served yet, so the routes may change.
        app.router.reset()  # type: ignore[no-untyped-call]
        app.blueprint(gateway.admin)
        app.finalize()
        app.ctx.gateway = gateway
        app.ctx.drain = None

    @app.before_server_stop
    async def drain(app: App) -> None:
        await asyncio.shield(_drained(app))

    @app.after_server_stop
    async def close(app: App) -> None:
        gateway: Gateway = app.ctx.gateway
        await _drained(app)
        # What Sanic aborted by itself settles only now.
        if not await gateway.background.drain(LAST_SETTLE_S):
            _log.error(
                "%d settlements are left to the next start, which charges their reservations "
                "in full",
                len(gateway.background),
            )
            await gateway.background.cancel()
        await gateway.close()


def stop_on_signals(app: App) -> None:
    """Have SIGTERM and SIGINT stop ``app``; once it stops, more of them change nothing."""

    @app.after_server_start
    async def listen(app: App) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            # Sanic takes the loop's handlers off when it stops, and the default one would kill.
            loop.remove_signal_handler(each)
            signal.signal(each, lambda *_: loop.call_soon_threadsafe(stop, app))


def stop(app: App) -> None:
    """Drain ``app``, then have Sanic stop it; a second call changes nothing."""
    if app.ctx.drain is None:
        _drained(app).add_done_callback(lambda _: app.stop(terminate=False))


def _drained(app: App) -> "asyncio.Future[None]":
    """The one drain of ``app``, begun by whoever asks first."""
    if app.ctx.drain is None:
        # Not before: every response would pay for it.
        app.on_response(_end_connection)  # type: ignore[no-untyped-call]
        app.ctx.drain = asyncio.ensure_future(_drain(app.ctx.gateway))
    drain: asyncio.Future[None] = app.ctx.drain
    return drain


async def _end_connection(request: Request, response: HTTPResponse) -> None:
    """Have the client of a server that stops connect anew for its next request."""
    del response
    # An idle stream is falsy, so it is compared with None.
    if request.stream is not None:
        request.stream.keep_alive = False  # type: ignore[attr-defined]


async def _drain(gateway: Gateway) -> None:
    gateway.draining = True
    await _until_idle(gateway, gateway.drain_s)
    for relay in set(gateway.relays):
        relay.cancel(CUT)
    await _until_idle(gateway, LEAVE_S)
    gateway.settlements.hasten()
    await gateway.background.drain(SETTLE_S)


async def _until_idle(gateway: Gateway, timeout_s: float) -> None:
    # The relays are connection tasks, which do not end with their requests: there is nothing to
    # wait on.
    deadline = gateway.clock.monotonic() + timeout_s
    while gateway.relays and gateway.clock.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
