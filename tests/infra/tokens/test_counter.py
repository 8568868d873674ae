import asyncio
import base64
import struct
import threading
from collections.abc import Callable, ItemsView, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import tiktoken

from pouch.domain.chat import ChatBody, Image, Media
from pouch.domain.errors import InvalidRequestError
from pouch.domain.ports import TokenCounter
from pouch.infra.tokens.counter import UNPUBLISHED_MARGIN, Tokens
from pouch.infra.tokens.vocabulary import load
from tests.fakes.chat_bodies import chat_body

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 1024, 1024) + bytes(3_000)
PICTURE = "data:image/png;base64," + base64.b64encode(PNG).decode()
HELLO = chat_body([{"role": "user", "content": "hello world"}])


def picture_body() -> ChatBody:
    part = {"type": "image_url", "image_url": {"url": PICTURE}}
    media = Media((Image("auto", PICTURE),), inline_bytes=len(PICTURE))
    return chat_body([{"role": "user", "content": [part]}], media=media)


class Gate:
    """A vocabulary of one token a text, which waits until it may count."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()
        self.threads: set[int] = set()

    def encode_ordinary(self, _text: str) -> list[int]:
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.open.wait(10), "the event loop was blocked by the count"
        return [0]


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def make() -> Iterator[Callable[..., Tokens]]:
    """Builds counters over a fake vocabulary, and lets their threads go."""
    made: list[Tokens] = []

    def build(vocabulary: object, **options: int) -> Tokens:
        made.append(Tokens(lambda _: cast(tiktoken.Encoding, vocabulary), **options))
        return made[-1]

    yield build
    for tokens in made:
        tokens.close()


async def count(tokens: Tokens, body: ChatBody, **options: Any) -> int:
    wanted = {"model": "gpt-4o", "encoding": "o200k_base", "context_window": None} | options
    return await tokens.input_tokens(body, **wanted)


def bound(tokens: Tokens, body: ChatBody, *, model: str = "gpt-4o") -> int:
    return tokens.input_bound(body, model=model, context_window=None)


def test_it_is_a_token_counter(tokens: Tokens) -> None:
    counter: TokenCounter = tokens
    assert counter is tokens


def test_text_is_bounded_by_the_bodys_bytes(tokens: Tokens) -> None:
    assert bound(tokens, HELLO) == HELLO.size_bytes


def test_an_inline_image_is_bounded_by_its_ceiling_and_not_by_its_bytes(tokens: Tokens) -> None:
    body = picture_body()
    rest = body.size_bytes - len(PICTURE)
    assert bound(tokens, body) == rest + 1_445
    assert bound(tokens, body, model="who-knows") == rest + 48_600 + UNPUBLISHED_MARGIN


def test_an_unbounded_part_takes_the_whole_context_window(tokens: Tokens) -> None:
    body = chat_body([{"role": "user"}], media=Media(unbounded="file"))
    assert tokens.input_bound(body, model="m", context_window=128_000) == 128_000


async def test_an_unbounded_part_is_counted_as_the_whole_context_window(tokens: Tokens) -> None:
    body = chat_body([{"role": "user"}], media=Media(unbounded="file"))
    assert await count(tokens, body, context_window=128_000) == 128_000


def test_an_unbounded_part_without_a_context_window_is_refused(tokens: Tokens) -> None:
    body = chat_body([{"role": "user"}], media=Media(unbounded="file"))
    with pytest.raises(InvalidRequestError, match="declare its context_window") as refusal:
        bound(tokens, body)
    assert refusal.value.param == "messages"


async def test_text_is_counted_exactly(tokens: Tokens) -> None:
    assert await count(tokens, HELLO) == 3 + 3 + 1 + 2
    assert await tokens.text_tokens("hello world", encoding="cl100k_base") == 2


async def test_an_inline_image_is_counted_by_its_size(tokens: Tokens) -> None:
    assert await count(tokens, picture_body()) == 3 + 3 + 1 + 765


async def test_an_images_size_counts_where_text_cannot_be_counted(tokens: Tokens) -> None:
    body = picture_body()
    rest = body.size_bytes - len(PICTURE)
    counted = await count(tokens, body, model="claude-sonnet-5", encoding="bytes")
    assert counted == rest + 37 * 37


@pytest.mark.parametrize("encoding", ["bytes", "", "p50k_base", "../o200k_base"])
async def test_an_encoding_that_is_not_shipped_counts_bytes(tokens: Tokens, encoding: str) -> None:
    assert await count(tokens, HELLO, encoding=encoding) == HELLO.size_bytes
    assert await tokens.text_tokens("añ\ud800", encoding=encoding) == 1 + 2 + 3


async def test_a_count_never_exceeds_the_bound(tokens: Tokens) -> None:
    lying = ChatBody({}, 5, "m", [{"role": "user", "content": "far more than five bytes"}])
    assert await count(tokens, lying) == 5


async def test_more_text_than_is_counted_is_bounded_by_its_bytes(tokens: Tokens) -> None:
    messages = [{"role": "user", "content": "word " * 80_000} for _ in range(4)]
    body = chat_body(messages)
    uncounted = body.size_bytes - 2 * 400_000
    assert uncounted <= await count(tokens, body) < body.size_bytes - 600_000


async def test_more_messages_than_are_counted_are_bounded_by_their_bytes(tokens: Tokens) -> None:
    body = chat_body([{"role": "", "content": ""}] * 100_000)
    assert await count(tokens, body) <= body.size_bytes


async def test_a_corrupt_vocabulary_is_answered_by_the_bytes_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = Tokens(lambda name: load(name, tmp_path))
    assert await count(tokens, HELLO) == HELLO.size_bytes
    assert await tokens.text_tokens("añ", encoding="o200k_base") == 3
    tokens.close()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "o200k_base.gz" in caplog.text


async def test_a_vocabulary_is_loaded_once_however_many_ask_together(gate: Gate) -> None:
    loads: list[str] = []

    def loading(name: str) -> tiktoken.Encoding:
        loads.append(name)
        return cast(tiktoken.Encoding, gate)

    gate.open.set()
    tokens = Tokens(loading)
    await asyncio.gather(*(tokens.text_tokens("x", encoding="o200k_base") for _ in range(20)))
    tokens.close()
    assert loads == ["o200k_base"]


def test_preparing_loads_what_is_shipped_and_ignores_the_rest() -> None:
    loads: list[str] = []

    def loading(name: str) -> tiktoken.Encoding:
        loads.append(name)
        return cast(tiktoken.Encoding, Gate())

    tokens = Tokens(loading)
    tokens.prepare(["o200k_base", "bytes", "o200k_base"])
    tokens.close()
    assert loads == ["o200k_base"]


class Watched(dict[str, object]):
    """A message that remembers which threads looked into it."""

    readers: set[int]

    def items(self) -> ItemsView[str, object]:  # type: ignore[override]
        self.readers.add(threading.get_ident())
        return super().items()


async def test_the_event_loop_goes_on_while_text_is_counted(
    make: Callable[..., Tokens], gate: Gate
) -> None:
    message = Watched(role="user", content="x" * 40_000)
    message.readers = set()
    body = ChatBody({}, 40_100, "m", [message])
    counting = asyncio.create_task(count(make(gate), body))
    assert await asyncio.to_thread(gate.begun.wait, 10)
    assert not counting.done()
    gate.open.set()
    assert await counting == 3 + 3 + 1 + 3
    assert threading.get_ident() not in gate.threads | message.readers


async def test_a_full_queue_is_answered_by_the_bound_at_once(
    make: Callable[..., Tokens], gate: Gate
) -> None:
    tokens = make(gate, queue_max=1)
    first = asyncio.create_task(count(tokens, HELLO))
    assert await asyncio.to_thread(gate.begun.wait, 10)
    assert await count(tokens, HELLO) == HELLO.size_bytes
    assert await tokens.text_tokens("añ", encoding="o200k_base") == 3
    gate.open.set()
    assert await first == 3 + 3 + 2


async def test_a_count_that_is_no_longer_wanted_gives_its_place_up(
    make: Callable[..., Tokens], gate: Gate
) -> None:
    tokens = make(gate, queue_max=3)
    running = [asyncio.create_task(count(tokens, HELLO)) for _ in range(2)]
    waiting = asyncio.create_task(count(tokens, HELLO))
    assert await asyncio.to_thread(gate.begun.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    next_one = asyncio.create_task(tokens.text_tokens("añ", encoding="o200k_base"))
    await asyncio.sleep(0)
    assert not next_one.done()
    gate.open.set()
    assert await next_one == 1
    assert await asyncio.gather(*running) == [8, 8]
