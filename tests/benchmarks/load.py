"""A load generator: so many connections, each sending its next request when it has its answer.

``python -m tests.benchmarks.load URL KEY KIND CONNECTIONS REQUESTS`` prints one line of JSON. KIND
is ``whole``, ``stream`` or ``paced``. Stops by itself after REQUESTS, or after ``DEADLINE_S``.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import uvloop

DEADLINE_S: Final = 120

_PROMPT: Final = [{"role": "user", "content": "Write sixty-four words about the sea. " * 10}]
_BODIES: Final = {
    "whole": {"model": "bench", "messages": _PROMPT, "max_tokens": 100},
    "stream": {"model": "bench", "messages": _PROMPT, "max_tokens": 100, "stream": True},
    "paced": {"model": "bench-paced", "messages": _PROMPT, "max_tokens": 100, "stream": True},
}


@dataclass(slots=True)
class Tally:
    """What the connections of one run measured, in seconds."""

    left: int
    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    reads: int = 0
    failures: list[str] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes, tally: Tally, done: asyncio.Future[None]) -> None:
        self._request = request
        self._tally = tally
        self.done = done
        self._buffer = b""
        self._first = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._tally.failures.append(f"connection lost: {exc}")
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._tally.reads += 1
        self._buffer += data
        if not self._first:
            self._first = True
            self._tally.first_bytes.append(now - self._sent)
        if self._is_whole():
            self._tally.latencies.append(now - self._sent)
            if not self._buffer.startswith(b"HTTP/1.1 200"):
                self._tally.failures.append(self._buffer[:200].decode("latin-1"))
            self._next()

    def _is_whole(self) -> bool:
        if self._buffer.endswith(b"0\r\n\r\n"):
            return True
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        if at < 0:
            return False
        return len(self._buffer) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])

    def _next(self) -> None:
        if self._tally.left <= 0 or self._tally.failures:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._tally.left -= 1
        self._buffer, self._first = b"", False
        self._sent = time.perf_counter()
        self._transport.write(self._request)


def _quantile(samples: list[float], share: float) -> float:
    return sorted(samples)[int(len(samples) * share)] if samples else 0.0


def request_of(url: str, key: str, kind: str) -> bytes:
    parts = urlsplit(url)
    body = json.dumps(_BODIES[kind], separators=(",", ":")).encode()
    return (
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def run(url: str, key: str, kind: str, connections: int, requests: int) -> dict[str, object]:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    tally = Tally(left=requests)
    request = request_of(url, key, kind)
    started = time.perf_counter()
    clients: list[Client] = []
    host, port = parts.hostname or "", parts.port or 80
    for _ in range(connections):
        _, client = await loop.create_connection(
            lambda: Client(request, tally, loop.create_future()), host, port
        )
        clients.append(client)
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(*(client.done for client in clients))
    elapsed = time.perf_counter() - started
    return {
        "requests": len(tally.latencies),
        "elapsed_s": elapsed,
        "p50_s": _quantile(tally.latencies, 0.5),
        "p99_s": _quantile(tally.latencies, 0.99),
        "first_p50_s": _quantile(tally.first_bytes, 0.5),
        "reads": tally.reads,
        "failures": tally.failures[:3],
    }


if __name__ == "__main__":
    target, secret, mode, width, count = sys.argv[1:6]
    result = uvloop.run(run(target, secret, mode, int(width), int(count)))
    sys.stdout.write(json.dumps(result) + "\n")
