"""A provider that ignores its output limit, against ``pouch serve`` and the official SDK."""

import json
import time
from decimal import Decimal
from typing import Any

import openai
import pytest

from tests.acceptance.conftest import client_of
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Script, Upstream, completion, delta, tokens

ASK: Any = [{"role": "user", "content": "Hello"}]
LIMIT_USD = "0.001"
MAX_TOKENS = 100
CLOSED_WITHIN_S = 1.0


def runaway(chunk: dict[str, Any]) -> Script:
    """Says ``chunk`` for ever."""

    async def script(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        while not call.gone.is_set():
            await call.event(chunk)

    return script


def streamed(gateway: GatewayProcess, key: str, **more: Any) -> list[Any]:
    """The chunks that the SDK gets."""
    with client_of(gateway, key) as client:
        return list(
            client.chat.completions.create(
                model="gpt-4o-mini", messages=ASK, max_tokens=MAX_TOKENS, stream=True, **more
            )
        )


def is_closed(call: Call, within_s: float = CLOSED_WITHIN_S) -> bool:
    """Whether the gateway gives the connection up in time."""
    deadline = time.monotonic() + within_s
    while not call.gone.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)
    return call.gone.is_set()


def test_a_runaway_stream_ends_as_if_it_had_kept_to_its_limit(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    provider.script = runaway(delta("word "))
    key = gateway.create_key("runaway", LIMIT_USD)
    chunks = streamed(gateway, key)
    assert is_closed(provider.calls[0])
    said = [chunk for chunk in chunks if chunk.choices[0].delta.content]
    # What arrives together is relayed together, and on a loopback that is a lot.
    assert MAX_TOKENS < len(said) < 50 * MAX_TOKENS
    assert chunks[-1].choices[0].finish_reason == "length"
    assert (chunks[-1].id, chunks[-1].model) == ("chatcmpl-1", "upstream-model")
    [logged] = gateway.settled(1, "runaway")
    assert (logged["evidence"], logged["error"]) == ("counted", "output_limit")
    assert logged["status"] == 200
    assert 0 < Decimal(logged["cost_usd"]) <= Decimal(logged["reserved_usd"])
    spent = gateway.key("runaway")["pouch"]["spent_usd"]
    assert Decimal(spent) == Decimal(logged["cost_usd"]) <= Decimal(LIMIT_USD)


def test_no_run_of_runaways_brings_a_pouch_above_its_limit(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    provider.script = runaway(delta("word "))
    key = gateway.create_key("runaways", "0.0002")
    with pytest.raises(openai.APIStatusError) as refusal:
        for _ in range(20):
            streamed(gateway, key)
    assert refusal.value.status_code == 402
    pouch = gateway.key("runaways")["pouch"]
    assert 0 < Decimal(pouch["spent_usd"]) + Decimal(pouch["reserved_usd"]) <= Decimal("0.0002")
    assert gateway.pouch("verify").code == 0


def test_every_choice_of_a_runaway_ends_and_the_usage_comes_if_asked_for(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    chunk = delta("word ")
    chunk["choices"].append({**chunk["choices"][0], "index": 1})
    provider.script = runaway(chunk)
    key = gateway.create_key("two", LIMIT_USD)
    *_, first, second, usage = streamed(gateway, key, n=2, stream_options={"include_usage": True})
    ends = [(c.choices[0].index, c.choices[0].finish_reason) for c in (first, second)]
    assert ends == [(0, "length"), (1, "length")]
    assert usage.choices == []
    assert usage.usage.completion_tokens > 2 * MAX_TOKENS


def test_a_runaway_tool_call_is_cut(gateway: GatewayProcess, provider: Upstream) -> None:
    function = {"name": "add", "arguments": '{"a": 1}, '}
    chunk = delta(None)
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    chunk["choices"] = [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]
    provider.script = runaway(chunk)
    key = gateway.create_key("tool", LIMIT_USD)
    assert streamed(gateway, key)[-1].choices[0].finish_reason == "length"
    assert is_closed(provider.calls[0])


def test_a_runaway_that_may_reason_out_of_sight_is_cut_and_charged_in_full(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    provider.script = runaway(delta("word "))
    key = gateway.create_key("hidden", LIMIT_USD)
    chunks = streamed(gateway, key, reasoning_effort="low")
    assert chunks[-1].choices[0].finish_reason == "length"
    [logged] = gateway.settled(1, "hidden")
    assert (logged["evidence"], logged["error"]) == ("held_full", "output_limit")
    assert logged["cost_usd"] == logged["reserved_usd"]


def test_usage_in_passing_that_is_beyond_the_reservation_is_an_overrun(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    provider.script = runaway({**delta("word "), "usage": tokens(10, 5000)})
    key = gateway.create_key("passing", LIMIT_USD)
    assert streamed(gateway, key)[-1].choices[0].finish_reason == "length"
    assert is_closed(provider.calls[0])
    [logged] = gateway.settled(1, "passing")
    assert (logged["evidence"], logged["error"]) == ("overrun", "output_limit")
    assert logged["cost_usd"] == "0.0030015"


@pytest.mark.parametrize(("usage", "evidence"), [(tokens(10, 5000), "overrun"), (None, "counted")])
def test_a_whole_answer_that_is_too_long_is_charged_by_its_usage_or_up_to_the_reservation(
    gateway: GatewayProcess, provider: Upstream, usage: dict[str, int] | None, evidence: str
) -> None:
    async def script(call: Call) -> None:
        await call.whole(completion("word " * 5000, usage))

    provider.script = script
    key = gateway.create_key(evidence, LIMIT_USD)
    with client_of(gateway, key) as client:
        answer = client.chat.completions.create(
            model="gpt-4o-mini", messages=ASK, max_tokens=MAX_TOKENS
        )
    assert json.dumps(answer.choices[0].message.content).count("word") == 5000
    [logged] = gateway.settled(1, evidence)
    assert logged["evidence"] == evidence
    within = Decimal(logged["cost_usd"]) <= Decimal(logged["reserved_usd"])
    assert within is (evidence == "counted")
