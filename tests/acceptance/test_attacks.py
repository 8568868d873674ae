"""What an attacker with a cheap key tries against the money, the secrets and the loop."""

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Script, Upstream, completion, delta, tokens

HELLO = [{"role": "user", "content": "Hello"}]
ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": HELLO}
FUNCTION = {"type": "function", "function": {"name": "f"}}
WORDS = [delta(f"word{i} ") for i in range(50)]
# What the test's model costs by its own usage of 10 and 20 tokens.
REPORTED_USD = "0.0000135"


def post(gateway: GatewayProcess, key: str, content: bytes) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        content=content,
        timeout=30,
    )


def ask(gateway: GatewayProcess, key: str, **fields: Any) -> httpx.Response:
    return post(gateway, key, json.dumps({**ASK, **fields}).encode())


def stream_of(
    *events: dict[str, Any] | str, whole: bool = True, content_type: str = "text/event-stream"
) -> Script:
    """Streams the events, and then ends or breaks off."""

    async def script(call: Call) -> None:
        await call.head(content_type=content_type)
        for event in events:
            await call.event(event)
        if whole:
            await call.end()
        else:
            call.writer.close()

    return script


def longest_silence_s(gateway: GatewayProcess, key: str, content: bytes) -> float:
    """How long ``/health`` was kept waiting at most while ``content`` was dealt with."""

    async def measure() -> float:
        longest = 0.0
        async with httpx.AsyncClient(timeout=30) as client:
            asked = asyncio.ensure_future(asyncio.to_thread(post, gateway, key, content))
            while not asked.done():
                began = time.monotonic()
                await client.get(f"{gateway.url}/health")
                longest = max(longest, time.monotonic() - began)
            await asked
        return longest

    return asyncio.run(measure())


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ('"max_tokens": 1, "MAX_TOKENS": 1000000', "max_tokens"),
        ('"Model": "o1-pro"', "model"),
        ('"N": 128', "n"),
        ('"\\u004d\\u004fdel": "o1-pro"', "model"),
        ('"me\\u017f\\u017fages": []', "messages"),
        ('"max_toKens": 1000000', "max_tokens"),
        ('"Web_Search_Options": {}', "Web_Search_Options"),
        ('"search_parameters": {"mode": "on"}', "search_parameters"),
        ('"fallbacks": ["o1-pro"]', "fallbacks"),
        ('"provider": {"order": ["dearest"]}', "provider"),
        ('"deferred": true', "deferred"),
    ],
)
def test_a_field_that_would_raise_the_cost_unpriced_never_leaves(
    gateway: GatewayProcess, provider: Upstream, fields: str, param: str
) -> None:
    key = gateway.create_key("fields", "1")
    content = json.dumps(ASK)[:-1] + ", " + fields + "}"
    answer = post(gateway, key, content.encode())
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert not provider.calls


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search"},
        {"type": "mcp", "server_url": "https://tools.example"},
        {"type": "builtin_function", "function": {"name": "$web_search"}},
        {"google_search": {}},
        {"type": ["function"]},
    ],
)
def test_a_tool_that_runs_at_the_provider_never_leaves(
    gateway: GatewayProcess, provider: Upstream, tool: dict[str, Any]
) -> None:
    answer = ask(gateway, gateway.create_key("tools", "1"), tools=[FUNCTION, tool])
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "tools"
    assert not provider.calls


def test_a_field_that_is_given_twice_is_sent_once_as_it_was_priced(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("twice", "1")
    content = json.dumps(ASK)[:-1] + ', "max_tok\\u0065ns": 9000, "n": 9, "max_tokens": 5, "n": 2}'
    answer = post(gateway, key, content.encode())
    assert provider.calls[0].body == {**ASK, "max_tokens": 5, "n": 2}
    output = 2 * 5 * Decimal("0.60") / 1_000_000
    # The bytes of a short body besides.
    assert output < Decimal(answer.headers["x-pouch-reserved"]) < output + Decimal("0.0001")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + json.dumps(ASK).encode(),
        json.dumps(ASK).encode("utf-16"),
        json.dumps(ASK).encode() * 2,
        json.dumps(ASK).encode() + b"\0",
    ],
)
def test_a_body_that_two_parsers_may_read_differently_never_leaves(
    gateway: GatewayProcess, provider: Upstream, content: bytes
) -> None:
    assert post(gateway, gateway.create_key("parsers", "1"), content).status_code == 400
    assert not provider.calls


def test_a_document_in_the_place_of_an_image_is_reserved_as_the_whole_context(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    for url in ("data:application/pdf;base64,JVBERi0=", "DATA:application/pdf;base64,JVBERi0="):
        content = [{"type": "image_url", "image_url": {"url": url}}]
        key = gateway.create_key("document", "1")
        answer = ask(gateway, key, messages=[{"role": "user", "content": content}], max_tokens=1)
        whole_context = 128_000 * Decimal("0.15") / 1_000_000
        assert Decimal(answer.headers["x-pouch-reserved"]) >= whole_context


@pytest.mark.parametrize(
    "parameters",
    [
        {"x": [[]] * 60_000},
        {"x": [None] * 60_000},
        {"word " * 40_000: True},
        {"x": {"y": [{}] * 60_000}},
    ],
)
def test_nothing_hides_from_the_count_in_a_tool(
    gateway: GatewayProcess, provider: Upstream, parameters: dict[str, Any]
) -> None:
    # Enough for 1,000 tokens, where the tool's JSON is of some ten thousands.
    key = gateway.create_key("hides", "0.00015")
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    assert ask(gateway, key, tools=[tool], max_tokens=1).status_code == 402
    assert not provider.calls


def test_reasoning_that_the_client_asked_to_hide_is_not_left_uncounted(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("hidden", "1")
    provider.script = stream_of(*WORDS, whole=False)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(gateway, key, stream=True, max_tokens=5000, reasoning={"exclude": True})
    [logged] = gateway.settled(1, "hidden")
    assert logged["evidence"] == "held_full"
    assert Decimal(logged["cost_usd"]) > Decimal("0.003")


def test_a_body_of_millions_of_values_does_not_stop_the_gateway(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("values", "0.0001")
    tool = '{"type": "function", "function": {"name": "f", "parameters": {"x": [%s]}}}'
    content = json.dumps(ASK)[:-1] + f', "tools": [{tool}]}}' % ",".join(["[]"] * 8_000_000)
    assert longest_silence_s(gateway, key, content.encode()) < 1
    assert not provider.calls


def test_an_unknown_key_and_a_revoked_one_are_refused_alike(gateway: GatewayProcess) -> None:
    revoked = gateway.create_key("revoked")
    assert gateway.admin.delete(f"/api/keys/{gateway.key('revoked')['id']}").status_code < 300
    answers = [ask(gateway, key) for key in (revoked, "pouch-" + "x" * 43)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content


def test_the_parent_binds_and_a_limit_lowered_in_flight_lets_nothing_more_in(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    def lowers(call: Call) -> Any:
        del call
        return gateway.admin.patch(
            f"/api/keys/{gateway.key('outer')['id']}", json={"budget": {"limit_usd": "0.000001"}}
        )

    async def script(call: Call) -> None:
        assert (await asyncio.to_thread(lowers, call)).status_code == 200
        await call.whole(completion(usage=tokens(10, 20)))

    gateway.create_key("outer", "0.001")
    outer = gateway.key("outer")["pouch"]["id"]
    key = gateway.create_key("inner", "100", pouch=outer)
    assert ask(gateway, key, max_tokens=16_000).status_code == 402
    provider.script = script
    assert ask(gateway, key, max_tokens=20).status_code == 200
    assert gateway.settled(1, "inner")[0]["cost_usd"] == REPORTED_USD
    assert Decimal(gateway.key("outer")["pouch"]["spent_usd"]) == Decimal(REPORTED_USD)
    assert ask(gateway, key, max_tokens=1).status_code == 402
    assert len(provider.calls) == 1
    assert gateway.pouch("verify").code == 0


def test_a_key_that_is_revoked_in_flight_still_pays(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    async def script(call: Call) -> None:
        key_id = gateway.key("revoked in flight")["id"]
        gone = await asyncio.to_thread(gateway.admin.delete, f"/api/keys/{key_id}")
        assert gone.status_code < 300
        await call.whole(completion(usage=tokens(10, 20)))

    gateway.create_key("around", "1")
    around = gateway.key("around")["pouch"]["id"]
    key = gateway.create_key("revoked in flight", "1", pouch=around)
    provider.script = script
    assert ask(gateway, key).status_code == 200
    assert gateway.settled(0, "around") == []
    assert Decimal(gateway.key("around")["pouch"]["spent_usd"]) == Decimal(REPORTED_USD)
    assert ask(gateway, key).status_code == 401
    assert gateway.pouch("verify").code == 0


def test_several_choices_share_what_a_tight_budget_affords(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("choices", "0.0001")
    answer = ask(gateway, key, n=3)
    granted = int(answer.headers["x-pouch-max-output-tokens"])
    assert provider.calls[0].body["max_tokens"] == granted
    assert granted == (100_000 - 8 * 150) // 600 // 3
    assert Decimal(answer.headers["x-pouch-reserved"]) <= Decimal("0.0001")
