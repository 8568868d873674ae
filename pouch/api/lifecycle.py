"""Starting and stopping: streams may finish, everything is settled, nothing is cut short.

Sanic cancels registered tasks before any listener, and aborts connections before the last
one; so the waiting is done here, in ``before_server_stop``, by tasks that Sanic does not know.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from sanic import Sanic

from pouch.api.gateway import Gateway

App: TypeAlias = "Sanic[Any, Any]"
OpenGateway: TypeAlias = Callable[[App], Awaitable[Gateway]]

# How long cancelled relays may take to leave, and settlements to be written, when stopping.
LEAVE_S: Final = 2.0
SETTLE_S: Final = 10.0
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
        # A second signal enters this again: both wait for the one drain.
        if app.ctx.drain is None:
            app.ctx.drain = asyncio.ensure_future(_drain(app.ctx.gateway))
        await asyncio.shield(app.ctx.drain)

    @app.after_server_stop
    async def close(app: App) -> None:
        gateway: Gateway = app.ctx.gateway
        if app.ctx.drain is not None:
            await app.ctx.drain
        # What Sanic aborted by itself settles only now.
        await gateway.background.drain(SETTLE_S)
        await gateway.close()


async def _drain(gateway: Gateway) -> None:
    gateway.draining = True
    await _until_idle(gateway, gateway.drain_s)
    for relay in set(gateway.relays):
        relay.cancel()
    await _until_idle(gateway, LEAVE_S)
    gateway.settlements.hasten()
    if not await gateway.background.drain(SETTLE_S):
        _log.error(
            "%d settlements are left to the next start, which charges their reservations in full",
            len(gateway.background),
        )


async def _until_idle(gateway: Gateway, timeout_s: float) -> None:
    # The relays are connection tasks, which do not end with their requests: there is nothing to
    # wait on.
    deadline = gateway.clock.monotonic() + timeout_s
    while gateway.relays and gateway.clock.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
