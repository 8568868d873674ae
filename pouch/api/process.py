"""The server's processes: one that serves by itself, or a manager with workers it keeps alive."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from sanic import Sanic
from sanic.worker.loader import AppLoader

from pouch.api.lifecycle import LEAVE_S, SETTLE_S, App
from pouch.domain.errors import UnavailableError

BACKLOG: Final = 2048
_WATCH_S: Final = 0.5

_log = logging.getLogger("pouch.process")


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        UnavailableError: the address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"cannot listen on {host}:{port}: {error.strerror or error}"
        ) from error
    return listener


def run(
    create: Callable[[], App], listener: socket.socket, *, workers: int, drain_s: float
) -> None:
    """Serve until SIGTERM or SIGINT; returns when everything is settled.

    ``create`` is called in each worker; it must be importable there.
    """
    if workers == 1:
        app = create()
        app.prepare(
            sock=listener, single_process=True, backlog=BACKLOG, access_log=False, motd=False
        )
        Sanic.serve_single(primary=app)
        return
    loader = AppLoader(factory=partial(_worker, create, drain_s))
    app = loader.load()
    app.prepare(sock=listener, workers=workers, backlog=BACKLOG, access_log=False, motd=False)
    Sanic.serve(primary=app, app_loader=loader)


def _worker(create: Callable[[], App], drain_s: float) -> App:
    app = create()

    @app.main_process_ready
    async def keep_alive(app: App) -> None:
        threading.Thread(target=_respawn, args=(app,), daemon=True).start()

    @app.main_process_stop
    async def wait_for_workers(app: App) -> None:
        # The manager itself gives workers ten seconds, which streams can outlast.
        deadline = time.monotonic() + drain_s + LEAVE_S + 2 * SETTLE_S  # noqa: TID251
        for process in app.manager.processes:
            left_s = deadline - time.monotonic()  # noqa: TID251
            process._current_process.join(max(left_s, 0))

    return app


def _respawn(app: App) -> None:
    """Have the manager start a worker again that died; by itself it never does."""
    manager = app.manager
    while not manager._shutting_down:
        time.sleep(_WATCH_S)
        for process in list(manager.transient_processes):
            if process.pid and process.exitcode is not None and not manager._shutting_down:
                _log.error("worker %s died with %s", process.name, process.exitcode)
                manager.monitor_publisher.send(f"{process.name}:")
