"""A gateway of several workers, and each of them by itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Upstream
from tests.fakes.waiting import eventually


@contextmanager
def pair_of_workers(
    folder: Path, provider: Upstream, environ: Mapping[str, str] | None = None
) -> Iterator[GatewayProcess]:
    """A gateway whose two workers run; none outlives it."""
    process = GatewayProcess(folder, upstream=provider.url, workers=2)
    try:
        process.start(environ)
        eventually(lambda: len(workers(process)) == 2)
        yield process
    finally:
        left = workers(process)
        process.close()
        for worker in left:
            if worker.is_running():
                worker.kill()


def workers(gateway: GatewayProcess) -> list[psutil.Process]:
    """The worker processes, oldest first."""
    assert gateway.process is not None
    if not psutil.pid_exists(gateway.process.pid):
        return []
    children = psutil.Process(gateway.process.pid).children()
    return sorted((c for c in children if _works(c)), key=lambda c: (c.create_time(), c.pid))


def _works(child: psutil.Process) -> bool:
    try:
        return any("spawn_main" in argument for argument in child.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


@contextmanager
def client_of(gateway: GatewayProcess, worker: psutil.Process) -> Iterator[httpx.Client]:
    """A client whose one connection ``worker`` has accepted."""
    with httpx.Client(base_url=gateway.url, timeout=20) as client:
        others = [other for other in workers(gateway) if other.pid != worker.pid]
        for other in others:
            other.suspend()
        try:
            assert client.get("/health").status_code == 200
        finally:
            for other in others:
                other.resume()
        yield client
