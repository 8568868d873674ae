"""Content encodings that nobody asked for."""

import asyncio
import gzip
import zlib

import pytest

from pouch.domain.errors import UpstreamError
from pouch.infra.http import HttpTransport
from pouch.infra.http.decoding import STEP_BYTES_MAX
from tests.fakes.carriers import post, whole
from tests.fakes.raw_server import Peer, answer_and_stay, keep_answering, raw_server

PLAIN = b"data: {}\n\n" * 1000
_RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
FORMS = {
    "gzip": ("gzip", gzip.compress(PLAIN)),
    "upper case": ("GZip", gzip.compress(PLAIN)),
    "x-gzip": ("x-gzip", gzip.compress(PLAIN)),
    "two members": ("gzip", gzip.compress(PLAIN[:500]) + gzip.compress(PLAIN[500:])),
    "zlib": ("deflate", zlib.compress(PLAIN)),
    "raw deflate": ("deflate", _RAW.compress(PLAIN) + _RAW.flush()),
    "identity": ("identity", PLAIN),
}


def answer(encoding: str, content: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nx-custom: kept\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n%s" % (len(content), content)


@pytest.mark.parametrize("form", FORMS)
async def test_a_known_encoding_is_undone(transport: HttpTransport, form: str) -> None:
    async with raw_server(keep_answering(answer(*FORMS[form]))) as server:
        got = await transport.send(post(server.url))
        assert got.header("x-custom") == "kept"
        assert await whole(got) == PLAIN
        if form != "identity":
            names = {name for name, _ in got.headers}
            assert not names & {"content-encoding", "content-length"}


async def test_a_compressed_stream_is_undone_as_it_comes(transport: HttpTransport) -> None:
    compressor = zlib.compressobj(wbits=31)
    go_on = asyncio.Event()

    def chunk(content: bytes, flush: int) -> bytes:
        data = compressor.compress(content) + compressor.flush(flush)
        return b"%x\r\n%s\r\n" % (len(data), data)

    async def script(peer: Peer) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
        await peer.answer(head, chunk(b"one", zlib.Z_SYNC_FLUSH))
        await go_on.wait()
        await peer.write(chunk(b"two", zlib.Z_FINISH), b"0\r\n\r\n")
        await peer.gone()

    async with raw_server(script) as server:
        got = await transport.send(post(server.url))
        assert await anext(got.body) == b"one"
        go_on.set()
        assert await whole(got) == b"two"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip\r\ncontent-encoding: br"])
async def test_an_unknown_encoding_is_refused(transport: HttpTransport, encoding: str) -> None:
    async with raw_server(answer_and_stay(answer(encoding, b"????"))) as server:
        with pytest.raises(UpstreamError) as refusal:
            await transport.send(post(server.url))
    assert refusal.value.reached


@pytest.mark.parametrize("form", ["gzip", "zlib", "raw deflate"])
async def test_compressed_data_that_is_cut_never_looks_complete(
    transport: HttpTransport, form: str
) -> None:
    encoding, content = FORMS[form]
    for cut in (1, len(content) // 2, len(content) - 1):
        async with raw_server(keep_answering(answer(encoding, content[:cut]))) as server:
            got = await transport.send(post(server.url))
            with pytest.raises(UpstreamError):
                await whole(got)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_what_is_not_compressed_as_it_says_is_refused(
    transport: HttpTransport, encoding: str
) -> None:
    async with raw_server(keep_answering(answer(encoding, b'{"usage": {}}'))) as server:
        got = await transport.send(post(server.url))
        with pytest.raises(UpstreamError):
            await whole(got)


async def test_an_empty_body_needs_no_encoding(transport: HttpTransport) -> None:
    async with raw_server(keep_answering(answer("gzip", b""))) as server:
        assert await whole(await transport.send(post(server.url))) == b""


async def test_a_bomb_goes_off_in_small_steps_that_let_others_run(
    transport: HttpTransport,
) -> None:
    size = 32 * 1024 * 1024
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with raw_server(keep_answering(answer("gzip", gzip.compress(bytes(size))))) as server:
        got = await transport.send(post(server.url))
        running = asyncio.create_task(others())
        lengths = [len(part) async for part in got.body]
        running.cancel()
        await asyncio.wait([running])
    assert sum(lengths) == size
    assert max(lengths) <= STEP_BYTES_MAX
    assert turns >= len(lengths) - 1


async def test_an_encoded_answer_can_be_given_up(transport: HttpTransport) -> None:
    content = gzip.compress(bytes(10_000_000))
    head = answer("gzip", content)[: -len(content) // 2]
    async with raw_server(answer_and_stay(head)) as server:
        got = await transport.send(post(server.url))
        await anext(got.body)
        await got.body.aclose()
        async with asyncio.timeout(1):
            await server.tasks[0]
        with pytest.raises(UpstreamError):
            await anext(got.body)
