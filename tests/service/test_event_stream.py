"""The relay of a stream, with a provider whose usage events are ``{"usage": N}``."""

import json
from collections.abc import AsyncIterator, Collection, Hashable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.errors import UpstreamError
from pouch.domain.meter import RAW_BYTES_MAX, Meter
from pouch.domain.pipeline import Request
from pouch.domain.provider import Reported, UpstreamRequest
from pouch.domain.usage import Usage
from pouch.infra.clock import SystemClock
from pouch.service.event_stream import EVENT_BYTES_MAX, EventStream

TEXT = b'data: {"text":"hello","usage":null}\n\n'
USAGE = b'data: {"usage":{"n":7},"alone":true}\n\n'
DONE = b"data: [DONE]\n\n"


class Dialect:
    def prepare(self, request: Request) -> UpstreamRequest:
        raise NotImplementedError

    def is_answer(self, answer: bytes) -> bool:
        raise NotImplementedError

    def usage_in(self, answer: bytes) -> Reported | None:
        try:
            event = json.loads(answer)
        except ValueError:
            return None
        usage = event.get("usage")
        if not isinstance(usage, dict):
            return None
        return Reported(Usage(output_tokens=usage["n"]), alone=event.get("alone", False))

    def text_in(self, answer: bytes, *, stream: bool) -> str:
        return "x" * answer.count(b"text")

    def pieces_in(self, events: bytes) -> Iterable[tuple[Hashable, str]]:
        raise NotImplementedError

    def envelope_in(self, events: bytes) -> Sequence[bytes]:
        raise NotImplementedError

    def finished_in(self, events: bytes) -> Collection[int]:
        raise NotImplementedError

    def cut_short(self, events: bytes, *, choices: Collection[int], usage: Usage | None) -> bytes:
        raise NotImplementedError


class Blocks:
    """An upstream body of these blocks, which then ends or breaks."""

    def __init__(self, blocks: Sequence[bytes], error: UpstreamError | None = None) -> None:
        self._blocks = list(blocks)
        self._error = error
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._blocks:
            return self._blocks.pop(0)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


def stream_of(body: Blocks, meter: Meter, *, strip: bool = True) -> EventStream:
    return EventStream(
        body, meter=meter, provider=Dialect(), clock=SystemClock(), strip_usage=strip, keep=True
    )


async def relayed(blocks: Sequence[bytes], meter: Meter, *, strip: bool = True) -> bytes:
    return b"".join([part async for part in stream_of(Blocks(blocks), meter, strip=strip)])


async def test_events_pass_byte_for_byte_and_the_usage_nobody_asked_for_is_taken_out() -> None:
    meter = Meter()
    assert await relayed([TEXT + TEXT, USAGE, DONE], meter) == TEXT + TEXT + DONE
    assert meter.usage == Usage(output_tokens=7)
    assert meter.complete


async def test_a_client_that_asked_for_usage_gets_it() -> None:
    meter = Meter()
    assert await relayed([TEXT, USAGE + DONE], meter, strip=False) == TEXT + USAGE + DONE
    assert meter.usage == Usage(output_tokens=7)


async def test_usage_beside_content_is_read_and_stays() -> None:
    event = b'data: {"text":"a","usage":{"n":3}}\n\n'
    meter = Meter()
    assert await relayed([event], meter) == event
    assert meter.usage == Usage(output_tokens=3)


async def test_the_last_usage_counts() -> None:
    meter = Meter()
    first = b'data: {"text":"a","usage":{"n":3}}\n\n'
    await relayed([first + USAGE], meter)
    assert meter.usage == Usage(output_tokens=7)


async def test_a_last_event_without_its_end_is_passed_on_and_read() -> None:
    meter = Meter()
    assert await relayed([TEXT, USAGE.rstrip()], meter) == TEXT
    assert meter.usage == Usage(output_tokens=7)
    assert await relayed([TEXT.rstrip()], Meter()) == TEXT.rstrip()


@given(st.data(), st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]))
async def test_blocks_may_be_cut_anywhere(data: st.DataObject, ending: bytes) -> None:
    events = [e.rstrip() + ending for e in (TEXT, TEXT, USAGE, DONE)]
    whole = b"".join(events)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1))))
    ends = [*cuts, len(whole)]
    blocks = [whole[a:b] for a, b in zip([0, *cuts], ends, strict=True)]
    meter = Meter()
    assert await relayed(blocks, meter) == events[0] + events[1] + events[3]
    assert meter.usage == Usage(output_tokens=7)


async def test_a_stream_that_breaks_is_never_complete() -> None:
    meter = Meter()
    stream = stream_of(Blocks([TEXT, b"data: {"], UpstreamError("cut")), meter)
    assert await anext(stream) == TEXT
    with pytest.raises(UpstreamError):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert not meter.complete
    assert meter.usage is None


async def test_an_oversized_event_passes_unread_in_bounded_pieces() -> None:
    line = b"data: " + b"a" * (5 * EVENT_BYTES_MAX) + b"\n\n"
    blocks = [line[i : i + 65_536] for i in range(0, len(line), 65_536)]
    meter = Meter()
    stream = stream_of(Blocks([*blocks, USAGE]), meter)
    pieces = [piece async for piece in stream]
    assert b"".join(pieces) == line
    assert max(map(len, pieces)) <= EVENT_BYTES_MAX + 2 * 65_536
    assert meter.uncountable
    assert meter.usage == Usage(output_tokens=7)


async def test_what_is_kept_for_counting_is_condensed_to_text() -> None:
    meter = Meter()
    events = 3 * RAW_BYTES_MAX // len(TEXT)
    await relayed([TEXT] * events, meter)
    assert meter._raw_bytes <= RAW_BYTES_MAX
    text = meter.relayed_text(lambda raw: Dialect().text_in(raw, stream=True))
    assert text == "x" * events


async def test_closing_ends_the_stream_and_the_connection() -> None:
    body = Blocks([TEXT, TEXT])
    stream = stream_of(body, Meter())
    await anext(stream)
    await stream.aclose()
    assert body.closed
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
