"""However a stream of chat completions is cut into blocks, and wherever it breaks off, the client
gets and the meter sees what a reader of its whole events would.

The reader is written down here: it splits the events, parses each with the standard library, and
knows nothing of blocks.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from pouch.domain.errors import UpstreamError
from pouch.domain.meter import Meter
from pouch.domain.usage import Usage
from pouch.infra.clock import SystemClock
from pouch.providers.mock import Mock
from pouch.service.event_stream import EventStream

TRAPS: Final = (
    '"usage": {"prompt_tokens": 9, "completion_tokens": 9}',
    '"usage":null',
    '"finish_reason": "stop"',
    "data: [DONE]\r\n\r\n\n\n\r\r",
    '\\"usage\\":{}',
    '"content":"',
    "é\u2028😀\x85",
)
TEXTS: Final = st.sampled_from(TRAPS) | st.text(max_size=8)
# Usage of nothing at all is nonsense, and none.
COUNTS: Final = st.sampled_from([0, 0, 3, 30])
NULLS: Final = st.dictionaries(st.sampled_from(["usage", "logprobs"]), st.none())
Event = Mapping[str, Any]


@dataclass
class Read:
    """What stands in a stream."""

    relayed: bytes = b""
    usage: Usage | None = None
    texts: dict[int, str] = field(default_factory=dict)
    finished: set[int] = field(default_factory=set)
    text_after_usage: bool = False


def read(stream: bytes, ending: bytes, *, strip: bool, broken: bool) -> Read:
    """``stream`` as its whole events say, and what is left after them unless it is ``broken``."""
    found = Read()
    *whole, rest = stream.split(2 * ending)
    events = [event + 2 * ending for event in whole] + ([rest] if rest and not broken else [])
    for event in events:
        if not take(found, json_of(event)) or not strip:
            found.relayed += event
    return found


def json_of(event: bytes) -> Event:
    lines = [line[5:] for line in re.split(rb"\r\n|\n|\r", event) if line.startswith(b"data:")]
    try:
        return dict(json.loads(b"\n".join(lines)))
    except ValueError:
        return {}


def take(found: Read, chunk: Event) -> bool:
    """Whether it reports usage and nothing else."""
    usage = chunk.get("usage") or {}
    reports = bool(usage) and usage["prompt_tokens"] + usage["completion_tokens"] > 0
    text = "".join([choice["delta"].get("content", "") for choice in chunk.get("choices", [])])
    if reports:
        found.usage = Usage(usage["prompt_tokens"], usage["completion_tokens"])
        found.text_after_usage = False
    elif found.usage is not None and text:
        found.text_after_usage = True
    for choice in chunk.get("choices", []):
        if piece := choice["delta"].get("content"):
            found.texts[choice["index"]] = found.texts.get(choice["index"], "") + piece
        if choice["finish_reason"] is not None:
            found.finished.add(choice["index"])
    return reports and chunk["choices"] == []


def usage(into: int, out: int) -> Event:
    return {"prompt_tokens": into, "completion_tokens": out}


def said(index: int, text: str, reason: str | None, rest: Event) -> Event:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": reason}
    return {"id": "a", "choices": [choice], **rest}


USAGES: Final = st.builds(usage, COUNTS, COUNTS)
CHUNKS: Final = (
    st.builds(said, st.integers(0, 2), TEXTS, st.sampled_from([None, None, "stop"]), NULLS)
    | st.builds(
        lambda chunk, used: {**chunk, "usage": used},
        st.builds(said, st.integers(0, 2), TEXTS, st.none(), NULLS),
        USAGES,
    )
    | st.builds(lambda used: {"choices": [], "usage": used}, USAGES)
)
SEPARATORS: Final = st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :  ")])


@st.composite
def written(draw: st.DrawFn, ending: bytes) -> bytes:
    """One event, in one of the ways in which servers write it."""
    plain = draw(st.sampled_from([b"data: [DONE]", b": ping", b"data: {", None, None, None, None]))
    if plain is None:
        chunk = json.dumps(
            draw(CHUNKS), ensure_ascii=draw(st.booleans()), separators=draw(SEPARATORS)
        )
        before = draw(st.sampled_from([b"", b"id: 7" + ending, b": a comment" + ending]))
        after = draw(st.sampled_from([b"", ending + b"event: usage"]))
        plain = before + b"data:" + chunk.encode("utf-8", "replace") + after
    return plain + 2 * ending


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Events, and how their lines end; the last event may have no end."""
    ending = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    whole = b"".join(draw(st.lists(written(ending), min_size=1, max_size=8)))
    return whole.removesuffix(draw(st.sampled_from([b"", 2 * ending]))), ending


class Body:
    """Hands over ``blocks``, then ends or breaks."""

    def __init__(self, blocks: Sequence[bytes], *, breaks: bool) -> None:
        self._blocks = iter(blocks)
        self._breaks = breaks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        block = next(self._blocks, None)
        if block is not None:
            return block
        if self._breaks:
            raise UpstreamError("cut")
        raise StopAsyncIteration

    async def aclose(self) -> None:
        raise AssertionError("nobody gave it up")


async def relayed(blocks: Sequence[bytes], *, strip: bool, breaks: bool) -> tuple[Read, Meter]:
    """What was seen on the way; ``texts`` are left to the meter."""
    provider, meter, seen = Mock(), Meter(), Read()
    stream = EventStream(
        Body(blocks, breaks=breaks),
        meter=meter,
        provider=provider,
        clock=SystemClock(),
        strip_usage=strip,
        keep=True,
    )
    try:
        async for events in stream:
            seen.relayed += events
            seen.finished |= set(provider.finished_in(events))
    except UpstreamError:
        assert breaks
    return seen, meter


def cut(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@given(data=st.data(), strip=st.booleans(), breaks=st.booleans())
@settings(max_examples=400)
async def test_blocks_and_breaks_change_nothing_of_what_whole_events_say(
    data: st.DataObject, strip: bool, breaks: bool
) -> None:
    stream, ending = data.draw(streams())
    if breaks:
        stream = stream[: data.draw(st.integers(0, len(stream)))]
    ways: list[Sequence[int]] = [[], range(1, len(stream))]
    ways.append(sorted(data.draw(st.sets(st.integers(1, max(len(stream) - 1, 1)), max_size=6))))
    expected = read(stream, ending, strip=strip, broken=breaks)
    for cuts in ways:
        seen, meter = await relayed(cut(stream, cuts), strip=strip, breaks=breaks)
        assert seen.relayed == expected.relayed
        assert seen.finished == expected.finished
        assert meter.usage == expected.usage
        assert meter.more_followed == expected.text_after_usage
        assert meter.complete is not breaks
        text = meter.relayed_text(lambda events: Mock().text_in(events, stream=True))
        assert text == "\n".join(expected.texts.values())
