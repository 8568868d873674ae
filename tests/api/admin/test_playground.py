"""A request in the name of a key goes the way of that key's own requests."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pouch.service.key_terms import BudgetChange, KeyChange
from tests.fakes.gateway_process import ADMIN_TOKEN
from tests.fakes.running_gateway import ASK, Running, running


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as service:
        yield service


async def play(service: Running, path: str = "", **fields: Any) -> httpx.Response:
    body = {"key": service.key.id, "request": {**ASK, **fields}}
    return await service.admin.post(f"/api/playground{path}", json=body)


async def log(service: Running) -> list[dict[str, Any]]:
    await service.idle()
    data = (await service.admin.get("/api/requests")).json()["data"]
    assert isinstance(data, list)
    return data


async def test_the_answer_and_the_charge_are_those_of_the_key_itself(service: Running) -> None:
    played, asked = await play(service), await service.post()
    assert played.status_code == asked.status_code == 200
    assert played.json() == asked.json()
    assert set(played.headers) == set(asked.headers)
    theirs, ours = await log(service)
    assert ours["endpoint"] == "/api/playground"
    for same in ("key", "cost_usd", "reserved_usd", "evidence", "usage"):
        assert ours[same] == theirs[same]
    [first, second] = service.provider.calls
    assert first.body == second.body


async def test_a_stream_ends_with_its_cost_whether_the_key_asks_for_that_or_not(
    service: Running,
) -> None:
    assert not service.key.stream_cost
    played = await play(service, stream=True)
    assert "data: [DONE]" in played.text
    [logged] = await log(service)
    assert played.text.endswith(f": pouch cost={logged['cost_usd']}\n\n")


async def test_numbers_and_unknown_fields_go_upstream_as_they_were_written(
    service: Running,
) -> None:
    request = (
        '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], '
        '"max_tokens": 10, "seed": 12345678901234567890, "top_p": 1.0}'
    )
    body = f'{{"key": "{service.key.id}", "request": {request}}}'
    played = await service.admin.post("/api/playground", content=body.encode())
    assert played.status_code == 200
    assert service.provider.calls[0].body["seed"] == 12345678901234567890


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (KeyChange(disabled=True), 403, "key_disabled"),
        (KeyChange(models=("other",)), 403, "model_not_allowed"),
    ],
)
async def test_what_the_key_may_not_do_is_refused(
    service: Running, change: KeyChange, status: int, code: str
) -> None:
    await service.gateway.keys.change(service.key.id, change)
    refusal = await play(service)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (status, code)
    assert service.provider.calls == []


async def test_an_expired_key_is_refused(service: Running) -> None:
    soon = service.gateway.clock.now() + timedelta(milliseconds=50)
    await service.gateway.keys.change(service.key.id, KeyChange(expires_at=soon))
    while service.gateway.clock.now() < soon:
        await asyncio.sleep(0.01)
    assert (await play(service)).json()["error"]["code"] == "key_expired"


async def test_a_budget_that_is_used_up_is_refused(service: Running) -> None:
    nothing = await service.admin.patch(
        f"/api/keys/{service.key.id}", json={"budget": {"limit_usd": "0"}}
    )
    assert nothing.status_code == 200
    refusal = await play(service)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (402, "budget_exceeded")


async def test_a_key_that_there_is_not_is_told_apart(service: Running) -> None:
    await service.gateway.keys.revoke(service.key.id)
    refusal = await play(service)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "nonsense",
        '{"key": "k"}',
        '{"key": 1, "request": {}}',
        '{"request": {}}',
        '{"key": "k", "request": {}, "more": 1}',
        "[" * 100_000,
    ],
)
async def test_a_body_that_is_no_request_of_a_key_is_refused(service: Running, body: str) -> None:
    refusal = await service.admin.post("/api/playground", content=body.encode())
    assert (refusal.status_code, refusal.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_request_that_is_no_chat_is_refused_as_such(service: Running) -> None:
    body = {"key": service.key.id, "request": {"model": "gpt-4o-mini"}}
    refusal = await service.admin.post("/api/playground", json=body)
    assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, "messages")


async def test_a_page_of_another_site_cannot_spend(service: Running) -> None:
    async with httpx.AsyncClient(base_url=service.url) as browser:
        assert (await browser.post("/api/session", json={"token": ADMIN_TOKEN})).status_code == 200
        body = {"key": service.key.id, "request": ASK}
        foreign = {"origin": "https://elsewhere.example"}
        refusal = await browser.post("/api/playground", json=body, headers=foreign)
        assert refusal.status_code == 403
        own = {"origin": service.url}
        assert (await browser.post("/api/playground", json=body, headers=own)).status_code == 200
    assert len(service.provider.calls) == 1
    await service.idle()


async def test_a_quote_says_what_it_would_cost_and_reserves_nothing(service: Running) -> None:
    quoted = (await play(service, "/quote")).json()
    assert (quoted["object"], quoted["admitted"], quoted["refusal"]) == ("quote", True, None)
    assert float(quoted["most_usd"]) > 0
    assert quoted["price"].pop("source").startswith("pouch.yaml:")
    assert quoted["price"] == {"input": "0.15", "output": "0.60"}
    assert service.provider.calls == []
    assert await log(service) == []


async def test_a_quote_says_why_it_would_be_refused(service: Running) -> None:
    budget = BudgetChange(limit=None)
    await service.gateway.keys.change(service.key.id, KeyChange(disabled=True, budget=budget))
    quoted = (await play(service, "/quote")).json()
    assert (quoted["admitted"], quoted["refusal"]["code"]) == (False, "key_disabled")
