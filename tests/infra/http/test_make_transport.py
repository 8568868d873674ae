"""Which carrier a configuration gets, and what the port refuses before anything is sent."""

import pytest

from pouch.domain.errors import UpstreamError
from pouch.domain.provider import UpstreamRequest
from pouch.infra.http import HttpTransport, LeanTransport, make_transport
from pouch.infra.http.stock import StockCarrier
from tests.fakes.carriers import PATIENT, Open, post, whole
from tests.fakes.raw_server import Peer, RawServer, keep_answering, raw_server

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def carrier_of(transport: HttpTransport) -> object:
    return transport._carrier


def test_the_lean_carrier_is_the_default_and_needs_no_running_loop() -> None:
    assert isinstance(carrier_of(make_transport("auto")), LeanTransport)
    assert isinstance(carrier_of(make_transport("lean")), LeanTransport)
    assert isinstance(carrier_of(make_transport("httpx")), StockCarrier)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_in_the_environment_is_honoured(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "http://127.0.0.1:1")
    assert isinstance(carrier_of(make_transport("auto")), StockCarrier)
    assert isinstance(carrier_of(make_transport("lean")), LeanTransport)


@pytest.mark.parametrize("kind", ["auto", "httpx"])
async def test_requests_go_through_the_proxy_but_for_hosts_that_need_none(
    environment: pytest.MonkeyPatch, kind: str
) -> None:
    async def ask(server: RawServer, url: str) -> bytes:
        environment.setenv("http_proxy", server.url.removesuffix("/v1/chat"))
        environment.setenv("no_proxy", "127.0.0.1")
        transport = make_transport("auto" if kind == "auto" else "httpx", PATIENT)
        try:
            return await whole(await transport.send(post(url)))
        finally:
            await transport.aclose()

    async with raw_server(keep_answering(HI)) as proxy, raw_server(keep_answering(HI)) as direct:
        assert await ask(proxy, "http://provider.invalid/v1/chat") == b"Hi"
        assert await ask(proxy, direct.url) == b"Hi"
        [seen] = proxy.peers
        assert len(direct.peers) == 1
    assert seen.heads[0].startswith(b"POST http://provider.invalid/v1/chat HTTP/1.1\r\n")


async def test_a_proxy_that_refuses_the_tunnel_kept_the_request_from_going_out(
    environment: pytest.MonkeyPatch,
) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    async with raw_server(keep_answering(refusal)) as proxy:
        environment.setenv("https_proxy", proxy.url.removesuffix("/v1/chat"))
        transport = make_transport("auto", PATIENT)
        with pytest.raises(UpstreamError) as failure:
            await transport.send(post("https://provider.invalid/v1/chat"))
        await transport.aclose()
    assert not failure.value.reached


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:1/", (("authorization", "Bearer secret\r\nx-forged: 1"),)),
        ("http://127.0.0.1:1/", (("authorization", "Bearer secret\0"),)),
        ("http://127.0.0.1:1/", (("x secret", "1"),)),
        ("http://127.0.0.1:1/", (("x-secret: y", "1"),)),
        ("http://127.0.0.1:99999/secret", ()),
        ("ftp://127.0.0.1/secret", ()),
        ("http:///secret", ()),
    ],
)
async def test_what_cannot_be_sent_is_refused_without_repeating_it(
    transport: HttpTransport, url: str, headers: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(UpstreamError) as refusal:
        await transport.send(UpstreamRequest("POST", url, headers, b"{}"))
    assert not refusal.value.reached
    assert "secret" not in str(refusal.value)


async def test_headers_that_frame_the_request_are_the_carriers_own(
    transport: HttpTransport,
) -> None:
    headers = (("Content-Length", "1"), ("transfer-encoding", "chunked"), ("Host", "forged"))
    async with raw_server(keep_answering(HI)) as server:
        await whole(await transport.send(UpstreamRequest("POST", server.url, headers, b"{}")))
        [peer] = server.peers
    head = peer.heads[0].lower()
    assert b"content-length: 2\r\n" in head
    assert b"chunked" not in head
    assert b"forged" not in head


async def test_many_addresses_are_not_all_remembered(open_transport: Open) -> None:
    transport = open_transport()
    async with raw_server(keep_answering(HI)) as server:
        for number in range(600):
            url = f"{server.url}/{number}"
            assert await whole(await transport.send(post(url))) == b"Hi"
        [peer] = server.peers
    assert [head.split(b" ")[1] for head in peer.heads] == [
        b"/v1/chat/%d" % number for number in range(600)
    ]
    assert len(transport._addresses) < 600


async def test_no_message_holds_what_was_sent_or_received(transport: HttpTransport) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 2x0 leaked\r\nsk-secret: leaked\r\n\r\n")

    async with raw_server(script) as server:
        with pytest.raises(UpstreamError) as failure:
            await transport.send(post(server.url))
    assert "leaked" not in str(failure.value)
    assert "sk-" not in str(failure.value)
