from typing import Any

import pytest

from pouch.domain.key_report import PouchFilter, PouchSort
from tests.api.admin.conftest import Admin


async def test_pouches_are_made_shown_changed_and_listed(admin: Admin) -> None:
    team = await admin.client.post(
        "/api/pouches", json={"name": "team", "budget": {"limit_usd": "100", "period": "week"}}
    )
    inner = await admin.client.post(
        "/api/pouches", json={"name": "agents", "pouch": team.json()["id"]}
    )
    changed = await admin.client.patch(
        f"/api/pouches/{inner.json()['id']}",
        json={"name": "bots", "budget": {"limit_usd": "1.5"}, "pouch": None},
    )

    assert team.status_code == 201
    assert team.json() == {
        "id": team.json()["id"],
        "name": "team",
        "parent": None,
        "limit_usd": "100.00",
        "spent_usd": "0.00",
        "reserved_usd": "0.00",
        "remaining_usd": "100.00",
        "period": "week",
        "time_zone": "UTC",
        "resets_at": "2026-01-19T00:00:00Z",
        "keys": 0,
        "children": 0,
    }
    assert inner.json()["parent"] == team.json()["id"]
    assert changed.json() == inner.json() | {
        "name": "bots",
        "parent": None,
        "limit_usd": "1.50",
        "remaining_usd": "1.50",
    }
    assert (await admin.client.get(f"/api/pouches/{team.json()['id']}")).json() == team.json()
    first = (await admin.client.get("/api/pouches?limit=1")).json()
    rest = (await admin.client.get(f"/api/pouches?cursor={first['next_cursor']}")).json()
    assert first["data"] == [changed.json()]
    assert rest == {"data": [team.json()], "next_cursor": None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "a/b"}, 400),
        ({"name": "team", "limit_usd": "5"}, 400),
        ({"name": "team", "pouch": "pouch_none"}, 400),
        ({}, 400),
    ],
)
async def test_a_wrong_pouch_is_refused(admin: Admin, body: dict[str, Any], status: int) -> None:
    answer = await admin.client.post("/api/pouches", json=body)

    assert answer.status_code == status
    assert (await admin.client.get("/api/pouches")).json()["data"] == []


async def test_a_pouch_cannot_be_moved_into_one_that_it_holds(admin: Admin) -> None:
    outer = (await admin.client.post("/api/pouches", json={"name": "outer"})).json()["id"]
    inner = await admin.client.post("/api/pouches", json={"name": "inner", "pouch": outer})

    answer = await admin.client.patch(f"/api/pouches/{outer}", json={"pouch": inner.json()["id"]})

    assert answer.status_code == 409


async def test_a_pouch_tells_how_many_keys_and_pouches_it_holds(admin: Admin) -> None:
    team = (await admin.client.post("/api/pouches", json={"name": "team"})).json()["id"]
    inner = await admin.client.post("/api/pouches", json={"name": "inner", "pouch": team})
    key = await admin.created(pouch=inner.json()["id"])

    shown = (await admin.client.get(f"/api/pouches/{team}")).json()
    inside = (await admin.client.get(f"/api/pouches?parent={team}")).json()

    assert (shown["keys"], shown["children"]) == (1, 1)
    assert [pouch["name"] for pouch in inside["data"]] == ["inner"]
    assert "children" not in key["pouch"]


async def test_the_wish_for_some_pouches_in_some_order_reaches_the_reports(admin: Admin) -> None:
    team = (await admin.client.post("/api/pouches", json={"name": "team"})).json()["id"]

    await admin.client.get(f"/api/pouches?q=früh&parent={team}&sort=fullest&limit=7")

    assert admin.reports.asked[-1] == (PouchFilter("früh", team, PouchSort.FULLEST), None, 7)


@pytest.mark.parametrize(
    ("question", "status"), [("sort=richest", 400), ("q=", 400), ("parent=pouch_none", 404)]
)
async def test_a_wrong_wish_for_pouches_is_refused(
    admin: Admin, question: str, status: int
) -> None:
    assert (await admin.client.get(f"/api/pouches?{question}")).status_code == status
