"""The list of requests at work."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pouch import bootstrap
from pouch.domain.ledger import Hold, RequestFacts
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from tests.fakes.running_gateway import PATIENCE_S, Running, running
from tests.fakes.upstream import Call


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as service:
        yield service


@pytest.fixture
async def sibling(service: Running, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """The store, as another process has it open."""
    store = await bootstrap.open_store(bootstrap.load_config(tmp_path / "pouch.yaml"))
    yield store
    await store.close()


async def test_nothing_is_at_work_where_nobody_asks(service: Running) -> None:
    assert (await service.admin.get("/api/live")).json() == {"data": [], "next_cursor": None}


async def test_a_free_request_is_listed_too_and_has_no_reservation(service: Running) -> None:
    asking = asyncio.ensure_future(service.post(model="mock", mock={"delay_s": 30}))
    async with asyncio.timeout(PATIENCE_S):
        while not (listed := (await service.admin.get("/api/live")).json()["data"]):
            await asyncio.sleep(0.01)
    [live] = listed
    assert (live["model"], live["provider"], live["key_name"]) == ("mock", "mock", "app")
    assert (live["reserved_usd"], live["tokens_estimate"]) == (None, None)
    assert live["cost_estimate_usd"] == "0.00"
    assert live["age_s"] >= 0
    await service.admin.post(f"/api/live/{live['id']}/stop")
    assert (await asking).status_code == 503
    await service.idle()


async def test_of_another_process_that_is_known_which_the_ledger_knows(
    service: Running, sibling: SqliteStore
) -> None:
    facts = RequestFacts(
        request_id="req_elsewhere",
        key_id=service.key.id,
        model="gpt-4o-mini",
        provider="scripted",
        endpoint="/v1/chat/completions",
        stream=True,
        started_at=service.gateway.clock.now(),
        price_source="test",
    )
    pouch_id = service.key.pouches[0].id
    await sibling.ledger.reserve(Hold("res_1", pouch_id, Money(5), Money(5), facts))
    [live] = (await service.admin.get("/api/live")).json()["data"]
    assert (live["id"], live["here"], live["key_name"]) == ("req_elsewhere", False, "app")
    assert live["reserved_usd"] == "0.000000005"
    unknown = ("phase", "stream", "bytes_relayed", "tokens_estimate", "cost_estimate_usd")
    assert {live[name] for name in unknown} == {None}


async def test_a_request_of_this_process_is_listed_once(service: Running) -> None:
    async def says_nothing(call: Call) -> None:
        await call.gone.wait()

    service.provider.script = says_nothing
    asking = asyncio.ensure_future(service.post())
    async with asyncio.timeout(PATIENCE_S):
        while not service.provider.calls:
            await asyncio.sleep(0.01)
    [live] = (await service.admin.get("/api/live")).json()["data"]
    assert (live["here"], live["reserved_usd"] is not None) == (True, True)
    await service.admin.post(f"/api/live/{live['id']}/stop")
    await asking
    await service.idle()


async def test_the_list_and_the_stop_are_for_administrators(service: Running) -> None:
    headers = {"authorization": f"Bearer {service.secret}"}
    assert (await service.admin.get("/api/live", headers=headers)).status_code == 401
    refusal = await service.admin.post("/api/live/req_1/stop", headers=headers)
    assert refusal.status_code == 401
