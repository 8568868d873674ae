"""More clients at once than there is room for."""

import asyncio
import contextlib
import json
import resource
import time
from collections.abc import Iterator

import pytest

from tests.acceptance.asking import ASK
from tests.acceptance.hostile import MIB, Hostile
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, completion, tokens

OPEN_FILES = 8_000


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
    request = hostile.raw(json.dumps(ASK).encode())
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
