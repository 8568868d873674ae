"""A stream that is measured as it is relayed, from a provider that says what a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from pouch.domain.errors import UpstreamError
from pouch.domain.ledger import Reservation
from pouch.domain.money import Money
from pouch.domain.pipeline import Request, Route
from pouch.domain.ports import TokenCounter
from pouch.domain.pricing import Price, Rates
from pouch.infra.clock import SystemClock
from pouch.providers.mock import Mock
from pouch.service.event_stream import EventStream
from pouch.service.live_meter import LiveMeter
from tests.fakes.chat import a_body, a_request
from tests.fakes.upstream import delta

DONE = "[DONE]"


class Blocks:
    """Hands over blocks until it is closed; after the last it ends, or hangs."""

    def __init__(self, blocks: Iterable[bytes], *, hangs: bool = False) -> None:
        self._blocks = iter(blocks)
        self._hangs = hangs
        self.closed = asyncio.Event()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.closed.is_set():
            raise UpstreamError("given up")
        block = next(self._blocks, None)
        if block is None and self._hangs:
            await self.closed.wait()
            raise UpstreamError("given up")
        if block is None:
            raise StopAsyncIteration
        return block

    async def aclose(self) -> None:
        self.closed.set()


class Relay:
    """The stream of a request whose answer may have ``bound`` tokens per choice."""

    def __init__(
        self,
        upstream: Blocks,
        counter: TokenCounter,
        *,
        bound: int,
        encoding: str | None = "o200k_base",
        **body: Any,
    ) -> None:
        price = Price(Rates(input=1, output=1), source="test", encoding=encoding)
        self.request: Request = a_request(
            body=a_body(stream=True, **body),
            route=Route("m", "mock", "m", price=price),
            output_bound=bound,
        )
        self.meter = self.request.meter
        self.meter.reservation = Reservation("r", "p", Money(100), None)
        self.upstream = upstream
        provider = Mock()
        self.live = LiveMeter(self.request, provider, counter, upstream.aclose)
        self.stream = EventStream(
            upstream,
            meter=self.meter,
            provider=provider,
            clock=SystemClock(),
            strip_usage=not self.request.body.include_usage,
            keep=True,
            live=self.live,
        )

    async def chunks(self) -> list[dict[str, Any]]:
        """What the client got: chunks that can all be read, and the terminator."""
        relayed = b"".join([part async for part in self.stream]).decode()
        *events, last = relayed.removesuffix("\n\n").split("\n\n")
        assert last == f"data: {DONE}"
        return [json.loads(event.removeprefix("data: ")) for event in events]


def event(content: object) -> bytes:
    data = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    return f"data: {data}\n\n".encode()


def spoken(pieces: Iterable[str]) -> Iterator[bytes]:
    return (event(delta(piece)) for piece in pieces)


def of_choice(index: int, text: str | None) -> dict[str, Any]:
    chunk = delta(text)
    chunk["choices"][0]["index"] = index
    return chunk


def arguments(piece: str, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": piece, **({"name": name} if name else {})}
    chunk = delta(None)
    chunk["choices"] = [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": function}]}}]
    return chunk


def text_of(chunks: Sequence[dict[str, Any]]) -> str:
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def finish_reasons(chunks: Sequence[dict[str, Any]]) -> list[tuple[int, str]]:
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return [(c["index"], c["finish_reason"]) for c in choices if c.get("finish_reason")]
