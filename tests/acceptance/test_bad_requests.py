"""Hostile clients: a clear error, nothing charged, still up."""

import json
import socket
from typing import Any

import httpx
import pytest

from tests.acceptance.asking import ASK, ask, error_of
from tests.fakes.gateway_process import ADMIN_TOKEN, GatewayProcess
from tests.fakes.upstream import Upstream


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b"hello", b'{"model": "gpt-4o-mini"}', b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_no_request_is_a_400(
    chat: httpx.Client, provider: Upstream, content: bytes
) -> None:
    answer = chat.post("/chat/completions", content=content)
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "invalid_request_error"
    assert not provider.calls


@pytest.mark.parametrize("limit", [0, -1, 1e30, "ten", True, [], 2**63])
def test_a_senseless_output_limit_is_a_400(
    chat: httpx.Client, provider: Upstream, limit: object
) -> None:
    answer = ask(chat, max_tokens=limit)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "max_tokens"
    assert not provider.calls


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 1000}, "n"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [5]}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"models": ["gpt-4o", "o1-pro"]}, "models"),
    ],
)
def test_a_wrong_field_is_a_400_that_names_it(
    chat: httpx.Client, provider: Upstream, fields: dict[str, Any], param: str
) -> None:
    answer = ask(chat, **fields)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == param
    assert not provider.calls


def test_a_lone_surrogate_is_a_400(chat: httpx.Client, provider: Upstream) -> None:
    body = json.dumps({**ASK, "messages": [{"role": "user", "content": "\ud83d"}]})
    answer = chat.post("/chat/completions", content=body)
    assert answer.status_code == 400
    assert not provider.calls


def test_a_million_spaces_are_relayed_and_charged_by_the_provider(
    chat: httpx.Client, provider: Upstream
) -> None:
    messages = [{"role": "user", "content": " " * 1_100_000}]
    assert ask(chat, messages=messages, max_tokens=10).status_code == 200
    assert len(provider.calls[0].body["messages"][0]["content"]) == 1_100_000


def test_a_million_spaces_against_a_tight_budget_are_refused_not_fatal(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    poor = gateway.create_key("spaces", "0.0001")
    answer = httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {poor}"},
        json={**ASK, "messages": [{"role": "user", "content": " " * 1_100_000}]},
        timeout=60,
    )
    assert answer.status_code == 402
    assert not provider.calls


def test_33_megabytes_are_a_413(chat: httpx.Client, provider: Upstream) -> None:
    messages = [{"role": "user", "content": "x" * 33 * 2**20}]
    try:
        answer = ask(chat, messages=messages)
    except httpx.WriteError:
        return  # Refused by its length alone, while it was still being sent.
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "request_too_large"
    assert not provider.calls


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/models/none", 404),
        ("DELETE", "/v1/models", 405),
        ("GET", "/nothing", 404),
        ("GET", "/api/keys/none", 404),
        ("POST", "/api/nothing", 404),
    ],
)
def test_every_path_answers_in_the_same_shape(
    gateway: GatewayProcess, key: str, method: str, path: str, status: int
) -> None:
    token = ADMIN_TOKEN if path.startswith("/api") else key
    answer = httpx.request(
        method, f"{gateway.url}{path}", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == status
    error_of(answer)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", "Basic eDp5", f"Bearer pouch-{'x' * 100_0}"]
)
def test_without_a_known_key_nothing_is_answered(
    gateway: GatewayProcess, authorization: str
) -> None:
    answer = httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": authorization} if authorization else {},
        json=ASK,
    )
    assert answer.status_code == 401
    assert error_of(answer)["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    "garbage",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 5\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_survived(gateway: GatewayProcess, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as raw:
        raw.sendall(garbage)
        raw.shutdown(socket.SHUT_WR)
        answer = raw.recv(65536)
    assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert httpx.get(f"{gateway.url}/health").status_code == 200
