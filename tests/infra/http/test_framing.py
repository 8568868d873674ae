"""Where an answer begins and ends, however it arrives."""

import pytest

from pouch.domain.errors import UpstreamError
from pouch.domain.provider import UpstreamRequest
from pouch.infra.http import HttpTransport
from tests.fakes.carriers import not_by_stock, post, whole
from tests.fakes.raw_server import Peer, answer_and_stay, answer_once, keep_answering, raw_server

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\nX-Custom: kept\r\n\r\n"
CHUNKS = b'5;name="a;b"\r\nHello\r\n7\r\n, world\r\n0\r\nx-trailer: 1\r\n\r\n'
SIZED = OK + b"content-length: 12\r\n\r\nHello, world"
HELLO = b"Hello, world"


async def test_the_request_goes_out_whole_and_once(transport: HttpTransport) -> None:
    async with raw_server(keep_answering(SIZED)) as server:
        await whole(await transport.send(post(server.url, b"content")))
        [peer] = server.peers
    [head] = peer.heads
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/chat HTTP/1.1"
    assert sorted(line.lower() for line in lines[1:] if line) == [
        "accept-encoding: identity",
        "authorization: bearer sk-secret",
        "content-length: 7",
        "content-type: application/json",
        f"host: {server.url.split('/')[2]}",
    ]
    assert peer.bodies == [b"content"]


async def test_a_body_of_a_given_length_is_read_to_its_end(transport: HttpTransport) -> None:
    async with raw_server(keep_answering(SIZED)) as server:
        answer = await transport.send(post(server.url))
        assert answer.status == 200
        assert await whole(answer) == HELLO


async def test_chunks_are_put_together_wherever_they_are_split(transport: HttpTransport) -> None:
    answers = [(CHUNKED + CHUNKS)[:cut] for cut in range(1, len(CHUNKED + CHUNKS))]
    rest = {first: (CHUNKED + CHUNKS)[len(first) :] for first in answers}

    async def script(peer: Peer) -> None:
        for first in answers:
            await peer.answer(first, rest[first])

    async with raw_server(script) as server:
        for _ in answers:
            answer = await transport.send(post(server.url))
            assert answer.header("x-custom") == "kept"
            assert await whole(answer) == HELLO
        assert len(server.peers) == 1


async def test_an_answer_may_come_one_byte_at_a_time(transport: HttpTransport) -> None:
    pieces = [bytes([byte]) for byte in CHUNKED + CHUNKS]
    async with raw_server(keep_answering(*pieces)) as server:
        answer = await transport.send(post(server.url))
        parts = [part async for part in answer.body]
    assert b"".join(parts) == HELLO
    assert all(parts)


@not_by_stock("it hands on every chunk by itself")
async def test_chunks_that_arrive_together_are_read_together(transport: HttpTransport) -> None:
    async with raw_server(answer_and_stay(CHUNKED, b"1\r\na\r\n" * 50 + b"0\r\n\r\n")) as server:
        answer = await transport.send(post(server.url))
        parts = [part async for part in answer.body]
    assert parts == [b"a" * 50]


async def test_trailers_are_no_headers(transport: HttpTransport) -> None:
    async with raw_server(keep_answering(CHUNKED + CHUNKS)) as server:
        answer = await transport.send(post(server.url))
        await whole(answer)
    assert "x-trailer" not in dict(answer.headers)


async def test_interim_answers_are_skipped(transport: HttpTransport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n"
    async with raw_server(keep_answering(interim, SIZED)) as server:
        answer = await transport.send(post(server.url))
        assert (answer.status, await whole(answer)) == (200, HELLO)
        assert answer.header("link") == ""


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("header", [b"", b"content-length: 5\r\n"])
async def test_some_statuses_have_no_body(
    transport: HttpTransport, status: int, header: bytes
) -> None:
    async with raw_server(keep_answering(b"HTTP/1.1 %d X\r\n%s\r\n" % (status, header))) as server:
        for _ in range(2):
            answer = await transport.send(post(server.url))
            assert (answer.status, await whole(answer)) == (status, b"")
        assert len(server.peers) == 1


async def test_an_answer_to_head_has_no_body(transport: HttpTransport) -> None:
    async with raw_server(keep_answering(OK + b"content-length: 12\r\n\r\n")) as server:
        for _ in range(2):
            answer = await transport.send(UpstreamRequest("HEAD", server.url, (), b""))
            assert answer.header("content-length") == "12"
            assert await whole(answer) == b""


@pytest.mark.parametrize(
    "head",
    [
        OK + b"connection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        OK + b"\r\n",
    ],
)
async def test_a_body_without_length_ends_with_the_connection(
    transport: HttpTransport, head: bytes
) -> None:
    async with raw_server(answer_once(head, b"Hello", b", world")) as server:
        for _ in range(2):
            assert await whole(await transport.send(post(server.url))) == HELLO
        assert len(server.peers) == 2


async def test_an_old_server_may_name_the_length_too(transport: HttpTransport) -> None:
    answer = b"HTTP/1.0 200 OK\r\ncontent-length: 12\r\n\r\nHello, world"
    async with raw_server(answer_and_stay(answer)) as server:
        for _ in range(2):
            assert await whole(await transport.send(post(server.url))) == HELLO
        assert len(server.peers) == 2


async def test_header_names_are_lowered_and_values_may_be_any_bytes(
    transport: HttpTransport,
) -> None:
    answer_bytes = OK + b"X-Name: caf\xe9\r\nX-Empty:\r\ncontent-length: 0\r\n\r\n"
    async with raw_server(keep_answering(answer_bytes)) as server:
        answer = await transport.send(post(server.url))
    assert answer.header("x-name") == "caf\xe9"
    assert ("x-empty", "") in answer.headers


@pytest.mark.parametrize(
    "head",
    [
        OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        OK + b"transfer-encoding: gzip\r\n\r\nabc",
        OK + b"content-length: -1\r\n\r\n",
        OK + b"content-length: 1x\r\n\r\nabc",
        OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\nabc",
        OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        OK + b"a\0b: c\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b'{"usage": {}}\r\n\r\n',
    ],
)
async def test_what_is_not_http_is_refused(transport: HttpTransport, head: bytes) -> None:
    async with raw_server(answer_once(head)) as server:
        with pytest.raises(UpstreamError) as refusal:
            await whole(await transport.send(post(server.url)))
    assert refusal.value.reached
    assert "127.0.0.1" in str(refusal.value)


@not_by_stock("it takes whichever of the two it looks at first")
@pytest.mark.parametrize(
    "head",
    [
        OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    ],
)
async def test_two_ends_for_one_body_are_refused(transport: HttpTransport, head: bytes) -> None:
    async with raw_server(answer_and_stay(head)) as server:
        with pytest.raises(UpstreamError):
            await whole(await transport.send(post(server.url)))


async def test_another_protocol_is_refused(transport: HttpTransport) -> None:
    switch = b"HTTP/1.1 101 Switching\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n"
    async with raw_server(answer_and_stay(switch)) as server:
        with pytest.raises(UpstreamError):
            await transport.send(post(server.url))
