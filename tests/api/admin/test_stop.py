"""A request that an administrator stops ends, whatever it is doing, and is settled."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pouch.api.relay import TELL_S
from tests.fakes.running_gateway import PATIENCE_S, Running, running
from tests.fakes.upstream import Call, answer, delta

STOPPED = "stopped_by_administrator"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as service:
        yield service


async def says_nothing(call: Call) -> None:
    await call.gone.wait()


def event(word: str) -> str:
    """What a word comes in."""
    return f"data: {json.dumps(delta(word), separators=(',', ':'))}\n\n"


async def says_three_words(call: Call) -> None:
    await call.head(content_type="text/event-stream")
    for word in (" one", " two", " six"):
        await call.event(delta(word))
    await call.gone.wait()


async def half_an_answer(call: Call) -> None:
    await call.head()
    await call.chunk(b'{"id": ')
    await call.gone.wait()


async def at_work(service: Running, phase: str, relayed: int = 0) -> dict[str, Any]:
    """The one request at work, as soon as the provider has it and it is in this phase."""
    async with asyncio.timeout(PATIENCE_S):
        while not service.provider.calls:
            await asyncio.sleep(0.01)
        while True:
            listed = (await service.admin.get("/api/live")).json()["data"]
            for live in listed:
                if live["phase"] == phase and live["bytes_relayed"] >= relayed:
                    assert isinstance(live, dict)
                    return live
            await asyncio.sleep(0.01)


async def stop(service: Running, request_id: str) -> httpx.Response:
    return await service.admin.post(f"/api/live/{request_id}/stop")


async def settled(service: Running) -> dict[str, Any]:
    """The one request that has ended, when nothing is left to be written."""
    await service.idle()
    [logged] = (await service.admin.get("/api/requests")).json()["data"]
    [reserved] = {pouch.reserved.nanos for pouch in await service.gateway.keys.pouches.all()}
    assert reserved == 0
    assert (await service.admin.get("/api/live")).json()["data"] == []
    assert isinstance(logged, dict)
    return logged


@pytest.mark.parametrize("stream", [False, True])
async def test_one_that_waits_for_its_answer_is_refused_and_charged_in_full(
    service: Running, stream: bool
) -> None:
    service.provider.script = says_nothing
    asking = asyncio.ensure_future(service.post(stream=stream))
    live = await at_work(service, "waiting")
    assert (live["here"], live["stream"], live["tokens_estimate"]) == (True, stream, 0)
    stopping = await stop(service, live["id"])
    assert (stopping.status_code, stopping.json()) == (202, {"stopped": True})
    refusal = await asking
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (503, STOPPED)
    assert refusal.headers["x-should-retry"] == "false"
    assert refusal.headers["x-request-id"] == live["id"]
    logged = await settled(service)
    assert (logged["status"], logged["error"], logged["evidence"]) == (503, STOPPED, "held_full")
    assert logged["cost_usd"] == logged["reserved_usd"] == live["reserved_usd"]
    async with asyncio.timeout(PATIENCE_S):
        await service.provider.calls[0].gone.wait()


async def test_one_that_streams_ends_with_an_error_and_is_charged_what_it_said(
    service: Running,
) -> None:
    service.provider.script = says_three_words
    asking = asyncio.ensure_future(service.post(stream=True))
    live = await at_work(service, "answering", relayed=3 * len(event(" one")))
    assert live["tokens_estimate"] == 3
    assert 0 < float(live["cost_estimate_usd"]) < float(live["reserved_usd"])
    assert (await stop(service, live["id"])).status_code == 202
    with pytest.raises(httpx.RemoteProtocolError):
        await asking
    logged = await settled(service)
    assert (logged["status"], logged["error"], logged["evidence"]) == (200, STOPPED, "counted")
    assert logged["usage"]["output_tokens"] == 3
    assert float(logged["cost_usd"]) < float(logged["reserved_usd"])


async def test_the_error_in_a_stream_says_who_stopped_it(service: Running) -> None:
    service.provider.script = says_three_words
    reader, writer = await service.connect()
    writer.write(service.raw(stream=True))
    live = await at_work(service, "answering", relayed=100)
    await stop(service, live["id"])
    received = (await reader.read(-1)).decode()
    last = [line for line in received.splitlines() if line.startswith("data: ")][-1]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == STOPPED
    assert "[DONE]" not in received
    assert not received.endswith("0\r\n\r\n")


async def test_half_an_answer_is_given_up(service: Running) -> None:
    service.provider.script = half_an_answer
    asking = asyncio.ensure_future(service.post())
    live = await at_work(service, "answering")
    assert live["bytes_relayed"] == 0
    await stop(service, live["id"])
    assert (await asking).json()["error"]["code"] == STOPPED
    assert (await settled(service))["evidence"] == "held_full"


async def test_a_client_that_does_not_read_cannot_keep_its_request_alive(service: Running) -> None:
    async def flood(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        while not call.gone.is_set():
            await call.chunk(b": " + b"x" * 50_000 + b"\n\n")

    service.provider.script = flood
    _, writer = await service.connect()
    writer.write(service.raw(stream=True))
    live, before = await at_work(service, "answering", relayed=1), 0
    # Nothing more is relayed when all the buffers between are full.
    while live["bytes_relayed"] != before:
        before = live["bytes_relayed"]
        await asyncio.sleep(0.3)
        live = await at_work(service, "answering")
    assert (await stop(service, live["id"])).status_code == 202
    async with asyncio.timeout(3 * TELL_S):
        logged = await settled(service)
    assert (logged["error"], logged["evidence"]) == (STOPPED, "counted")


async def test_a_request_whose_client_has_gone_is_not_waited_for_any_longer(
    service: Running,
) -> None:
    service.provider.script = says_nothing
    _, writer = await service.connect()
    writer.write(service.raw())
    await at_work(service, "waiting")
    writer.close()
    live = await at_work(service, "settling")
    assert (await stop(service, live["id"])).json() == {"stopped": True}
    async with asyncio.timeout(1):
        logged = await settled(service)
    assert (logged["error"], logged["evidence"]) == ("client_gone", "held_full")


async def test_the_connection_of_a_stopped_request_serves_the_next_one(service: Running) -> None:
    service.provider.script = says_nothing
    headers = {"authorization": f"Bearer {service.secret}"}
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    async with httpx.AsyncClient(base_url=service.url, headers=headers) as client:
        asking = asyncio.ensure_future(client.post("/v1/chat/completions", json=body))
        await stop(service, (await at_work(service, "waiting"))["id"])
        assert (await asking).status_code == 503
        service.provider.script = answer
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_one_with_an_idempotency_key_is_stopped_apart_from_its_client(
    service: Running, stream: bool
) -> None:
    service.provider.script = says_three_words if stream else says_nothing
    reader, writer = await service.connect()
    named = service.raw("idempotency-key: once", "connection: close", stream=stream)
    writer.write(named)
    live = await at_work(service, "answering" if stream else "waiting", relayed=100 * stream)
    assert (await stop(service, live["id"])).json() == {"stopped": True}
    assert STOPPED in (await reader.read(-1)).decode()
    assert (await settled(service))["error"] == STOPPED
    service.provider.script = answer
    reader, writer = await service.connect()
    writer.write(named)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert len(service.provider.calls) == 2


async def test_a_request_that_has_ended_cannot_be_stopped(service: Running) -> None:
    answered = await service.post()
    await service.idle()
    refusal = await stop(service, answered.headers["x-request-id"])
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "conflict")


async def test_a_request_that_no_one_has_cannot_be_stopped(service: Running) -> None:
    refusal = await stop(service, "req_nothing")
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (404, "not_found")
