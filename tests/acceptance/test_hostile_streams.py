"""Streams of no sane shape, and clients that hardly take them: all arrives, in little memory."""

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.asking import ASK, error_of
from tests.acceptance.hostile import MIB, Hostile
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, delta, tokens

EVENTS = 100_000
ANSWER_BYTES_MAX = 16 * MIB
CONFIG = "http: {{transport: {transport}}}\n"
# What the test's model costs by its own usage of 10 and 20 tokens.
REPORTED_USD = "0.0000135"
END = b"data: [DONE]\n\n"


@pytest.fixture(scope="module", params=["lean", "httpx"])
def strained(
    request: pytest.FixtureRequest,
    shared_provider: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path_factory.mktemp("strained"), upstream=shared_provider.url)
    text = gateway.config.read_text(encoding="utf-8")
    text = text.replace("workers: 1", f"workers: 1, answer_bytes_max: {ANSWER_BYTES_MAX}")
    gateway.config.write_text(text + CONFIG.format(transport=request.param), encoding="utf-8")
    try:
        gateway.start()
        yield gateway
        assert gateway.stop() == 0
        verified = gateway.pouch("verify")
        assert verified.code == 0, verified.output
    finally:
        gateway.close()


@pytest.fixture
def hostile(strained: GatewayProcess, provider: Upstream) -> Iterator[Hostile]:
    """With a key of its own, which has asked once; its memory is measured from here on."""
    hostile = Hostile(strained, provider)
    # The vocabulary that counts text is loaded once; its memory is not what is measured.
    hostile.ask(max_tokens=5, stream=True)
    forget_most(strained)
    yield hostile
    hostile.client.close()


def forget_most(gateway: GatewayProcess) -> None:
    """Have the kernel measure the most memory from now on."""
    assert gateway.process is not None
    Path(f"/proc/{gateway.process.pid}/clear_refs").write_text("5")


def sse(event: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


USAGE = sse({**delta(None), "choices": [], "usage": tokens(10, 20)})


def test_a_hundred_thousand_events_of_a_token_are_measured_and_passed_on(hostile: Hostile) -> None:
    event = sse({"choices": [{"index": 0, "delta": {"content": "x"}}]})

    async def tiny(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        for _ in range(EVENTS // 20):
            await call.write((b"%x\r\n%b\r\n" % (len(event), event)) * 20)
        await call.chunk(USAGE + END)
        await call.end()

    hostile.provider.script = tiny
    before = hostile.memory()
    answer = hostile.ask(stream=True, max_tokens=2 * EVENTS)
    assert answer.content == event * EVENTS + END
    assert hostile.most_memory() - before < 16 * MIB
    [logged, _] = hostile.gateway.settled(2, "hostile")
    assert (logged["evidence"], logged["cost_usd"]) == ("provider_usage", REPORTED_USD)


def test_a_chunk_beyond_the_limit_is_broken_off_while_it_comes(hostile: Hostile) -> None:
    taken = 0

    async def endless(call: Call) -> None:
        nonlocal taken
        await call.head()
        await call.write(b"%x\r\n" % 2**40)
        while not call.gone.is_set():
            await call.write(bytes(MIB))
            taken += MIB

    hostile.provider.script = endless
    before = hostile.memory()
    answer = hostile.ask()
    assert answer.status_code == 502
    assert "exceeds" in error_of(answer)["message"]
    assert hostile.most_memory() - before < ANSWER_BYTES_MAX + 24 * MIB
    # What is under way in the kernel's buffers comes on top.
    assert taken < ANSWER_BYTES_MAX + 48 * MIB
    assert hostile.gateway.settled(2, "hostile")[0]["evidence"] == "held_full"


def test_a_client_that_reads_a_byte_a_second_holds_the_provider_back_and_misses_nothing(
    hostile: Hostile,
) -> None:
    event = sse({**delta("x"), "obfuscation": "x" * 10_000})
    count = 4000
    sent = 0

    async def script(call: Call) -> None:
        nonlocal sent
        await call.head(content_type="text/event-stream")
        for _ in range(count):
            await call.chunk(event)
            sent += 1
        await call.chunk(USAGE + END)
        await call.end()

    hostile.provider.script = script
    before = hostile.memory()
    with connected(hostile) as client:
        got = [client.recv(1)]
        held_back = -1
        while sent != held_back:
            held_back = sent
            time.sleep(1)
            got.append(client.recv(1))
        assert sent < count
        assert hostile.most_memory() - before < 16 * MIB
        while not got[-1].endswith(b"0\r\n\r\n"):
            got.append(client.recv(MIB))
    body = unchunked(b"".join(got).partition(b"\r\n\r\n")[2])
    assert body == event * count + END
    assert hostile.most_memory() - before < 16 * MIB
    [logged, _] = hostile.gateway.settled(2, "hostile")
    assert (logged["evidence"], logged["cost_usd"]) == ("provider_usage", REPORTED_USD)


def connected(hostile: Hostile) -> socket.socket:
    """A client with little room to receive in, which has asked for a stream."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect(("127.0.0.1", hostile.gateway.port))
    client.sendall(hostile.raw(json.dumps({**ASK, "stream": True}).encode()))
    return client


def unchunked(data: bytes) -> bytes:
    parts, start = [], 0
    while start < len(data):
        line_end = data.index(b"\r\n", start)
        size = int(data[start:line_end], 16)
        parts.append(data[line_end + 2 : line_end + 2 + size])
        start = line_end + 2 + size + 2
    return b"".join(parts)


def compressed(*pieces: bytes) -> Callable[[Call], Any]:
    async def script(call: Call) -> None:
        head = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
        await call.write(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces:
            await call.chunk(piece)
        await call.end()

    return script


def test_a_compressed_stream_that_nobody_asked_for_is_undone_and_measured(hostile: Hostile) -> None:
    events = sse(delta("Hello")) * 100
    content = gzip.compress(events + USAGE + END)
    hostile.provider.script = compressed(content[:50], content[50:])
    answer = hostile.ask(stream=True)
    assert "content-encoding" not in answer.headers
    assert answer.content == events + END
    [logged, _] = hostile.gateway.settled(2, "hostile")
    assert (logged["evidence"], logged["cost_usd"]) == ("provider_usage", REPORTED_USD)


def test_a_compressed_stream_swells_no_further_than_its_client_reads(hostile: Hostile) -> None:
    # A gigabyte in a megabyte: one event that never ends.
    swelling = gzip.compress(bytes(10 * MIB))
    hostile.provider.script = compressed(gzip.compress(b"data: "), *[swelling] * 100)
    before = hostile.memory()
    with connected(hostile) as client:
        assert client.recv(12) == b"HTTP/1.1 200"
        # Long enough to inflate all of it.
        time.sleep(2)
        assert hostile.most_memory() - before < 24 * MIB
        assert hostile.gateway.admin.get("/health").status_code == 200
    [logged, _] = hostile.gateway.settled(2, "hostile")
    assert logged["evidence"] in {"counted", "held_full"}
