"""No exchange lasts for ever, whichever part of it stalls."""

import asyncio
import socket
from dataclasses import replace

import pytest

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from tests.fakes.carriers import PATIENT, Open, not_by_stock, post, whole
from tests.fakes.raw_server import Peer, answer_and_stay, raw_server

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SHORT_S = 0.05


async def test_an_answer_that_does_not_begin_is_given_up(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, first_byte_s=SHORT_S))
    async with raw_server(answer_and_stay()) as server:
        with pytest.raises(UpstreamTimeoutError) as refusal:
            await transport.send(post(server.url))
        await asyncio.wait(server.tasks)
    assert refusal.value.reached


@not_by_stock("its limit is for every read of the head, not for the head")
async def test_a_head_that_trickles_is_given_up(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, first_byte_s=SHORT_S))

    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\n")
        for _ in range(40):
            await peer.write(b"x-a: b\r\n")
            await asyncio.sleep(SHORT_S / 10)
        await peer.write(b"content-length: 0\r\n\r\n")

    async with raw_server(script) as server:
        with pytest.raises(UpstreamTimeoutError):
            await transport.send(post(server.url))


async def test_an_answer_that_stalls_is_given_up(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, read_s=SHORT_S))
    async with raw_server(answer_and_stay(CHUNKED, b"2\r\nHi\r\n")) as server:
        answer = await transport.send(post(server.url))
        assert await anext(answer.body) == b"Hi"
        with pytest.raises(UpstreamTimeoutError) as failure:
            await anext(answer.body)
        await asyncio.wait(server.tasks)
    assert failure.value.reached
    assert "127.0.0.1" in str(failure.value)


async def test_the_wait_for_the_head_has_a_limit_of_its_own(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, read_s=SHORT_S))

    async def script(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(4 * SHORT_S)
        await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi")
        await peer.gone()

    async with raw_server(script) as server:
        assert await whole(await transport.send(post(server.url))) == b"Hi"


async def test_the_body_may_take_longer_than_the_head(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, first_byte_s=8 * SHORT_S))

    async def script(peer: Peer) -> None:
        await peer.answer(CHUNKED)
        await asyncio.sleep(12 * SHORT_S)
        await peer.write(b"2\r\nHi\r\n0\r\n\r\n")
        await peer.gone()

    async with raw_server(script) as server:
        assert await whole(await transport.send(post(server.url))) == b"Hi"


async def test_a_stream_goes_on_as_long_as_it_is_never_silent(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, read_s=10 * SHORT_S))

    async def script(peer: Peer) -> None:
        await peer.answer(CHUNKED)
        for _ in range(30):
            await peer.write(b"1\r\n.\r\n")
            await asyncio.sleep(SHORT_S / 2)
        await peer.write(b"0\r\n\r\n")
        await peer.gone()

    async with raw_server(script) as server:
        assert await whole(await transport.send(post(server.url))) == b"." * 30


async def test_the_exchange_as_a_whole_has_a_limit(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, total_s=6 * SHORT_S))

    async def script(peer: Peer) -> None:
        await peer.answer(CHUNKED)
        while not peer.writer.is_closing():
            await peer.write(b"1\r\n.\r\n")
            await asyncio.sleep(SHORT_S / 5)

    async with raw_server(script) as server:
        answer = await transport.send(post(server.url))
        with pytest.raises(UpstreamTimeoutError):
            await whole(answer)
        await asyncio.wait(server.tasks)


async def test_the_limit_on_the_whole_holds_before_the_answer_too(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, total_s=SHORT_S))
    async with raw_server(answer_and_stay()) as server:
        with pytest.raises(UpstreamTimeoutError) as refusal:
            await transport.send(post(server.url))
    assert refusal.value.reached


async def test_a_request_that_is_not_taken_is_given_up(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, write_s=SHORT_S))
    done = asyncio.Event()

    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await done.wait()

    async with raw_server(script, limit=1024) as server:
        with pytest.raises(UpstreamTimeoutError) as refusal:
            await transport.send(post(server.url, b"x" * 20_000_000))
        # Nothing of it lingers, to be sent after all.
        async with asyncio.timeout(5):
            await transport.aclose()
        done.set()
    assert refusal.value.reached


@not_by_stock("its limit is for the whole request, not for its progress")
async def test_a_request_that_is_taken_slowly_is_not_given_up(open_transport: Open) -> None:
    transport = open_transport(replace(PATIENT, write_s=8 * SHORT_S))
    content = b"x" * 20_000_000

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        taken = 0
        while taken < len(content):
            taken += len(await peer.reader.read(500_000))
            await asyncio.sleep(SHORT_S / 2)
        await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi")
        await peer.gone()

    async with raw_server(script, limit=400_000) as server:
        assert await whole(await transport.send(post(server.url, content))) == b"Hi"


async def test_nobody_listens(open_transport: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    with pytest.raises(UpstreamError) as refusal:
        await open_transport().send(post(f"http://127.0.0.1:{port}/"))
    assert not refusal.value.reached
    assert "127.0.0.1" in str(refusal.value)


async def test_a_connection_that_takes_too_long_is_known_not_to_have_reached(
    open_transport: Open,
) -> None:
    transport = open_transport(replace(PATIENT, connect_s=SHORT_S))
    # Its queue of one is full, so that nobody else is let in.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        with (
            socket.create_connection(full.getsockname()),
            pytest.raises(UpstreamTimeoutError) as refusal,
        ):
            await transport.send(post(url))
    assert not refusal.value.reached
