"""What only the lean carrier promises."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from pouch.infra.http import LeanTransport
from tests.fakes.carriers import PATIENT
from tests.fakes.raw_server import Peer, RawServer, answer_and_stay, keep_answering, raw_server

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi"


@pytest.fixture
async def lean() -> AsyncIterator[LeanTransport]:
    carrier = LeanTransport(PATIENT, connections_max=1)
    yield carrier
    await carrier.aclose()


def hi(*headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: 2\r\n\r\nHi"


async def ask(carrier: LeanTransport, server: RawServer) -> bytes:
    answer = await carrier.handle_async_request(httpx.Request("POST", server.url, content=b"{}"))
    return await answer.aread()


async def test_it_serves_requests_as_httpx_makes_them(lean: LeanTransport) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with raw_server(keep_answering(HI)) as server:
        async with httpx.AsyncClient(transport=lean) as client:
            assert (await client.get(server.url)).text == "Hi"
            assert (await client.post(server.url, json={})).text == "Hi"
            headers = {"content-length": "6"}
            assert (await client.put(server.url, content=parts(), headers=headers)).text == "Hi"
        [peer] = server.peers
    assert peer.bodies == [b"", b"{}", b"onetwo"]
    assert [head.count(b"content-length") for head in map(bytes.lower, peer.heads)] == [0, 1, 1]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-a": "b\r\nx-forged: c"},
        {"x-a": "b\nx-forged: c"},
        {"x-a\r\nx-forged": "c"},
        {"x-a": "b\rc"},
        {"x-a": "b\0c"},
        {"content-length": "1"},
        {"content-length": "+2"},
        {"transfer-encoding": "chunked"},
    ],
)
async def test_a_request_that_would_be_read_otherwise_is_not_sent(
    lean: LeanTransport, headers: dict[str, str]
) -> None:
    async with raw_server(keep_answering(HI)) as server:
        request = httpx.Request("POST", server.url, content=b"{}", headers=headers)
        with pytest.raises(httpx.LocalProtocolError) as refusal:
            await lean.handle_async_request(request)
        assert server.peers == []
    assert "forged" not in str(refusal.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///path", "/path"])
async def test_what_is_no_http_url_is_refused(lean: LeanTransport, url: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        await lean.handle_async_request(httpx.Request("GET", url))


async def test_an_idle_connection_is_given_up_after_a_while() -> None:
    carrier = LeanTransport(PATIENT, keepalive_s=0.05)
    async with raw_server(keep_answering(HI)) as server:
        await ask(carrier, server)
        async with asyncio.timeout(5):
            await asyncio.wait(server.tasks)
        await ask(carrier, server)
        assert len(server.peers) == 2
        await carrier.aclose()


async def test_a_connection_in_use_outlives_the_limit_on_idle_ones() -> None:
    carrier = LeanTransport(PATIENT, keepalive_s=0.2)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(0.1)
            await peer.write(HI)

    async with raw_server(script) as server:
        for _ in range(5):
            await ask(carrier, server)
        assert len(server.peers) == 1
        await carrier.aclose()


@pytest.mark.parametrize(
    ("header", "connections"),
    [
        (b"Keep-Alive: timeout=1", 2),
        (b"keep-alive: max=5, timeout=0", 2),
        (b"keep-alive: timeout=30", 1),
        (b"keep-alive: timeout=soon", 1),
        (b"keep-alive: max=100", 1),
    ],
)
async def test_a_connection_is_kept_no_longer_than_the_provider_says(
    lean: LeanTransport, header: bytes, connections: int
) -> None:
    async with raw_server(keep_answering(hi(header))) as server:
        await ask(lean, server)
        await ask(lean, server)
        assert len(server.peers) == connections


async def test_a_provider_that_promises_to_wait_is_believed() -> None:
    carrier = LeanTransport(PATIENT, keepalive_s=0.02)
    async with raw_server(keep_answering(hi(b"keep-alive: timeout=30"))) as server:
        await ask(carrier, server)
        await asyncio.sleep(0.1)
        await ask(carrier, server)
        assert len(server.peers) == 1
        await carrier.aclose()


async def test_the_limit_on_connections_is_per_origin(lean: LeanTransport) -> None:
    async with (
        raw_server(answer_and_stay()) as silent,
        raw_server(keep_answering(HI)) as other,
    ):
        waiting = asyncio.create_task(ask(lean, silent))
        await silent.arrived.wait()
        assert await ask(lean, other) == b"Hi"
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_a_cancelled_request_never_ends_the_one_that_took_over_its_connection(
    lean: LeanTransport,
) -> None:
    answered = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.answer(HI)
        await peer.request()
        answered.set()
        await peer.write(HI)
        await peer.gone()

    async with raw_server(script) as server:
        first = asyncio.create_task(ask(lean, server))
        second = asyncio.create_task(ask(lean, server))
        await server.arrived.wait()
        while not first.done() and not answered.is_set():
            await asyncio.sleep(0)
        first.cancel()
        assert await second == b"Hi"
        assert len(server.peers) == 1


async def test_a_connection_that_did_not_take_the_whole_request_is_not_used_again(
    lean: LeanTransport,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await again.wait()

    again = asyncio.Event()
    async with raw_server(script, limit=1024) as server:
        for _ in range(2):
            request = httpx.Request("POST", server.url, content=b"x" * 20_000_000)
            answer = await lean.handle_async_request(request)
            assert (answer.status_code, await answer.aread()) == (413, b"no")
        assert len(server.peers) == 2
        again.set()


async def test_a_closed_transport_refuses(lean: LeanTransport) -> None:
    async with raw_server(answer_and_stay()) as server:
        held, queued = (asyncio.create_task(ask(lean, server)) for _ in range(2))
        await server.arrived.wait()
        await lean.aclose()
        for asked in (held, queued):
            with pytest.raises(httpx.TransportError):
                await asked
        with pytest.raises(httpx.ConnectError):
            await ask(lean, server)
        assert len(server.peers) == 1


async def test_closing_while_a_connection_is_made_leaves_none_behind() -> None:
    carrier = LeanTransport(PATIENT)
    async with raw_server(answer_and_stay()) as server:
        asking = asyncio.create_task(ask(carrier, server))
        await asyncio.sleep(0)
        await carrier.aclose()
        async with asyncio.timeout(5):
            with pytest.raises(httpx.ConnectError):
                await asking
            await asyncio.gather(*server.tasks)


async def test_a_reader_that_pauses_is_not_blamed_on_the_provider() -> None:
    carrier = LeanTransport(replace(PATIENT, read_s=0.4))
    size = 2_000_000

    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size, bytes(size))
        await peer.gone()

    async with raw_server(script) as server:
        request = httpx.Request("POST", server.url, content=b"{}")
        answer = await carrier.handle_async_request(request)
        await asyncio.sleep(0.6)
        assert len(await answer.aread()) == size
        await carrier.aclose()
