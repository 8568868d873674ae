"""Traffic that nobody means well with: bounded memory, a clear end, and nothing lost."""

import asyncio
import gzip
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance.asking import ASK, error_of
from tests.acceptance.hostile import MIB, Hostile
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, completion, delta, tokens

QUICK = "http: {{transport: {transport}, first_byte_s: 5, read_s: 2, total_s: 3}}\n"


@pytest.fixture(params=["lean", "httpx"])
def hostile(
    own_gateway: GatewayProcess, provider: Upstream, request: pytest.FixtureRequest
) -> Iterator[Hostile]:
    with own_gateway.config.open("a", encoding="utf-8") as config:
        config.write(QUICK.format(transport=request.param))
    own_gateway.start()
    hostile = Hostile(own_gateway, provider)
    # The vocabulary that counts text is loaded once; its memory is not what is measured.
    hostile.ask(max_tokens=5, stream=True)
    yield hostile
    hostile.client.close()
    provider.script = None  # type: ignore[assignment]
    assert own_gateway.stop() == 0
    verified = own_gateway.pouch("verify")
    assert verified.code == 0, verified.output


async def a_byte_at_a_time(call: Call) -> None:
    content = completion(usage=tokens(10, 20))
    if call.body.get("stream"):
        content = b"data: " + json.dumps(delta("word")).encode() + b"\n\n"
        await call.head(content_type="text/event-stream")
    else:
        await call.head()
    for byte in content * 100:
        await call.chunk(bytes([byte]))
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_sends_a_byte_at_a_time_is_given_up(
    hostile: Hostile,
    stream: bool,
) -> None:
    hostile.provider.script = a_byte_at_a_time
    started = time.monotonic()
    if stream:
        # Not one event was whole, so the client gets the error alone, and no end that looks whole.
        said = b""
        asked = hostile.client.stream("POST", "/chat/completions", json={**ASK, "stream": True})
        with pytest.raises(httpx.RemoteProtocolError), asked as answer:
            for part in answer.iter_bytes():
                said += part
        assert json.loads(said.removeprefix(b"data: "))["error"]["code"] == "upstream_timeout"
    else:
        answer = hostile.ask()
        assert answer.status_code == 504
        assert error_of(answer)["code"] == "upstream_timeout"
    assert time.monotonic() - started < 10
    assert hostile.gateway.settled(2, "hostile")[0]["evidence"] in {"counted", "held_full"}


def test_a_hundred_thousand_tiny_chunks_are_one_answer(hostile: Hostile) -> None:
    content = completion("x" * 100_000, usage=tokens(10, 20))

    async def tiny(call: Call) -> None:
        await call.head()
        for start in range(0, len(content), 1000):
            part = content[start : start + 1000]
            await call.write(b"".join(b"1\r\n%c\r\n" % byte for byte in part))
        await call.end()

    hostile.provider.script = tiny
    before = hostile.memory()
    answer = hostile.ask()
    assert answer.content == content
    assert hostile.gateway.settled(2, "hostile")[0]["evidence"] == "provider_usage"
    assert hostile.most_memory() - before < 40 * MIB


def test_a_hundred_thousand_tiny_events_pass(hostile: Hostile) -> None:
    async def tiny(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        for _ in range(100):
            await call.write(b"5\r\n: .\n\n\r\n" * 1000)
        await call.event({**delta(None), "choices": [], "usage": tokens(10, 20)})
        await call.event("[DONE]")
        await call.end()

    hostile.provider.script = tiny
    before = hostile.memory()
    answer = hostile.ask(stream=True)
    assert answer.text.count(": .\n\n") == 100_000
    assert answer.text.endswith("data: [DONE]\n\n")
    assert hostile.gateway.settled(2, "hostile")[0]["evidence"] == "provider_usage"
    assert hostile.most_memory() - before < 40 * MIB


def test_one_chunk_of_fifty_megabytes_is_passed_on_whole(hostile: Hostile) -> None:
    content = completion("x" * 50_000_000, usage=tokens(10, 20))

    async def large(call: Call) -> None:
        await call.head()
        await call.chunk(content)
        await call.end()

    hostile.provider.script = large
    before = hostile.memory()
    answer = hostile.ask()
    assert answer.content == content
    assert hostile.gateway.settled(2, "hostile")[0]["evidence"] == "provider_usage"
    # It is metered as a whole: in pieces, joined, and on its way out.
    assert hostile.most_memory() - before < 4 * 50_000_000


def test_an_event_of_fifty_megabytes_passes_in_pieces(hostile: Hostile) -> None:
    async def large(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        await call.event(delta("x" * 50_000_000))
        await call.event({**delta(None), "choices": [], "usage": tokens(10, 20)})
        await call.end()

    hostile.provider.script = large
    before = hostile.memory()
    size = 0
    with hostile.client.stream("POST", "/chat/completions", json={**ASK, "stream": True}) as answer:
        for part in answer.iter_bytes():
            size += len(part)
    assert size > 50_000_000
    assert hostile.gateway.settled(2, "hostile")[0]["evidence"] == "provider_usage"
    assert hostile.most_memory() - before < 40 * MIB


@pytest.mark.parametrize("bomb", [False, True])
def test_gzip_that_nobody_asked_for_is_read_up_to_the_limit(
    hostile: Hostile,
    bomb: bool,
) -> None:
    text = "x" * 200_000_000 if bomb else "Hello"
    content = gzip.compress(completion(text, usage=tokens(10, 20)), 1)

    async def compressed(call: Call) -> None:
        await call.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
            b"content-length: %d\r\n\r\n" % len(content)
        )
        await call.write(content)

    hostile.provider.script = compressed
    before = hostile.memory()
    answer = hostile.ask()
    [logged, *_] = hostile.gateway.settled(2, "hostile")
    if bomb:
        assert answer.status_code == 502
        assert "exceeds" in error_of(answer)["message"]
        assert hostile.most_memory() - before < 200 * MIB
    else:
        assert answer.json()["choices"][0]["message"]["content"] == "Hello"
        assert logged["evidence"] == "provider_usage"


async def test_clients_that_hardly_read_hold_the_provider_back(hostile: Hostile) -> None:
    """Twenty clients that read a byte a second of streams without end."""
    sent = 0

    async def endless(call: Call) -> None:
        nonlocal sent
        await call.head(content_type="text/event-stream")
        # Comments, which no output limit ends.
        block = (b": " + b"word " * 200 + b"\n\n") * 20
        while not call.gone.is_set():
            await call.chunk(block)
            sent += len(block)

    hostile.provider.script = endless
    body = json.dumps({**ASK, "stream": True}).encode()
    before = hostile.memory()
    writers = []
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", hostile.gateway.port, limit=1)
        writer.write(hostile.raw(body))
        assert await reader.readexactly(15) == b"HTTP/1.1 200 OK"
        writers.append(writer)
    held_back = -1
    while sent != held_back:
        held_back = sent
        await asyncio.sleep(1)
    # Stock httpx takes 60 to 120, the lean transport 43; two hundred were sent.
    assert hostile.most_memory() - before < 160 * MIB
    for writer in writers:
        writer.transport.abort()
    settled = await asyncio.to_thread(hostile.gateway.settled, 21, "hostile")
    assert {each["evidence"] for each in settled[:20]} == {"counted"}
