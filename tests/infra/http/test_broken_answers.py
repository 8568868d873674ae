"""Answers that break off, or never end. None of them may look complete."""

import asyncio

import pytest

from pouch.domain.errors import UpstreamError
from pouch.domain.provider import UpstreamResponse
from pouch.infra.http import HttpTransport
from tests.fakes.carriers import not_by_stock, post, whole
from tests.fakes.raw_server import Peer, answer_and_stay, answer_once, raw_server

HEAD = b"HTTP/1.1 200 OK\r\nx-a: b\r\n"
WHOLE = {
    "sized": HEAD + b"content-length: 12\r\n\r\nHello, world",
    "chunked": HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nHello\r\n1\r\n!\r\n0\r\n\r\n",
    "trailers": HEAD + b"transfer-encoding: chunked\r\n\r\n2;a=b\r\nHi\r\n0\r\nx-t: 1\r\n\r\n",
    "without body": HEAD + b"content-length: 0\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"content-length: 2\r\n\r\nHi",
}


async def read_all(answer: UpstreamResponse) -> tuple[bytes, UpstreamError | None]:
    """What came, and the failure in the end, if any."""
    body = b""
    try:
        async for part in answer.body:
            body += part
    except UpstreamError as error:
        return body, error
    return body, None


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_an_answer_that_is_cut_anywhere_raises(
    transport: HttpTransport, form: str, ending: str
) -> None:
    cuts = [WHOLE[form][:length] for length in range(len(WHOLE[form]))]
    remaining = iter(cuts)

    async def script(peer: Peer) -> None:
        await peer.answer(next(remaining))
        if ending == "reset":
            peer.reset()

    async with raw_server(script) as server:
        for cut in cuts:
            with pytest.raises(UpstreamError) as failure:
                await whole(await transport.send(post(server.url)))
            assert failure.value.reached, cut
        assert len(server.peers) == len(cuts)


async def test_what_came_before_the_cut_is_read_first(transport: HttpTransport) -> None:
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    async with raw_server(answer_once(head, b"5\r\nHello\r\n", b"5\r\nwo")) as server:
        body, failure = await read_all(await transport.send(post(server.url)))
    assert body == b"Hellowo"
    assert failure is not None


async def test_a_broken_answer_stays_broken(transport: HttpTransport) -> None:
    async with raw_server(answer_once(HEAD + b"content-length: 5\r\n\r\nHi")) as server:
        answer = await transport.send(post(server.url))
        for _ in range(3):
            _, failure = await read_all(answer)
            assert failure is not None


@not_by_stock("it takes what follows an answer for the answer to the next request")
async def test_more_than_the_announced_length_is_not_part_of_the_answer(
    transport: HttpTransport,
) -> None:
    surplus = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"
    answer = HEAD + b"content-length: 2\r\n\r\nHi"

    async def script(peer: Peer) -> None:
        await peer.answer(answer + surplus)
        await peer.gone()

    async with raw_server(script) as server:
        for _ in range(3):
            assert await whole(await transport.send(post(server.url))) == b"Hi"
        assert len(server.peers) == 3


async def test_an_answer_that_nobody_asked_for_is_never_taken_for_one(
    transport: HttpTransport,
) -> None:
    forged = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"
    answer = HEAD + b"content-length: 2\r\n\r\nHi"
    idle = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.answer(answer)
        await idle.wait()
        await peer.write(forged)
        await peer.gone()

    async with raw_server(script) as server:
        assert await whole(await transport.send(post(server.url))) == b"Hi"
        idle.set()
        # No chance for the loop to see it: the request finds it in the socket.
        await asyncio.gather(*[asyncio.sleep(0) for _ in range(5)])
        assert await whole(await transport.send(post(server.url))) == b"Hi"


async def test_a_reset_after_the_answer_takes_nothing_from_it(transport: HttpTransport) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.answer(HEAD + b"content-length: 2\r\n\r\nHi")
        await read.wait()
        peer.reset()

    async with raw_server(script) as server:
        answer = await transport.send(post(server.url))
        assert await whole(answer) == b"Hi"
        read.set()
        await asyncio.wait(server.tasks)
        assert await whole(await transport.send(post(server.url))) == b"Hi"
        assert len(server.peers) == 2


@pytest.mark.parametrize(
    "flood",
    [
        b"".join(b"x-%d: y\r\n" % number for number in range(201)),
        b"x-long: " + b"y" * 70_000 + b"\r\n",
        b"x" * 70_000,
    ],
    ids=["201 headers", "a long value", "a long name"],
)
async def test_a_flood_of_headers_is_refused(
    transport: HttpTransport, flood: bytes, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "stock" and flood.startswith(b"x-"):
        reason = "it counts no headers, and takes heads of up to 100 KiB"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    answer = HEAD + flood + b"\r\ncontent-length: 0\r\n\r\n"
    if flood.endswith(b"\r\n"):
        answer = HEAD + flood + b"content-length: 0\r\n\r\n"
    async with raw_server(answer_and_stay(answer)) as server:
        with pytest.raises(UpstreamError) as refusal:
            await transport.send(post(server.url))
        await asyncio.wait(server.tasks)
    assert refusal.value.reached


@not_by_stock("it skips interim answers without end")
async def test_a_flood_of_interim_answers_is_refused(transport: HttpTransport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\nx-pad: %s\r\n\r\n" % (b"y" * 1000)
    answer = HEAD + b"content-length: 0\r\n\r\n"
    async with raw_server(answer_and_stay(*[interim] * 100, answer)) as server:
        with pytest.raises(UpstreamError):
            await transport.send(post(server.url))


@not_by_stock("it counts no trailers")
async def test_a_flood_of_trailers_is_refused(transport: HttpTransport) -> None:
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nHi\r\n0\r\n"
    trailers = b"".join(b"x-%d: y\r\n" % number for number in range(300))
    async with raw_server(answer_and_stay(head, trailers, b"\r\n")) as server:
        body, failure = await read_all(await transport.send(post(server.url)))
    assert body == b"Hi"
    assert failure is not None


@pytest.mark.parametrize("endless", [b"2;", b"0\r\nx-trailer: "], ids=["extension", "trailer"])
async def test_what_is_between_the_chunks_has_a_limit(
    transport: HttpTransport, endless: bytes
) -> None:
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nHi\r\n"

    async def script(peer: Peer) -> None:
        await peer.answer(head, endless)
        while not peer.writer.is_closing():
            await peer.write(b"y" * 8192)
            await asyncio.sleep(0)

    async with raw_server(script) as server:
        body, failure = await read_all(await transport.send(post(server.url)))
        await asyncio.wait(server.tasks)
    assert body == b"Hi"
    assert failure is not None


async def test_an_answer_may_come_before_all_of_the_request_was_read(
    transport: HttpTransport,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await peer.gone()

    async with raw_server(script) as server:
        answer = await transport.send(post(server.url, b"x" * 200_000))
        assert (answer.status, await whole(answer)) == (413, b"no")
