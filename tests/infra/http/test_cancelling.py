"""Giving up: the provider notices at once, and what is only paused loses nothing."""

import asyncio

import pytest

from pouch.domain.errors import UpstreamError
from pouch.domain.provider import UpstreamBody
from pouch.infra.http import HttpTransport
from tests.fakes.carriers import post, whole
from tests.fakes.raw_server import Peer, answer_and_stay, keep_answering, raw_server

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def cancelled(task: "asyncio.Task[object]") -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_cancelling_before_the_answer_closes_the_connection_at_once(
    transport: HttpTransport,
) -> None:
    requested = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        requested.set()
        await peer.gone()

    async with raw_server(script) as server:
        sending = asyncio.create_task(transport.send(post(server.url)))
        await requested.wait()
        await cancelled(sending)
        async with asyncio.timeout(1):
            await server.tasks[0]


async def test_cancelling_a_long_request_closes_the_connection_at_once(
    transport: HttpTransport,
) -> None:
    begun = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        begun.set()
        await peer.gone()

    async with raw_server(script) as server:
        sending = asyncio.create_task(transport.send(post(server.url, b"x" * 20_000_000)))
        await begun.wait()
        await cancelled(sending)
        async with asyncio.timeout(1):
            await server.tasks[0]


async def test_giving_an_answer_up_closes_the_connection_at_once(transport: HttpTransport) -> None:
    async with raw_server(answer_and_stay(CHUNKED, b"2\r\nHi\r\n")) as server:
        answer = await transport.send(post(server.url))
        assert await anext(answer.body) == b"Hi"
        await answer.body.aclose()
        await answer.body.aclose()
        async with asyncio.timeout(1):
            await server.tasks[0]
        with pytest.raises(UpstreamError):
            await anext(answer.body)


async def test_giving_up_a_complete_answer_keeps_the_connection(transport: HttpTransport) -> None:
    async with raw_server(keep_answering(HI)) as server:
        for _ in range(3):
            answer = await transport.send(post(server.url))
            await whole(answer)
            await answer.body.aclose()
        assert len(server.peers) == 1


async def test_a_cancelled_read_loses_nothing(transport: HttpTransport) -> None:
    go_on = asyncio.Semaphore(0)

    async def script(peer: Peer) -> None:
        await peer.answer(CHUNKED)
        for number in range(10):
            await go_on.acquire()
            await peer.write(b"1\r\n%d\r\n" % number)
        await peer.write(b"0\r\n\r\n")
        await peer.gone()

    async def read(body: UpstreamBody) -> bytes:
        return await anext(body)

    async with raw_server(script) as server:
        answer = await transport.send(post(server.url))
        got = b""
        for turns in range(10):
            reading = asyncio.create_task(read(answer.body))
            go_on.release()
            # Cancelled at ever later moments: before, while and after the bytes arrive.
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
            if not reading.cancelled():
                got += reading.result()
        assert got + await whole(answer) == b"0123456789"


async def test_an_answer_given_up_by_another_task_ends_its_reader(
    transport: HttpTransport,
) -> None:
    async with raw_server(answer_and_stay(CHUNKED)) as server:
        answer = await transport.send(post(server.url))
        reading = asyncio.create_task(whole(answer))
        await asyncio.sleep(0)
        await answer.body.aclose()
        with pytest.raises(UpstreamError):
            await reading
