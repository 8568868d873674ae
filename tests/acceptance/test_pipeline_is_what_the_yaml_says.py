"""Reordering and disabling steps in the YAML changes what happens."""

from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import client_of
from tests.fakes.gateway_process import STEPS, GatewayProcess
from tests.fakes.upstream import Upstream

REORDERED = """
  - {use: key_validation}
  - {use: rate_limit, requests: 1, per_s: 60}
  - {use: budget_reset, enabled: false}
  - {use: usage_tracking}
  - {use: mock, reply: "From the step."}
"""


def chat(gateway: GatewayProcess, key: str, model: str) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={"model": model, "messages": [{"role": "user", "content": "Hello"}]},
    )


def order_of(gateway: GatewayProcess) -> list[tuple[str, bool]]:
    steps = gateway.admin.get("/api/pipeline").json()["data"]
    return [(step["use"], step["enabled"]) for step in steps]


def test_the_order_is_read_back_and_felt(own_gateway: GatewayProcess, provider: Upstream) -> None:
    own_gateway.start()
    assert order_of(own_gateway) == [
        ("rate_limit", True),
        ("budget_reset", True),
        ("key_validation", True),
        ("usage_tracking", True),
        ("mock", False),
    ]
    picky: Any = {"models": ["mock"], "rate_limit": {"requests": 1, "per_s": 60}}
    key = own_gateway.create_key("app", **picky)
    # The rate limit comes first: a refusal further in uses it up.
    assert chat(own_gateway, key, "gpt-4o-mini").status_code == 403
    assert chat(own_gateway, key, "mock").status_code == 429
    assert own_gateway.stop() == 0

    own_gateway.config.write_text(own_gateway.config.read_text().replace(STEPS, REORDERED))
    own_gateway.start()
    assert order_of(own_gateway) == [
        ("key_validation", True),
        ("rate_limit", True),
        ("budget_reset", False),
        ("usage_tracking", True),
        ("mock", True),
    ]
    # Now the key is validated first: what that refuses does not count.
    assert chat(own_gateway, key, "gpt-4o-mini").status_code == 403
    assert chat(own_gateway, key, "mock").status_code == 200
    assert chat(own_gateway, key, "mock").status_code == 429


def test_the_mock_step_answers_in_the_providers_place_at_no_cost(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    own_gateway.config.write_text(own_gateway.config.read_text().replace(STEPS, REORDERED))
    own_gateway.start()
    client = client_of(own_gateway, own_gateway.create_key("app", "1"))
    answer = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}]
    )
    assert answer.choices[0].message.content == "From the step."
    assert not provider.calls
    [logged] = own_gateway.settled(1)
    assert (logged["evidence"], logged["cost_usd"]) == ("not_sent", "0.00")
    assert own_gateway.key()["pouch"]["spent_usd"] == "0.00"


@pytest.mark.parametrize("step", ["  - {use: usage_tracking}\n"])
def test_a_chain_that_would_not_reserve_does_not_start(
    own_gateway: GatewayProcess, step: str
) -> None:
    text = own_gateway.config.read_text()
    own_gateway.config.write_text(text.replace(step, step.replace("}", ", enabled: false}")))
    checked = own_gateway.pouch("check")
    assert checked.code == 1
    assert "usage_tracking" in checked.output
    with pytest.raises(RuntimeError, match="allow_unmetered"):
        own_gateway.start()
