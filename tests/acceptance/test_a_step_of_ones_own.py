"""The step that the documentation shows works as it says."""

import re
from pathlib import Path

import httpx

from tests.fakes.gateway_process import STEPS, GatewayProcess
from tests.fakes.upstream import Upstream

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "writing-a-step.md"
GUARD = '  - {use: "guards:PLUGIN", words: [secret]}\n'


def chat(gateway: GatewayProcess, key: str, text: str) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]},
    )


def with_guard(gateway: GatewayProcess, line: str) -> dict[str, str]:
    """Put the guide's code beside the configuration and its step into the chain."""
    [code] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (gateway.folder / "guards.py").write_text(code)
    steps = STEPS.replace("  - {use: usage_tracking}\n", f"{line}  - {{use: usage_tracking}}\n")
    gateway.config.write_text(gateway.config.read_text().replace(STEPS, steps))
    return {"PYTHONPATH": str(gateway.folder)}


def test_the_step_of_the_guide_guards(own_gateway: GatewayProcess, provider: Upstream) -> None:
    assert GUARD.strip() in GUIDE.read_text()
    own_gateway.start(with_guard(own_gateway, GUARD))
    key = own_gateway.create_key("app", "1")
    refused = chat(own_gateway, key, "My SECRET plan")
    assert refused.status_code == 403
    assert "may not leave" in refused.json()["error"]["message"]
    assert chat(own_gateway, key, "My plan").status_code == 200
    assert len(provider.calls) == 1
    assert [entry["evidence"] for entry in own_gateway.settled(2)] == ["provider_usage", "not_sent"]
    steps = own_gateway.admin.get("/api/pipeline").json()["data"]
    guard = next(step for step in steps if step["use"] == "guards:PLUGIN")
    assert guard["config"] == {"words": ["secret"]}


def test_a_mistake_in_its_configuration_has_an_address(own_gateway: GatewayProcess) -> None:
    environ = with_guard(own_gateway, '  - {use: "guards:PLUGIN", word: secret}\n')
    checked = own_gateway.pouch("check", environ=environ)
    assert checked.code == 1
    assert re.search(r"\.yaml:\d+: middlewares\[3\]\.word: ", checked.output)
    assert re.search(r"\.yaml:\d+: middlewares\[3\]\.words: ", checked.output)
