"""The server's processes: one that serves by itself, or several that a parent keeps alive.

The parent answers no request and never opens the store: it holds the listening socket, which all
its workers accept from, starts a worker again that has died, and passes signals on. Sanic's own
manager of workers is not used: it restarts none that dies, waits ten seconds for those that stop,
and at a second signal kills the whole process group.
"""

import asyncio
import gc
import logging
import multiprocessing
import resource
import signal
import socket
from collections.abc import Callable
from functools import partial
from multiprocessing.context import SpawnProcess
from typing import Final

from sanic import Sanic

from pouch.api import lifecycle
from pouch.api.lifecycle import STOP_MARGIN_S, App
from pouch.domain.errors import UnavailableError

BACKLOG: Final = 2048
FILES_MAX: Final = 65_536
# New objects that make Python look for cycles among them; 700 by itself.
COLLECT_AFTER: Final = 20_000

# A worker that lives for less has failed to start; after so many failures in a row, with pauses
# that double, it is given up, and with the last of them the server.
STARTED_S: Final = 10.0
FAILURES_MAX: Final = 5
_PAUSE_FIRST_S: Final = 0.5
# A worker that has just been started may lose a signal, so it is told again.
_REPEAT_S: Final = 0.5

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
        # From here on clients wait instead of being refused, until the server accepts them.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"cannot listen on {host}:{port}: {error.strerror or error}"
        ) from error
    return listener


def run(create: Callable[[], App], listener: socket.socket, *, workers: int, drain_s: float) -> int:
    """Serve until SIGTERM or SIGINT; returns when everything is settled, with the exit code.

    ``create`` is called in each process that serves; with several, it is pickled to get there.
    """
    if workers == 1:
        # Until it serves, Ctrl-C ends it at once; Sanic would log where it was interrupted.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _serve(create(), listener)
        return 0
    family = _Family(create, listener, workers, stop_s=drain_s + STOP_MARGIN_S)
    return asyncio.run(family.run())


def _allow_connections() -> None:
    """Have as many files open as the system lets this user: each request needs two connections,
    and the usual limit of 1,024 is there for programs that cannot do with more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _serve(app: App, listener: socket.socket) -> None:
    _allow_connections()
    lifecycle.stop_on_signals(app)
    app.after_server_start(_spare_the_collector)
    app.prepare(sock=listener, single_process=True, backlog=BACKLOG, access_log=False, motd=False)
    Sanic.serve_single(primary=app)


async def _spare_the_collector(app: App) -> None:
    """What start-up made stays; what a request makes is mostly free of cycles. Looking at both as
    often as Python does by itself cost a tenth of a request's time.
    """
    del app
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def _work(create: Callable[[], App], listener: socket.socket) -> None:
    """What a worker does."""
    # Ctrl-C in a terminal reaches the workers too; until they serve, their parent tells them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    app = create()
    parent = multiprocessing.parent_process()
    assert parent is not None
    app.after_server_start(partial(_stop_with, parent.sentinel))
    _serve(app, listener)


async def _stop_with(sentinel: int, app: App) -> None:
    """Without its parent a worker would serve on, and keep the port, with no one to stop it."""
    loop = asyncio.get_running_loop()

    def parent_has_died() -> None:
        loop.remove_reader(sentinel)
        _log.error("the parent process has died; stopping")
        lifecycle.stop(app)

    loop.add_reader(sentinel, parent_has_died)


class _Family:
    """The workers, and the signals to their parent."""

    def __init__(
        self,
        create: Callable[[], App],
        listener: socket.socket,
        workers: int,
        *,
        stop_s: float,
    ) -> None:
        self._create = create
        self._listener = listener
        self._workers = workers
        self._stop_s = stop_s
        self._stopping = asyncio.Event()
        self._children: set[SpawnProcess] = set()
        self._killed = False

    async def run(self) -> int:
        """Until a signal stops the workers, or none of them can be started; the exit code."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._stopping.set)
        alive = [asyncio.ensure_future(self._keep_alive(i)) for i in range(self._workers)]
        stopping = asyncio.ensure_future(self._stop())
        await asyncio.wait(alive)
        stopping.cancel()
        for ended in alive:
            ended.result()
        if not self._stopping.is_set():
            _log.error("no worker could be started")
            return 1
        return 1 if self._killed else 0

    async def _keep_alive(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while failures < FAILURES_MAX:
            if failures:
                await self._pause(_PAUSE_FIRST_S * 2 ** (failures - 1))
            if self._stopping.is_set():
                return
            started = loop.time()
            child = await self._run_child(f"worker-{number}")
            if self._stopping.is_set():
                return
            failures = failures + 1 if loop.time() - started < STARTED_S else 0
            _log.error("%s died with %s", child.name, child.exitcode)

    async def _run_child(self, name: str) -> SpawnProcess:
        """A worker that has run to its end."""
        context = multiprocessing.get_context("spawn")
        child = context.Process(target=_work, args=(self._create, self._listener), name=name)
        child.start()
        self._children.add(child)
        await _readable(child.sentinel)
        child.join()
        self._children.discard(child)
        return child

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _stop(self) -> None:
        """Stop all workers when it is time to."""
        await self._stopping.wait()
        self._listener.close()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._stop_s
        while self._children and loop.time() < deadline:
            for child in self._children:
                child.terminate()
            await asyncio.sleep(_REPEAT_S)
        for child in self._children:
            _log.error("%s does not stop and is killed; the next start settles for it", child.name)
            child.kill()
            self._killed = True


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
