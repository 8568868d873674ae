"""Streams that keep to their output limit are never cut, and those that do not are."""

import asyncio
import codecs
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from pouch.domain.usage import Usage
from pouch.infra.tokens import vocabulary
from pouch.infra.tokens.counter import Tokens
from pouch.providers.mock import Mock
from pouch.service.live_meter import AFTERWARDS_BYTES_MAX, RAW_BYTES_MAX, LiveMeter, limit_of
from tests.fakes.measured_stream import (
    DONE,
    Blocks,
    Relay,
    arguments,
    event,
    finish_reasons,
    of_choice,
    spoken,
    text_of,
)
from tests.fakes.tokens import Uncounted
from tests.fakes.upstream import delta, tokens

VOCABULARIES = {name: vocabulary.load(name) for name in vocabulary.SPECIFICATIONS}
O200K = VOCABULARIES["o200k_base"]
Vocabulary = st.sampled_from(sorted(VOCABULARIES))


@pytest.fixture(scope="module")
def counter() -> Iterator[Tokens]:
    made = Tokens(VOCABULARIES.__getitem__)
    yield made
    made.close()


def decoded(ids: Sequence[int], encoding: tiktoken.Encoding) -> list[str]:
    """What a server shows of each token: a character when its last byte has come."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces = [decoder.decode(encoding.decode_single_token_bytes(token)) for token in ids]
    return [*pieces, decoder.decode(b"", final=True)]


@settings(deadline=None, max_examples=60)
@given(
    vocabulary_name=Vocabulary,
    published=st.booleans(),
    ids=st.lists(st.integers(0, 100_000), min_size=1, max_size=400),
    copies=st.integers(1, 8),
)
async def test_no_choice_of_tokens_within_the_limit_is_ever_cut(
    counter: Tokens, vocabulary_name: str, published: bool, ids: list[int], copies: int
) -> None:
    encoding = VOCABULARIES[vocabulary_name]
    pieces = decoded(ids * copies, encoding)
    relay = Relay(
        Blocks([*spoken(pieces), event(delta(None)), event(DONE)]),
        counter,
        bound=len(ids) * copies,
        encoding=vocabulary_name if published else None,
    )
    assert text_of(await relay.chunks()) == "".join(pieces)
    assert not relay.meter.cut
    assert relay.meter.complete


@settings(deadline=None, max_examples=40)
@given(vocabulary_name=Vocabulary, text=st.text(min_size=1), copies=st.integers(1, 200))
async def test_a_text_of_exactly_the_limit_is_never_cut_however_choices_interleave(
    counter: Tokens, vocabulary_name: str, text: str, copies: int
) -> None:
    text *= copies
    bound = len(VOCABULARIES[vocabulary_name].encode_ordinary(text))
    events = [
        event(of_choice(index, text[i : i + 3])) for i in range(0, len(text), 3) for index in (0, 1)
    ]
    relay = Relay(
        Blocks([*events, event(DONE)]), counter, bound=bound, encoding=vocabulary_name, n=2
    )
    assert text_of(await relay.chunks()) == "".join(
        text[i : i + 3] * 2 for i in range(0, len(text), 3)
    )
    assert not relay.meter.cut


@pytest.mark.parametrize("bound", [1, 16, 300, 4000])
@pytest.mark.parametrize("piece", ["word ", "语言 ", "\t}\n", "word " * 400])
async def test_a_runaway_is_cut_within_a_small_multiple_of_its_limit(
    counter: Tokens, bound: int, piece: str
) -> None:
    relay = Relay(Blocks(spoken(repeat(piece))), counter, bound=bound)
    chunks = await relay.chunks()
    said = len(O200K.encode_ordinary(text_of(chunks)))
    one_event = len(O200K.encode_ordinary(piece))
    assert bound < said <= 4 * bound + 64 + 3 * one_event
    assert finish_reasons(chunks) == [(0, "length")]
    assert {name: chunks[-1][name] for name in ("id", "model", "created", "object")} == {
        name: chunks[0][name] for name in ("id", "model", "created", "object")
    }
    assert relay.meter.cut
    assert relay.upstream.closed.is_set()


async def test_a_runaway_of_an_unpublished_vocabulary_is_cut_too(counter: Tokens) -> None:
    relay = Relay(Blocks(spoken(repeat("word "))), counter, bound=100, encoding=None)
    assert finish_reasons(await relay.chunks()) == [(0, "length")]


async def test_the_usage_chunk_comes_if_it_was_asked_for(counter: Tokens) -> None:
    options = {"include_usage": True}
    relay = Relay(Blocks(spoken(repeat("word "))), counter, bound=100, stream_options=options)
    *_, finish, usage = await relay.chunks()
    assert finish["choices"][0]["finish_reason"] == "length"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] > 100
    assert 0 < usage["usage"]["prompt_tokens"] < 100


async def test_only_choices_that_have_not_ended_are_ended(counter: Tokens) -> None:
    events = [event(of_choice(0, "Done.")), event(of_choice(0, None))]
    runaway = repeat(event(of_choice(1, "word ")))
    relay = Relay(Blocks([*events, *islice(runaway, 5000)]), counter, bound=50, n=2)
    assert finish_reasons(await relay.chunks()) == [(0, "stop"), (1, "length")]


async def test_endless_arguments_of_a_tool_call_are_cut(counter: Tokens) -> None:
    runaway = (event(arguments('{"a": 1}, ')) for _ in repeat(None))
    chunks = await (Relay(Blocks(runaway), counter, bound=50)).chunks()
    assert finish_reasons(chunks) == [(0, "length")]
    assert len(chunks) < 100


async def test_a_tools_name_that_is_repeated_with_every_piece_counts_for_nothing(
    counter: Tokens,
) -> None:
    calls = [event(arguments("a", name="get_the_current_weather")) for _ in range(200)]
    relay = Relay(Blocks([*calls, event(DONE)]), counter, bound=200)
    assert len(await relay.chunks()) == 200
    assert not relay.meter.cut


async def test_a_runaway_in_blocks_of_one_byte_is_cut(counter: Tokens) -> None:
    octets = (bytes([octet]) for part in spoken(repeat("word ")) for octet in part)
    chunks = await Relay(Blocks(octets), counter, bound=20).chunks()
    assert finish_reasons(chunks) == [(0, "length")]
    assert len(chunks) < 200


@pytest.mark.parametrize(("said", "cut"), [(50, False), (51, True)])
async def test_usage_in_passing_above_the_limit_cuts_at_once(
    counter: Tokens, said: int, cut: bool
) -> None:
    passing = {**delta("a"), "usage": tokens(10, said)}
    relay = Relay(Blocks([event(passing), event(delta("b")), event(DONE)]), counter, bound=50)
    chunks = await relay.chunks()
    assert relay.meter.cut is cut
    assert text_of(chunks) == ("a" if cut else "ab")
    assert relay.meter.usage == Usage(input_tokens=10, output_tokens=said)


async def test_an_answer_that_has_ended_may_still_report_that_it_was_too_long(
    counter: Tokens,
) -> None:
    ended = {**delta(None), "usage": tokens(10, 60)}
    last = {**delta(None), "choices": [], "usage": tokens(10, 61)}
    relay = Relay(Blocks([event(ended), event(last), event(DONE)]), counter, bound=50)
    assert finish_reasons(await relay.chunks()) == [(0, "stop")]
    assert relay.meter.usage == Usage(input_tokens=10, output_tokens=61)
    assert relay.meter.complete


async def test_an_answer_that_says_it_has_ended_and_goes_on_is_cut(counter: Tokens) -> None:
    events = [event(delta(None)), *spoken(["word "] * 5000)]
    relay = Relay(Blocks(events), counter, bound=50)
    relayed = b"".join([part async for part in relay.stream])
    assert relayed.endswith(event(DONE))
    assert relay.meter.cut
    assert len(relayed) < 2 * AFTERWARDS_BYTES_MAX


async def test_the_connection_is_closed_while_a_read_waits_for_more(counter: Tokens) -> None:
    relay = Relay(Blocks(spoken(["word " * 300]), hangs=True), counter, bound=20)
    async with asyncio.timeout(5):
        assert finish_reasons(await relay.chunks()) == [(0, "length")]
    assert relay.upstream.closed.is_set()


async def test_nothing_is_parsed_or_counted_while_the_bytes_prove_that_it_is_short() -> None:
    class Unread(Mock):
        def pieces_in(self, events: bytes) -> Any:
            raise AssertionError("parsed")

    relay = Relay(Blocks([]), Uncounted(), bound=1000)
    live = LiveMeter(relay.request, Unread(), Uncounted(), relay.upstream.aclose)
    part = event(delta("word "))
    for _ in range(1000 // len(part)):
        live.saw(part)
    assert not live.behind


async def test_what_cannot_be_counted_is_cut_when_its_bytes_prove_that_it_is_too_long() -> None:
    relay = Relay(Blocks(spoken(repeat("word " * 10))), Uncounted(), bound=10)
    said = len(text_of(await relay.chunks()))
    assert 26 * 128 < said < 2 * 26 * 128


class Gated(Tokens):
    """Counts when it is let."""

    def __init__(self) -> None:
        super().__init__(VOCABULARIES.__getitem__)
        self.open = asyncio.Event()

    async def exact_tokens(self, texts: Sequence[str], *, encoding: str) -> Sequence[int] | None:
        await self.open.wait()
        return await super().exact_tokens(texts, encoding=encoding)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_the_relay_waits_for_a_count_that_it_has_outrun_and_loses_nothing() -> None:
    gated = Gated()
    words = [f"word{i} " for i in range(400)]
    relay = Relay(Blocks([*spoken(words), event(DONE)]), gated, bound=len(words) * 3)
    got: list[bytes] = []

    async def read() -> None:
        async for part in relay.stream:
            got.append(part)  # noqa: PERF401 - what came before the reader went must be kept

    reader = asyncio.ensure_future(read())
    await until(lambda: relay.live.behind)
    reader.cancel()
    await asyncio.wait([reader])
    gated.open.set()
    await read()
    assert b"".join(got) == b"".join([*spoken(words), event(DONE)])
    gated.close()


async def test_memory_stays_small_however_long_the_answer_is(counter: Tokens) -> None:
    bound = 40_000
    relay = Relay(Blocks([*spoken(["word "] * bound), event(DONE)]), counter, bound=bound)
    most = 0
    async for _ in relay.stream:
        live = relay.live
        held = sum(len(piece) for pieces in live._texts.values() for piece in pieces)
        most = max(most, held + live._raw_bytes)
    assert not relay.meter.cut
    assert most < RAW_BYTES_MAX + limit_of(bound, published=True) + 1000
