"""How long a server's event loop keeps others waiting, seen from outside.

``python -m tests.benchmarks.ping PORT PID`` asks for /health over one connection, again half a
millisecond after each answer, until its input is closed; then it prints a ``Waits`` as JSON. In
the same rhythm it asks the kernel how often the main thread of PID has gone to sleep, and what it
has run: how long it ran without sleeping once, whoever else wanted the core.
"""

import dataclasses
import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.load import quantile
from tests.benchmarks.servers import ROOT, on_cores

PAUSE_S: Final = 0.0005


@dataclass(slots=True)
class Waits:
    """What the answers took, and the longest that the thread can have run without a sleep."""

    count: int = 0
    p50_ms: float = 0
    p99_ms: float = 0
    max_ms: float = 0
    longest_run_ms: float = 0


class Runs:
    """Bounds the longest run of a process's main thread from above, to a sample's precision."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}/task/{pid}")
        self._sleeps, self._begun_ns = self._now()
        self._sampled_ns = self._begun_ns
        self.longest_ns = 0

    def sample(self) -> None:
        sleeps, run_ns = self._now()
        if sleeps != self._sleeps:
            # It ended a run and began another, both since the last sample at the earliest.
            self.longest_ns = max(self.longest_ns, run_ns - self._begun_ns)
            self._sleeps, self._begun_ns = sleeps, self._sampled_ns
        self._sampled_ns = run_ns

    def _now(self) -> tuple[int, int]:
        run_ns = int((self._folder / "schedstat").read_text(encoding="ascii").split()[0])
        status = (self._folder / "status").read_text(encoding="ascii")
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0]), run_ns


@contextmanager
def pinging(port: int, pid: int, core: int) -> Iterator[Waits]:
    """Ping beside the block; what is yielded is filled in after it."""
    with on_cores({core}):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.ping", str(port), str(pid)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    assert process.stdout is not None
    process.stdout.readline()
    waits = Waits()
    try:
        yield waits
    finally:
        output, _ = process.communicate(timeout=30)
    for name, value in json.loads(output).items():
        setattr(waits, name, value)


def ping(port: int, pid: int) -> Waits:
    request = f"GET /health HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()
    took: list[float] = []
    runs = Runs(pid)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
            sent = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(65_536)
            took.append((time.perf_counter() - sent) * 1000)
            runs.sample()
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"/health answered {answer[:200]!r}")
            if len(took) == 1:
                sys.stdout.write("begun\n")
                sys.stdout.flush()
    return Waits(
        count=len(took),
        p50_ms=quantile(took, 0.5),
        p99_ms=quantile(took, 0.99),
        max_ms=quantile(took, 1),
        longest_run_ms=runs.longest_ns / 1e6,
    )


if __name__ == "__main__":
    waited = ping(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(json.dumps(dataclasses.asdict(waited)) + "\n")
