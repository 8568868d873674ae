"""Senseless providers and stalled clients: nothing is charged in error, and it is still up."""

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest

from tests.acceptance.asking import ASK, ask, error_of
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, completion, delta, tokens


async def html(call: Call) -> None:
    await call.whole(b"<html>Welcome to the airport wifi</html>", content_type="text/html")


async def half_a_json(call: Call) -> None:
    await call.whole(completion(usage=tokens(10, 20))[:-30])


async def cut_short(call: Call) -> None:
    await call.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"
    )
    call.writer.transport.abort()


async def no_http_at_all(call: Call) -> None:
    await call.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    call.writer.close()


@pytest.mark.parametrize(
    ("script", "evidence"),
    [
        (html, "refused"),
        (half_a_json, "held_full"),
        (cut_short, "held_full"),
        (no_http_at_all, "held_full"),
    ],
)
def test_a_senseless_answer_is_a_502(
    gateway: GatewayProcess, provider: Upstream, script: Any, evidence: str
) -> None:
    provider.script = script
    secret = gateway.create_key(f"answer {script.__name__}", "1")
    answer = httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {secret}"},
        json=ASK,
        timeout=30,
    )
    assert answer.status_code == 502
    assert error_of(answer)["code"] == "upstream_error"
    [logged] = gateway.settled(1, f"answer {script.__name__}")
    assert logged["evidence"] == evidence


def test_an_answer_that_never_ends_is_cut_at_its_limit(
    chat: httpx.Client, provider: Upstream
) -> None:
    async def endless(call: Call) -> None:
        await call.head()
        while not call.gone.is_set():
            await call.chunk(b" " * 1_000_000)

    provider.script = endless
    answer = ask(chat)
    assert answer.status_code == 502
    assert "exceeds" in error_of(answer)["message"]


def test_a_line_of_five_megabytes_passes_and_the_stream_goes_on(
    gateway: GatewayProcess, chat: httpx.Client, provider: Upstream
) -> None:
    async def long_line(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        await call.event(delta("x" * 5_000_000))
        await call.event({**delta(None), "choices": [], "usage": tokens(10, 20)})
        await call.event("[DONE]")
        await call.end()

    provider.script = long_line
    answer = ask(chat, stream=True)
    assert answer.status_code == 200
    assert len(answer.content) > 5_000_000
    assert answer.text.endswith("data: [DONE]\n\n")
    assert '"usage":{' not in answer.text
    assert gateway.settled(1, "bad input")[0]["evidence"] == "provider_usage"


def test_a_json_answer_to_a_stream_is_passed_on(chat: httpx.Client, provider: Upstream) -> None:
    async def whole(call: Call) -> None:
        await call.whole(completion(usage=tokens(10, 20)))

    provider.script = whole
    answer = ask(chat, stream=True)
    assert answer.status_code == 200
    assert answer.json()["usage"]["completion_tokens"] == 20


def test_a_stalled_client_does_not_hold_the_others_up(
    gateway: GatewayProcess, chat: httpx.Client, key: str, provider: Upstream
) -> None:
    async def flood(call: Call) -> None:
        if not call.body.get("stream"):
            await call.whole(completion(usage=tokens(10, 20)))
            return
        await call.head(content_type="text/event-stream")
        with_text = delta("x" * 10_000)
        while not call.gone.is_set():
            await call.event(with_text)
            await asyncio.sleep(0)

    provider.script = flood
    body = json.dumps({**ASK, "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n"
            b"authorization: Bearer %s\r\n\r\n" % (len(body), key.encode()) + body
        )
        assert raw.recv(1000).startswith(b"HTTP/1.1 200")
        for _ in range(5):
            assert ask(chat).status_code == 200
    gateway.settled(1, "bad input")
