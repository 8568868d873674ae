"""An answer reaches its client whole, or is seen not to; and its place is free again after."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.running_gateway import PATIENCE_S, Running, running
from tests.fakes.upstream import Call, completion, delta, tokens


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as service:
        yield service


def names(headers: httpx.Headers) -> list[str]:
    return [name.decode().lower() for name, _ in headers.raw]


@pytest.mark.parametrize("stream", [False, True])
async def test_headers_come_once_and_those_of_the_providers_connection_stay_behind(
    service: Running, stream: bool
) -> None:
    async def script(call: Call) -> None:
        head = (
            "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ntransfer-encoding: chunked\r\n"
            "set-cookie: session=theirs\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\n"
            "server: theirs\r\nalt-svc: h3\r\nx-request-id: theirs\r\nx-custom: kept\r\n\r\n"
        )
        await call.write(
            head.format("text/event-stream" if stream else "application/json").encode()
        )
        if stream:
            await call.event(delta("Hello"))
            await call.event("[DONE]")
        else:
            await call.chunk(completion(usage=tokens(10, 20)))
        await call.end()

    service.provider.script = script
    answer = await service.post(stream=stream)
    assert answer.status_code == 200
    sent = names(answer.headers)
    assert len(sent) == len(set(sent))
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-custom"] == "kept"
    assert answer.headers["x-upstream-request-id"] == "theirs"
    assert not {"set-cookie", "server", "keep-alive"} & set(sent)
    assert "h3" not in answer.headers.values()


@pytest.mark.parametrize(
    ("fields", "status"), [({"model": "none"}, 404), ({"max_tokens": -1}, 400)]
)
async def test_a_refusal_carries_the_requests_id(
    service: Running, fields: dict[str, Any], status: int
) -> None:
    answer = await service.post(**fields)
    assert answer.status_code == status
    assert answer.headers["x-request-id"].startswith("req_")
    sent = names(answer.headers)
    assert len(sent) == len(set(sent))


async def test_an_unexpected_error_is_logged_and_not_told(
    service: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(name: str) -> None:
        raise RuntimeError(f"a bug that knows a secret: {name}")

    monkeypatch.setattr(service.gateway.routes, "find", broken)
    answer = await service.post()
    assert answer.status_code == 500
    assert answer.headers["x-request-id"].startswith("req_")
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    [record] = [record for record in caplog.records if record.name == "pouch.api"]
    assert record.exc_info is not None
    await service.idle()


async def test_a_client_that_stops_reading_stops_the_provider(service: Running) -> None:
    sent = 0

    async def flood(call: Call) -> None:
        nonlocal sent
        await call.head(content_type="text/event-stream")
        while True:
            await call.event(delta("x" * 50_000))
            sent += 50_000

    service.provider.script = flood
    reader, writer = await service.connect()
    writer.write(service.raw(stream=True))
    await reader.readuntil(b"data: ")
    before = -1
    # Nothing more is taken from the provider when all the buffers between are full.
    async with asyncio.timeout(PATIENCE_S):
        while sent != before:
            before = sent
            await asyncio.sleep(0.5)
    assert sent < 64_000_000
    held = sum(len(item) for item in gc.get_objects() if isinstance(item, bytearray))
    assert held < 16_000_000
    writer.transport.abort()
    await service.idle()


@pytest.mark.parametrize("body_kib", [1, 60, 66, 100, 300])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_disconnect_is_noticed_however_large_the_body_was(
    service: Running, body_kib: int, stream: bool
) -> None:
    async def quiet(call: Call) -> None:
        if stream:
            await call.head(content_type="text/event-stream")
            await call.event(delta("Hello"))
        await call.gone.wait()

    service.provider.script = quiet
    reader, writer = await service.connect()
    message = [{"role": "user", "content": "x" * body_kib * 1024}]
    writer.write(service.raw(stream=stream, messages=message))
    if stream:
        await reader.readuntil(b"Hello")
    async with asyncio.timeout(PATIENCE_S):
        while not service.provider.calls:
            await asyncio.sleep(0.01)
    assert len(service.gateway.relays) == 1
    writer.transport.abort()
    async with asyncio.timeout(1):
        while service.gateway.relays:
            await asyncio.sleep(0.01)
    await service.idle()
    assert service.provider.calls[0].gone.is_set()


async def test_a_client_that_goes_while_it_is_sent_to_frees_its_place(service: Running) -> None:
    async def flood(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        while True:
            await call.event(delta("x" * 10_000))

    service.provider.script = flood
    for _ in range(5):
        reader, writer = await service.connect()
        writer.write(service.raw(stream=True))
        await reader.readuntil(b"xxx")
        writer.transport.abort()
    await service.idle()
    assert all(call.gone.is_set() for call in service.provider.calls)


async def test_a_large_answer_reaches_a_slow_client_whole(service: Running) -> None:
    text = "x" * 8_000_000

    async def script(call: Call) -> None:
        await call.whole(completion(text, usage=tokens(10, 20)))

    service.provider.script = script
    reader, writer = await service.connect()
    writer.write(service.raw())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    # Longer than the buffers take; shorter pauses than a keep-alive, which is what cuts others.
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = b""
    while len(body) < size:
        body += await reader.read(1_000_000)
        await asyncio.sleep(0.01)
    assert json.loads(body)["choices"][0]["message"]["content"] == text
    await service.idle()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE"])
async def test_other_methods_are_refused_and_the_connection_goes_on(
    service: Running, method: str
) -> None:
    async with httpx.AsyncClient(base_url=service.url) as client:
        refused = await client.request(method, "/v1/chat/completions")
        assert refused.status_code == 405
        assert (await client.get("/health")).status_code == 200


async def test_a_client_that_waits_for_100_continue_gets_it(service: Running) -> None:
    reader, writer = await service.connect()
    head, body = service.raw("expect: 100-continue").split(b"\r\n\r\n", 1)
    writer.write(head + b"\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(body)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    await service.idle()


@pytest.mark.parametrize("stream", [False, True])
async def test_two_requests_on_one_connection_are_answered_in_turn(
    service: Running, stream: bool
) -> None:
    reader, writer = await service.connect()
    writer.write(service.raw(stream=stream) + service.raw("connection: close"))
    async with asyncio.timeout(PATIENCE_S):
        answered = await reader.read(-1)
    assert answered.count(b"HTTP/1.1 200 OK") == 2
    assert answered.count(b"[DONE]") == (1 if stream else 0)
    await service.idle()
    assert len(service.provider.calls) == 2


async def test_a_client_of_http_1_0_gets_its_answer_and_the_end(service: Running) -> None:
    reader, writer = await service.connect()
    writer.write(service.raw(version="1.0"))
    async with asyncio.timeout(PATIENCE_S):
        answered = await reader.read(-1)
    assert b" 200 OK\r\n" in answered
    assert json.loads(answered.split(b"\r\n\r\n", 1)[1])["usage"]
    await service.idle()


async def test_one_request_too_many_is_told_to_try_again(tmp_path: Path) -> None:
    async with running(tmp_path, ", concurrent_requests_max: 3") as service:
        release = asyncio.Event()

        async def held(call: Call) -> None:
            await release.wait()
            await call.whole(completion(usage=tokens(10, 20)))

        service.provider.script = held
        asked = [asyncio.ensure_future(service.post()) for _ in range(3)]
        async with asyncio.timeout(PATIENCE_S):
            while len(service.provider.calls) < 3:
                await asyncio.sleep(0.01)
        refused = await service.post()
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "overloaded"
        assert int(refused.headers["retry-after"]) > 0
        release.set()
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 3
        await service.idle()
        assert (await service.post()).status_code == 200


async def test_a_place_is_free_again_however_its_request_ended(tmp_path: Path) -> None:
    async with running(tmp_path, ", concurrent_requests_max: 1") as service:

        async def cut(call: Call) -> None:
            await call.head(content_type="text/event-stream")
            await call.event(delta("Hello"))
            call.writer.transport.abort()

        async def never(call: Call) -> None:
            await call.gone.wait()

        assert (await service.post(model="none")).status_code == 404
        service.provider.script = cut
        with pytest.raises(httpx.RemoteProtocolError):
            await service.post(stream=True)
        service.provider.script = never
        _, writer = await service.connect()
        writer.write(service.raw())
        async with asyncio.timeout(PATIENCE_S):
            while len(service.provider.calls) < 2:
                await asyncio.sleep(0.01)
        assert (await service.post()).status_code == 503
        writer.transport.abort()
        await service.idle()
        assert (await service.post(model="mock")).status_code == 200
