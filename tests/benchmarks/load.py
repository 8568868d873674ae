"""A load generator: so many connections, each sending its next request when it has its answer.

``python -m tests.benchmarks.load`` reads a ``Load`` as JSON from its input, prints a ``Result`` as
JSON, and stops by itself after ``DEADLINE_S``. What it sends first, to warm up, it does not count.
"""

import asyncio
import dataclasses
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import uvloop

from tests.benchmarks import accounting

DEADLINE_S: Final = 300
# How long after the last answer what it costs to settle and log it still counts.
AFTER_S: Final = 0.05
_MOMENT: Final = re.compile(rb"at:(\d{19}) ")
_MOMENT_BYTES: Final = 23


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask, how often, of whom; the processor time of ``pids`` is measured beside it.

    The connections begin one after the other within ``spread_s``. A body of less than
    ``body_bytes_min`` was cut short, and is a failure.
    """

    url: str
    keys: Sequence[str]
    model: str
    stream: bool
    connections: int
    requests: int
    warm_up: int = 0
    prompt_bytes: int = 400
    spread_s: float = 0
    max_tokens: int = 1000
    body_bytes_min: int = 0
    headers: Sequence[tuple[str, str]] = ()
    pids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What the connections saw, in seconds; ``late_*`` of events that say when they were sent."""

    requests: int
    elapsed_s: float
    p50_s: float
    p99_s: float
    max_s: float
    first_p50_s: float
    late_p50_s: float
    late_p99_s: float
    late_max_s: float
    cpu_s: Sequence[float]
    failures: Sequence[str]


@dataclass(slots=True)
class Tally:
    """What is left to send, and what the answers so far took, in seconds."""

    left: int
    body_bytes_min: int = 0
    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One connection; ``requests`` is shared by all."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self._tally = Tally(0)
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._done.set_result(None)
        self._forget()

    def _forget(self) -> None:
        """Begin with the next answer. ``_length`` is of the body, -1 if it comes in chunks."""
        self._head = b""
        self._tail = b""
        self._received = 0
        self._length_known = False
        self._length = -1
        self._sent = time.perf_counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._tally.failures.append(f"connection lost: {exc}")
            self._done.set_result(None)

    async def run(self, tally: Tally, delay_s: float = 0) -> None:
        """Send until nothing is left, or a request has failed."""
        self._tally = tally
        self._done = asyncio.get_running_loop().create_future()
        await asyncio.sleep(delay_s)
        self._next()
        await self._done

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self._head:
            self._tally.first_bytes.append(now - self._sent)
        if not self._length_known:
            data = self._read_head(data)
        self._received += len(data)
        if b"at:" in data or b"at:" in self._tail:
            self._read_moments(data)
        self._tail = (self._tail + data[-_MOMENT_BYTES:])[-_MOMENT_BYTES:]
        if self._is_whole():
            self._tally.latencies.append(now - self._sent)
            if not self._head.startswith(b"HTTP/1.1 200"):
                self._tally.failures.append(self._head[:600].decode("latin-1"))
            elif self._received < self._tally.body_bytes_min:
                self._tally.failures.append(f"an answer of only {self._received} bytes")
            self._next()

    def _read_head(self, data: bytes) -> bytes:
        """What of ``data`` is body: a header's end can look like the body's."""
        self._head += data
        head, found, body = self._head.partition(b"\r\n\r\n")
        if not found:
            return b""
        self._length_known = True
        lower = head.lower()
        at = lower.find(b"\r\ncontent-length:")
        self._length = -1 if at < 0 else int(lower[at + 17 :].split(b"\r\n", 1)[0])
        return body

    def _read_moments(self, data: bytes) -> None:
        now = time.monotonic_ns()
        text = self._tail[1 - _MOMENT_BYTES :] + data
        self._tally.late += [(now - int(at)) / 1e9 for at in _MOMENT.findall(text)]

    def _is_whole(self) -> bool:
        if not self._length_known:
            return False
        if self._length >= 0:
            return self._received >= self._length
        return self._tail.endswith(b"0\r\n\r\n")

    def _next(self) -> None:
        if self._tally.left <= 0 or self._tally.failures:
            if not self._done.done():
                self._done.set_result(None)
            return
        self._tally.left -= 1
        self._forget()
        self._transport.write(next(self._requests))


def requests_of(load: Load) -> list[bytes]:
    """The request with each of the keys."""
    parts = urlsplit(load.url)
    sentence = "Write sixty-four words about the sea. "
    prompt = (sentence * (load.prompt_bytes // len(sentence) + 1))[: load.prompt_bytes]
    asked = {
        "model": load.model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": load.max_tokens,
        **({"stream": True} if load.stream else {}),
    }
    body = json.dumps(asked, separators=(",", ":")).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in load.headers)
    return [
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\n{more}content-length: {len(body)}\r\n\r\n".encode()
        + body
        for key in load.keys
    ]


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample that so large a share of all are not above; 0 without samples."""
    return sorted(samples)[min(int(len(samples) * share), len(samples) - 1)] if samples else 0.0


async def run(load: Load) -> Result:
    parts = urlsplit(load.url)
    loop = asyncio.get_running_loop()
    requests = itertools.cycle(requests_of(load))
    clients: list[Client] = []
    host, port = parts.hostname or "", parts.port or 80
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(load.connections):
            _, client = await loop.create_connection(lambda: Client(requests), host, port)
            clients.append(client)
        warm_up = Tally(load.warm_up)
        await asyncio.gather(*(client.run(warm_up) for client in clients))
        tally = Tally(load.requests, load.body_bytes_min, failures=warm_up.failures)
        before = [accounting.cpu_s(pid) for pid in load.pids]
        started = time.perf_counter()
        step_s = load.spread_s / load.connections
        await asyncio.gather(*(each.run(tally, at * step_s) for at, each in enumerate(clients)))
        elapsed = time.perf_counter() - started
        await asyncio.sleep(AFTER_S)
        after = [accounting.cpu_s(pid) for pid in load.pids]
    for client in clients:
        client.close()
    return Result(
        requests=len(tally.latencies),
        elapsed_s=elapsed,
        p50_s=quantile(tally.latencies, 0.5),
        p99_s=quantile(tally.latencies, 0.99),
        max_s=quantile(tally.latencies, 1),
        first_p50_s=quantile(tally.first_bytes, 0.5),
        late_p50_s=quantile(tally.late, 0.5),
        late_p99_s=quantile(tally.late, 0.99),
        late_max_s=quantile(tally.late, 1),
        cpu_s=[late - early for early, late in zip(before, after, strict=True)],
        failures=tally.failures[:3],
    )


if __name__ == "__main__":
    result = uvloop.run(run(Load(**json.load(sys.stdin))))
    sys.stdout.write(json.dumps(dataclasses.asdict(result)) + "\n")
