"""Traffic that nobody means well with: bounded memory, a clear end, and nothing lost."""

import asyncio
import contextlib
import gzip
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.asking import ASK, error_of
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, completion, delta, tokens

MIB = 2**20
QUICK = "http: {{transport: {transport}, first_byte_s: 5, read_s: 2, total_s: 3}}\n"
OPEN_FILES = 8_000


class Hostile:
    """A gateway, its provider, a key with a budget, and the memory that the gateway takes."""

    def __init__(self, gateway: GatewayProcess, provider: Upstream) -> None:
        self.gateway = gateway
        self.provider = provider
        self.secret = gateway.create_key("hostile", "1000")
        self.client = httpx.Client(base_url=f"{gateway.url}/v1", headers=self.headers, timeout=60)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.secret}"}

    def ask(self, **fields: Any) -> httpx.Response:
        return self.client.post("/chat/completions", json={**ASK, **fields})

    def memory(self) -> int:
        """Resident, in bytes."""
        return self._status("VmRSS")

    def most_memory(self) -> int:
        """The most that it ever was, in bytes."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        assert self.gateway.process is not None
        status = Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith(name)]
        return int(line.split()[1]) * 1024

    def files(self) -> int:
        assert self.gateway.process is not None
        return len(list(Path(f"/proc/{self.gateway.process.pid}/fd").iterdir()))


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
        writer.write(_request(hostile, body))
        assert await reader.readexactly(15) == b"HTTP/1.1 200 OK"
        writers.append(writer)
    held_back = -1
    while sent != held_back:
        held_back = sent
        await asyncio.sleep(1)
    assert hostile.most_memory() - before < 100 * MIB
    for writer in writers:
        writer.transport.abort()
    settled = await asyncio.to_thread(hostile.gateway.settled, 21, "hostile")
    assert {each["evidence"] for each in settled[:20]} == {"counted"}


def _request(hostile: Hostile, body: bytes) -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
    authorization = f"authorization: Bearer {hostile.secret}\r\n\r\n"
    return (head + "content-type: application/json\r\n" + authorization).encode() + body


@pytest.fixture
def open_files() -> Iterator[None]:
    """This process needs some thousands, and the gateway begins with the usual limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        pytest.skip(f"this system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_two_thousand_at_once_where_a_thousand_have_room(
    own_gateway: GatewayProcess, provider: Upstream, open_files: None
) -> None:
    released = asyncio.Event()
    loop = asyncio.get_running_loop()
    asked = 0

    async def hold(call: Call) -> None:
        nonlocal asked
        asked += 1
        if asked == 1000:
            loop.call_soon_threadsafe(released.set)
        await call.whole(await _held(call, released, loop))

    provider.script = hold
    _begin_with_few_files(own_gateway)
    hostile = Hostile(own_gateway, provider)
    files = hostile.files()
    request = _request(hostile, json.dumps(ASK).encode())
    answers = await asyncio.gather(*(_ask_raw(own_gateway.port, request) for _ in range(2000)))
    heads = [answer.split(b"\r\n\r\n", 1)[0] for answer in answers]
    refused = [head for head in heads if head.startswith(b"HTTP/1.1 503")]
    assert sum(head.startswith(b"HTTP/1.1 200") for head in heads) == 1000
    assert len(refused) == 1000
    assert all(b"retry-after: " in head for head in refused)
    await asyncio.to_thread(own_gateway.settled, 50, "hostile")
    assert hostile.most_memory() < 400 * MIB
    provider.script = _at_once
    assert (await asyncio.to_thread(hostile.ask)).status_code == 200
    hostile.client.close()
    deadline = time.monotonic() + 20
    # Connections to the provider are kept for some seconds.
    while hostile.files() > files + 5 and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    assert hostile.files() <= files + 5
    assert own_gateway.stop() == 0
    assert own_gateway.pouch("verify").code == 0


async def _at_once(call: Call) -> None:
    await call.whole(completion(usage=tokens(10, 20)))


async def _held(call: Call, released: asyncio.Event, loop: asyncio.AbstractEventLoop) -> bytes:
    """An answer, once as many are at work as have room. The provider has a loop of its own."""
    waiting = asyncio.run_coroutine_threadsafe(released.wait(), loop)
    await asyncio.wrap_future(waiting)
    return completion(usage=tokens(10, 20))


def _begin_with_few_files(gateway: GatewayProcess) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        gateway.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _ask_raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        writer.close()
    return head
