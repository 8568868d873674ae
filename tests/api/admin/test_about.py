"""What is told of the installation, and what the providers and steps of it do."""

import os
import platform
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pouch.api.admin.pipeline import percentile_ms
from tests.fakes.running_gateway import Running, running
from tests.fakes.upstream import Call


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.delenv("POUCH_ADMIN_TOKEN", raising=False)
    async with running(tmp_path) as service:
        yield service


async def test_the_installation_is_told_without_its_folders(
    service: Running, tmp_path: Path
) -> None:
    told = await service.admin.get("/api/about")
    about = told.json()
    store = about.pop("store")
    assert about.pop("started_at").endswith("Z")
    assert about.pop("version")
    assert about == {
        "python": platform.python_version(),
        "workers": 1,
        "worker_pid": os.getpid(),
        "admin_token": "store",
        "transport": "auto",
        "config_file": "pouch.yaml",
    }
    assert (store["kind"], store["path"], store["synchronous"]) == ("sqlite", "pouch.db", "full")
    assert store["bytes"] >= (tmp_path / "pouch.db").stat().st_size > 0
    assert store["schema"] >= 2
    assert str(tmp_path) not in told.text


async def probed(service: Running, name: str) -> dict[str, Any]:
    answer = await service.admin.post(f"/api/providers/{name}/test")
    assert answer.status_code == 200
    assert "sk-upstream-secret" not in answer.text
    result = answer.json()
    assert isinstance(result, dict)
    return result


async def test_a_provider_is_asked_for_its_models_with_its_secret(service: Running) -> None:
    result = await probed(service, "scripted")
    assert (result["ok"], result["status"]) == (True, 200)
    assert result["latency_ms"] >= 0
    [call] = service.provider.calls
    assert (call.path, call.body) == ("/v1/models", {})
    assert call.headers["authorization"] == "Bearer sk-upstream-secret"


async def test_a_provider_that_refuses_the_secret_is_told_without_quoting_it(
    service: Running,
) -> None:
    async def refuse(call: Call) -> None:
        await call.whole(b'{"error": "wrong: sk-upstream-secret"}', status=401)

    service.provider.script = refuse
    result = await probed(service, "scripted")
    assert (result["ok"], result["status"]) == (False, 401)
    assert "refuses the secret" in result["message"]


async def test_the_mock_answers_by_itself(service: Running) -> None:
    result = await probed(service, "mock")
    assert (result["ok"], result["status"]) == (True, 200)


async def test_a_provider_that_there_is_not_cannot_be_tested(service: Running) -> None:
    assert (await service.admin.post("/api/providers/none/test")).status_code == 404


async def test_the_steps_tell_their_times_and_refusals(service: Running) -> None:
    before = (await service.admin.get("/api/pipeline")).json()
    assert (before["over"], before["since"]) == (0, None)
    assert {step["p50_ms"] for step in before["data"]} == {None}
    await service.post()
    await service.post(model="unpriced")
    await service.idle()
    after = (await service.admin.get("/api/pipeline")).json()
    assert after["over"] == 2
    steps = {step["name"]: step for step in after["data"]}
    assert list(steps) == ["rate_limit", "budget_reset", "key_validation", "usage_tracking", "mock"]
    assert [steps["usage_tracking"][field] for field in ("calls", "refusals")] == [2, 1]
    assert steps["usage_tracking"]["reserves"] is True
    assert (steps["mock"]["enabled"], steps["mock"]["calls"], steps["mock"]["p50_ms"]) == (
        False,
        0,
        None,
    )
    outer, inner = steps["rate_limit"], steps["usage_tracking"]
    assert outer["p95_ms"] >= outer["p50_ms"] > 0
    assert outer["p95_ms"] >= inner["p95_ms"] >= inner["own_p50_ms"]
    assert outer["own_p50_ms"] < outer["p95_ms"]


@pytest.mark.parametrize(("percent", "expected"), [(50, 2000.0), (95, 4000.0), (1, 1000.0)])
def test_a_percentile_is_one_of_the_times(percent: int, expected: float) -> None:
    assert percentile_ms([1, 2, 3, 4], percent) == expected


def test_of_no_times_there_is_no_percentile() -> None:
    assert percentile_ms([], 50) is None
