"""Whom a carrier trusts with a provider's secret."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from pouch.domain.errors import UpstreamError
from pouch.infra.http import HttpTransport
from tests.fakes.carriers import Open, post, whole
from tests.fakes.raw_server import Peer, answer_and_stay, keep_answering, raw_server

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, signed by nobody but itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout {path}.key -out {path}.crt"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    parts = [Path(f"{path}.{kind}").read_text() for kind in ("key", "crt")]
    path.write_text("".join(parts))
    return path


@pytest.fixture
def served(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path, open_transport: Open) -> HttpTransport:
    return open_transport(tls=ssl.create_default_context(cafile=f"{certificate}.crt"))


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    transport: HttpTransport, served: ssl.SSLContext
) -> None:
    async with raw_server(keep_answering(HI), tls=served) as server:
        with pytest.raises(UpstreamError) as refusal:
            await transport.send(post(server.url))
        assert server.peers == []
    assert not refusal.value.reached
    assert "certificate" in str(refusal.value)


async def test_a_certificate_for_another_name_is_refused(
    trusting: HttpTransport, served: ssl.SSLContext
) -> None:
    async with raw_server(keep_answering(HI), tls=served) as server:
        with pytest.raises(UpstreamError) as refusal:
            await trusting.send(post(server.url.replace("127.0.0.1", "localhost")))
    assert not refusal.value.reached


async def test_a_server_without_tls_is_refused(transport: HttpTransport) -> None:
    async def script(peer: Peer) -> None:
        await peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.gone()

    async with raw_server(script) as server:
        with pytest.raises(UpstreamError) as refusal:
            await transport.send(post(server.url.replace("http:", "https:")))
    assert not refusal.value.reached


async def test_a_trusted_connection_is_kept(
    trusting: HttpTransport, served: ssl.SSLContext
) -> None:
    async with raw_server(keep_answering(HI), tls=served) as server:
        for _ in range(3):
            assert await whole(await trusting.send(post(server.url))) == b"Hi"
        assert len(server.peers) == 1


async def test_large_bodies_pass_both_ways(trusting: HttpTransport, served: ssl.SSLContext) -> None:
    content = bytes(range(256)) * 8_000

    async def script(peer: Peer) -> None:
        await peer.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content)
        await peer.write(head + peer.bodies[0])
        await peer.gone()

    async with raw_server(script, tls=served) as server:
        assert await whole(await trusting.send(post(server.url, content))) == content


async def test_a_slow_reader_slows_the_provider_down(
    trusting: HttpTransport, served: ssl.SSLContext
) -> None:
    piece = b"y" * 500_000
    size, written = 50, 0

    async def script(peer: Peer) -> None:
        nonlocal written
        await peer.answer(CHUNKED, b"%x\r\n" % (size * len(piece)))
        for _ in range(size):
            await peer.write(piece)
            written += 1
        await peer.write(b"\r\n0\r\n\r\n")
        await peer.gone()

    async with raw_server(script, tls=served) as server:
        answer = await trusting.send(post(server.url))
        got = len(await anext(answer.body))
        seen = -1
        while seen < written:
            seen = written
            await asyncio.sleep(0.05)
        assert written < size
        got += len(await whole(answer))
    assert got == size * len(piece)


async def test_a_cut_answer_raises_and_giving_up_is_seen_at_once(
    trusting: HttpTransport, served: ssl.SSLContext
) -> None:
    async def cut(peer: Peer) -> None:
        await peer.answer(CHUNKED, b"5\r\nHello\r\n")

    async with raw_server(cut, tls=served) as server:
        with pytest.raises(UpstreamError):
            await whole(await trusting.send(post(server.url)))
    async with raw_server(answer_and_stay(CHUNKED), tls=served) as server:
        answer = await trusting.send(post(server.url))
        await answer.body.aclose()
        async with asyncio.timeout(1):
            await server.tasks[0]
