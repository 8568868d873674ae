"""What a request held is gone when the request is, however it ended and however large it was.

An error whose traceback holds a body is freed only when Python looks for cycles, which a hundred
such requests do not bring about: so each is repeated, and the memory must not follow.
"""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.asking import ASK
from tests.acceptance.hostile import Hostile
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Script, Upstream, completion, delta, tokens
from tests.fakes.waiting import eventually

LARGE = 4_000_000
TIMES = 30
# Half of what so many would hold; what the allocator keeps for the next ones is a few of them.
GROWTH_MAX = TIMES * LARGE // 2
LONG_PROMPT = [{"role": "user", "content": "word " * (LARGE // 5)}]


@pytest.fixture
def hostile(gateway: GatewayProcess, provider: Upstream) -> Iterator[Hostile]:
    hostile = Hostile(gateway, provider)
    yield hostile
    hostile.client.close()
    verified = gateway.pouch("verify")
    assert verified.code == 0, verified.output


def until_settled(gateway: GatewayProcess) -> None:
    """Wait until nothing is at work and nothing is reserved."""
    paths = ("/api/live", "/api/reservations")
    eventually(
        lambda: not any(gateway.admin.get(path).json()["data"] for path in paths), within_s=20
    )


def growth(hostile: Hostile, once: Callable[[], object]) -> int:
    """Bytes of memory that doing it ``TIMES`` more takes, after it was done a few times."""
    for _ in range(5):
        once()
    until_settled(hostile.gateway)
    before = hostile.memory()
    for _ in range(TIMES):
        once()
    until_settled(hostile.gateway)
    return hostile.memory() - before


async def web_page(call: Call) -> None:
    await call.whole(b"<html>" + b"x" * LARGE, content_type="text/html")


async def no_json(call: Call) -> None:
    await call.whole(b"x" * LARGE)


async def cut_off(call: Call) -> None:
    await call.head()
    await call.write(b"%x\r\n%b" % (2 * LARGE, b"x" * LARGE))
    call.writer.transport.abort()


@pytest.mark.parametrize("script", [web_page, no_json, cut_off])
def test_a_large_answer_that_is_refused_is_not_kept(hostile: Hostile, script: Script) -> None:
    hostile.provider.script = script

    def once() -> None:
        assert hostile.ask().status_code == 502

    assert growth(hostile, once) < GROWTH_MAX


def test_a_large_request_that_is_refused_is_not_kept(hostile: Hostile) -> None:
    poor = hostile.gateway.create_key("poor", "0.000001")
    headers = {"authorization": f"Bearer {poor}"}
    content = json.dumps({**ASK, "messages": LONG_PROMPT}).encode()

    def once() -> None:
        answer = hostile.client.post("/chat/completions", content=content, headers=headers)
        assert answer.status_code == 402

    assert growth(hostile, once) < GROWTH_MAX
    assert not hostile.provider.calls


def test_a_large_request_whose_stream_breaks_off_is_not_kept(hostile: Hostile) -> None:
    async def broken(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        await call.event(delta("word"))
        call.writer.transport.abort()

    hostile.provider.script = broken

    def once() -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            hostile.ask(stream=True, messages=LONG_PROMPT, max_tokens=10)

    assert growth(hostile, once) < GROWTH_MAX


async def begun(call: Call) -> None:
    await call.head(content_type="text/event-stream")
    await call.event(delta("word"))
    await call.gone.wait()


async def large(call: Call) -> None:
    await call.whole(completion("x" * LARGE, usage=tokens(10, 20)))


@pytest.mark.parametrize(("script", "stream"), [(begun, True), (large, False)])
def test_a_client_that_leaves_an_answer_takes_its_request_along(
    hostile: Hostile, script: Script, stream: bool
) -> None:
    hostile.provider.script = script
    fields: dict[str, Any] = {"messages": LONG_PROMPT, "max_tokens": 10, "stream": stream}
    request = hostile.raw(json.dumps({**ASK, **fields}).encode())

    def once() -> None:
        with socket.create_connection(("127.0.0.1", hostile.gateway.port), timeout=20) as client:
            client.sendall(request)
            assert client.recv(12) == b"HTTP/1.1 200"

    assert growth(hostile, once) < GROWTH_MAX
