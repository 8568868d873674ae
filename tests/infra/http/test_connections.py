"""Connections: kept, queued for, given up, and never used where anything is in doubt."""

import asyncio
from dataclasses import replace

import pytest

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.infra.http import HttpTransport
from tests.fakes.carriers import PATIENT, Open, not_by_stock, post, whole
from tests.fakes.raw_server import Peer, answer_and_stay, keep_answering, raw_server

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nHi"


async def cancelled(task: "asyncio.Task[object]") -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_connection_serves_one_request_after_the_other(transport: HttpTransport) -> None:
    async with raw_server(keep_answering(HI)) as server:
        for _ in range(5):
            assert await whole(await transport.send(post(server.url))) == b"Hi"
        assert len(server.peers) == 1


@not_by_stock("it frees the connection when the answer has been read")
async def test_a_complete_answer_frees_its_connection_before_it_is_read(
    open_transport: Open,
) -> None:
    transport = open_transport(replace(PATIENT, pool_s=0.2), connections_max=1)
    async with raw_server(keep_answering(HI)) as server:
        answers = [await transport.send(post(server.url)) for _ in range(3)]
        assert [await whole(answer) for answer in answers] == [b"Hi"] * 3
        assert len(server.peers) == 1


async def test_what_the_provider_will_close_is_not_used_again(transport: HttpTransport) -> None:
    async with raw_server(answer_and_stay(CLOSING)) as server:
        for _ in range(3):
            assert await whole(await transport.send(post(server.url))) == b"Hi"
        await asyncio.wait(server.tasks)
        assert len(server.peers) == 3


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_connection_that_ended_while_idle_costs_no_request(
    transport: HttpTransport, ending: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(HI)
        if ending == "reset":
            peer.reset()

    async with raw_server(script) as server:
        for number in range(4):
            assert await whole(await transport.send(post(server.url))) == b"Hi"
            await server.tasks[number]
        assert len(server.peers) == 4


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_request_that_may_have_been_received_is_never_sent_again(
    transport: HttpTransport, ending: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(HI)
        await peer.request()
        if ending == "reset":
            peer.reset()

    async with raw_server(script) as server:
        assert await whole(await transport.send(post(server.url))) == b"Hi"
        with pytest.raises(UpstreamError) as failure:
            await transport.send(post(server.url))
        assert failure.value.reached
        assert [len(peer.heads) for peer in server.peers] == [2]


async def test_no_more_connections_than_allowed_are_made(open_transport: Open) -> None:
    transport = open_transport(connections_max=2)
    now = peak = 0

    async def script(peer: Peer) -> None:
        nonlocal now, peak
        while True:
            await peer.request()
            now += 1
            peak = max(peak, now)
            await asyncio.sleep(0.001)
            now -= 1
            await peer.write(HI)

    async with raw_server(script) as server:

        async def ask() -> bytes:
            return await whole(await transport.send(post(server.url)))

        assert await asyncio.gather(*[ask() for _ in range(40)]) == [b"Hi"] * 40
        assert len(server.peers) == peak == 2


async def test_who_waited_longest_for_a_connection_gets_it(open_transport: Open) -> None:
    transport = open_transport(connections_max=1)
    async with raw_server(keep_answering(HI)) as server:

        async def ask(number: int) -> None:
            await whole(await transport.send(post(server.url, b"%d" % number)))

        await asyncio.gather(*[ask(number) for number in range(10)])
        [peer] = server.peers
    assert peer.bodies == [b"%d" % number for number in range(10)]


async def test_who_waits_too_long_for_a_connection_is_refused(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, pool_s=0.05), connections_max=1)
    async with raw_server(answer_and_stay(CHUNKED)) as server:
        first = await transport.send(post(server.url))
        with pytest.raises(UpstreamTimeoutError) as refusal:
            await transport.send(post(server.url))
        assert not refusal.value.reached
        await first.body.aclose()


async def test_who_leaves_the_queue_takes_nobodys_place(open_transport: Open) -> None:
    transport = open_transport(connections_max=1)
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await release.wait()
        await peer.write(HI)
        await keep_answering(HI)(peer)

    async with raw_server(script) as server:

        async def ask() -> bytes:
            return await whole(await transport.send(post(server.url)))

        asking = [asyncio.create_task(ask()) for _ in range(6)]
        await server.arrived.wait()
        for leaver in asking[1:4]:
            await cancelled(leaver)
        release.set()
        assert await asyncio.gather(asking[0], *asking[4:]) == [b"Hi"] * 3


async def test_a_connection_that_fails_makes_room_for_the_next(open_transport: Open) -> None:
    transport = open_transport(connections_max=1)

    async def script(peer: Peer) -> None:
        await peer.request()

    async with raw_server(script) as server:
        asked = [transport.send(post(server.url)) for _ in range(5)]
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(failure, UpstreamError) for failure in failures)
        assert len(server.peers) == 5


async def test_a_slow_reader_slows_the_provider_down(transport: HttpTransport) -> None:
    piece = b"y" * 1_000_000
    size, written = 50, 0

    async def script(peer: Peer) -> None:
        nonlocal written
        await peer.answer(CHUNKED, b"%x\r\n" % (size * len(piece)))
        for _ in range(size):
            await peer.write(piece)
            written += 1
        await peer.write(b"\r\n0\r\n\r\n")
        await peer.gone()

    async with raw_server(script) as server:
        answer = await transport.send(post(server.url))
        longest = len(await anext(answer.body))
        seen = -1
        while seen < written:
            seen = written
            await asyncio.sleep(0.02)
        assert written < size / 2
        got = longest
        async for part in answer.body:
            longest = max(longest, len(part))
            got += len(part)
    assert got == size * len(piece)
    # What may be unread, and one read on top of it.
    assert longest <= 2 * 256 * 1024


async def test_closing_the_transport_closes_its_connections(open_transport: Open) -> None:
    transport = open_transport()
    async with raw_server(answer_and_stay(HI)) as server:
        await whole(await transport.send(post(server.url)))
        await transport.aclose()
        async with asyncio.timeout(1):
            await server.tasks[0]
