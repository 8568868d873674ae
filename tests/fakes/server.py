"""A real Sanic HTTP server in the test's own event loop."""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

from sanic import Sanic
from sanic.application.constants import ServerStage
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP

# The same app name may be registered by one test after the other.
Sanic.test_mode = True


@contextlib.asynccontextmanager
async def serve(app: Sanic[Any, Any]) -> AsyncIterator[str]:
    """Serve ``app`` on an ephemeral port of the loopback interface; yields its base URL."""
    app.config.MOTD = False
    app.config.TOUCHUP = False
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    # Any: the methods that drive this server have no annotations in Sanic.
    server: Any = await app.create_server(
        sock=listening, return_asyncio_server=True, access_log=False
    )
    # create_server leaves the app "stopped", in which state add_task and app.loop raise.
    app.state.server_info = [
        ApplicationServerInfo(settings={"version": HTTP.VERSION_1}, stage=ServerStage.SERVING)
    ]
    await server.startup()
    await server.before_start()
    await server.after_start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await server.before_stop()
        closed = server.close()
        # From 3.12 on, closing waits for open connections.
        for connection in list(server.connections):
            connection.abort()
        if closed is not None:
            await closed
        await server.after_stop()
        listening.close()
        Sanic.unregister_app(app)
