"""What a caller can ask of the gateway for itself."""

from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Upstream

ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Tell me a story."}],
}


def post(
    gateway: GatewayProcess, key: str, ceiling: str | None = None, **body: Any
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    if ceiling is not None:
        headers["x-pouch-max-cost"] = ceiling
    return httpx.post(
        f"{gateway.url}/v1/chat/completions", headers=headers, json={**ASK, **body}, timeout=30
    )


def test_a_ceiling_on_the_cost_lowers_the_bound_that_is_sent(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("ceiling", "5")
    answer = post(gateway, key, "0.0001")
    assert answer.status_code == 200
    # 12 tokens in at 0.15 USD a million leave 0.0000982, which is 163 tokens out at 0.60.
    assert provider.calls[0].body["max_tokens"] == 163
    assert answer.headers["x-pouch-max-output-tokens"] == "163"
    assert answer.headers["x-pouch-reserved"] == "0.0000996"


def test_a_ceiling_that_is_too_low_refuses_with_what_it_would_take(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    answer = post(gateway, gateway.create_key("low ceiling", "5"), "0.000001")
    assert answer.status_code == 402
    assert answer.headers["x-should-retry"] == "false"
    error = answer.json()["error"]
    assert error["code"] == "max_cost_exceeded"
    assert error["max_cost"] == "0.000001"
    assert error["required"] == "0.0000114"
    assert not provider.calls


@pytest.mark.parametrize("ceiling", ["-1", "free", "1e99", "NaN"])
def test_a_senseless_ceiling_is_a_400(
    gateway: GatewayProcess, provider: Upstream, ceiling: str
) -> None:
    answer = post(gateway, gateway.create_key(f"senseless {ceiling}".replace(".", "")), ceiling)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "x-pouch-max-cost"
    assert not provider.calls


def quote(gateway: GatewayProcess, key: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(
        f"{gateway.url}/v1/quote",
        headers={"authorization": f"Bearer {key}"},
        json={**ASK, **body},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    quoted = answer.json()
    assert isinstance(quoted, dict)
    return quoted


def test_a_quote_tells_the_most_without_reserving_or_sending(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("quoted", "5")
    quoted = quote(gateway, key, max_tokens=1000)
    assert quoted["admitted"] is True
    assert quoted["refusal"] is None
    assert quoted["price"] == {
        "source": quoted["price"]["source"],
        "input": "0.15",
        "output": "0.60",
    }
    assert (quoted["input_tokens"], quoted["max_output_tokens"]) == (12, 1000)
    assert quoted["likely_usd"] is None
    assert quoted["pouch"]["remaining_usd"] == "5.00"
    assert not provider.calls
    assert gateway.key("quoted")["pouch"]["reserved_usd"] == "0.00"
    asked = post(gateway, key, max_tokens=1000)
    assert asked.headers["x-pouch-reserved"] == quoted["most_usd"]


def test_a_quote_learns_what_is_likely_from_what_came_before(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("learned", "5")
    assert post(gateway, key).status_code == 200
    gateway.settled(1, "learned")
    # 12 tokens in at 0.15 USD a million, and the 20 of the answer before at 0.60.
    assert quote(gateway, key)["likely_usd"] == "0.0000138"


def test_a_quote_says_why_a_request_would_not_be_admitted_and_which_pouch_binds(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    team = gateway.admin.post(
        "/api/pouches", json={"name": "small team", "budget": {"limit_usd": "0.0001"}}
    ).json()
    key = gateway.create_key("member", "5", pouch=team["id"])
    quoted = quote(gateway, key, max_tokens=5000)
    assert quoted["admitted"] is False
    assert quoted["most_usd"] is None
    assert quoted["refusal"]["code"] == "budget_exceeded"
    assert quoted["refusal"]["largest_max_output_tokens"] == 163
    assert quoted["pouch"] == {
        "id": team["id"],
        "name": "small team",
        "limit_usd": "0.0001",
        "remaining_usd": "0.0001",
    }
    assert quote(gateway, key)["max_output_tokens"] == 163


@pytest.mark.parametrize(("model", "code"), [("unpriced", "model_not_priced"), ("mock", None)])
def test_a_quote_of_an_unpriced_and_of_a_free_model(
    gateway: GatewayProcess, provider: Upstream, model: str, code: str | None
) -> None:
    quoted = quote(gateway, gateway.create_key(f"quoted {model}", "1"), model=model)
    if code is None:
        assert (quoted["admitted"], quoted["most_usd"], quoted["likely_usd"]) == (
            True,
            "0.00",
            "0.00",
        )
    else:
        assert quoted["refusal"]["code"] == code


def test_a_quote_of_what_is_no_request_is_a_400(gateway: GatewayProcess) -> None:
    key = gateway.create_key("misquoted")
    answer = httpx.post(
        f"{gateway.url}/v1/quote", headers={"authorization": f"Bearer {key}"}, json={"model": "x"}
    )
    assert answer.status_code == 400
