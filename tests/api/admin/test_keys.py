from typing import Any

import pytest

from pouch.domain.money import Money
from tests.api.admin.conftest import Admin

KEY_FIELDS = {
    "id",
    "name",
    "prefix",
    "status",
    "created_at",
    "last_used_at",
    "frozen_reason",
    "frozen_until",
    "parent_key",
    "expires_at",
    "auto_renew",
    "models",
    "provider",
    "rate_limit",
    "stream_cost",
    "pouch",
}


LATER = "2027-01-01T00:00:00Z"


async def test_a_created_key_is_answered_with_its_secret(admin: Admin) -> None:
    parent = (await admin.client.post("/api/pouches", json={"name": "team"})).json()["id"]

    answer = await admin.client.post(
        "/api/keys",
        json={
            "name": "ci-bot",
            "budget": {"limit_usd": "5.00", "period": "month"},
            "pouch": parent,
            "models": ["gpt-4o-mini", "openai/*"],
            "provider": "mock",
            "rate_limit": {"requests": 60, "per_s": 60},
            "expires_at": LATER,
            "auto_renew": False,
        },
    )

    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    key = answer.json()
    secret = key.pop("key")
    assert secret.startswith("pouch-")
    assert len(secret) == 49
    assert key == {
        "id": key["id"],
        "name": "ci-bot",
        "prefix": secret[:12],
        "status": "active",
        "created_at": "2026-01-15T12:00:00Z",
        "last_used_at": None,
        "frozen_reason": None,
        "frozen_until": None,
        "expires_at": LATER,
        "auto_renew": False,
        "models": ["gpt-4o-mini", "openai/*"],
        "provider": "mock",
        "rate_limit": {"requests": 60, "per_s": 60},
        "stream_cost": False,
        "parent_key": None,
        "pouch": {
            "id": key["pouch"]["id"],
            "name": "ci-bot",
            "parent": parent,
            "limit_usd": "5.00",
            "spent_usd": "0.00",
            "reserved_usd": "0.00",
            "remaining_usd": "5.00",
            "period": "month",
            "time_zone": "UTC",
            "resets_at": "2026-02-01T00:00:00Z",
        },
    }
    assert (await admin.keys.authenticate(secret)).id == key["id"]


async def test_a_key_without_a_budget_has_a_pouch_without_a_limit(admin: Admin) -> None:
    key = await admin.created()

    pouch = key["pouch"]
    assert pouch.pop("id")
    assert pouch == {
        "name": "ci-bot",
        "parent": None,
        "limit_usd": None,
        "spent_usd": "0.00",
        "reserved_usd": "0.00",
        "remaining_usd": None,
        "period": None,
        "time_zone": None,
        "resets_at": None,
    }


@pytest.mark.parametrize(
    ("budget", "period", "resets_at"),
    [
        ({"period": "day"}, "day", "2026-01-16T00:00:00Z"),
        ({"period": "week"}, "week", "2026-01-19T00:00:00Z"),
        ({"period": "day", "time_zone": "Asia/Tokyo"}, "day", "2026-01-15T15:00:00Z"),
        ({"period": {"seconds": 3600}}, {"seconds": 3600}, "2026-01-15T13:00:00Z"),
        ({"period": None}, None, None),
    ],
)
async def test_a_budget_starts_afresh_by_its_period(
    admin: Admin, budget: dict[str, Any], period: object, resets_at: str | None
) -> None:
    pouch = (await admin.created(budget={"limit_usd": "5", **budget}))["pouch"]

    assert pouch["period"] == period
    assert pouch["resets_at"] == resets_at
    calendar = isinstance(period, str)
    assert pouch["time_zone"] == (budget.get("time_zone", "UTC") if calendar else None)
    assert pouch["limit_usd"] == "5.00"


@pytest.mark.parametrize(
    ("given", "shown"),
    [(5, "5.00"), (0, "0.00"), ("0.000000001", "0.000000001"), ("4611686018", "4611686018.00")],
)
async def test_money_is_exact(admin: Admin, given: object, shown: str) -> None:
    assert (await admin.created(budget={"limit_usd": given}))["pouch"]["limit_usd"] == shown


async def test_keys_are_listed_newest_first_without_secrets(admin: Admin) -> None:
    made = [await admin.created(name=f"key {n}") for n in range(3)]

    answer = (await admin.client.get("/api/keys")).json()

    assert set(answer) == {"data", "next_cursor"}
    assert answer["next_cursor"] is None
    assert [key["name"] for key in answer["data"]] == ["key 2", "key 1", "key 0"]
    assert all(set(key) == KEY_FIELDS for key in answer["data"])
    assert not any(key["key"] in str(answer) for key in made)


async def test_pages_follow_each_other_without_gap_or_overlap(admin: Admin) -> None:
    for n in range(5):
        await admin.created(name=f"key {n}")

    names, cursor = [], None
    for _ in range(3):
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await admin.client.get("/api/keys", params=query)).json()
        names += [key["name"] for key in page["data"]]
        cursor = page["next_cursor"]

    assert names == ["key 4", "key 3", "key 2", "key 1", "key 0"]
    assert cursor is None


async def test_one_key_is_shown(admin: Admin) -> None:
    key = await admin.created()
    del key["key"]

    assert (await admin.client.get(f"/api/keys/{key['id']}")).json() == key


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/rotate"),
        ("POST", "/reset"),
    ],
)
async def test_a_key_that_does_not_exist_is_not_found(admin: Admin, method: str, path: str) -> None:
    body = b'{"disabled": true}' if method == "PATCH" else b""

    answer = await admin.client.request(method, f"/api/keys/key_none{path}", content=body)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


async def test_a_patch_changes_what_it_names_and_leaves_the_rest(admin: Admin) -> None:
    key = await admin.created(
        budget={"limit_usd": "5", "period": "month"}, models=["gpt-4o"], provider="mock"
    )
    del key["key"]

    answer = await admin.client.patch(
        f"/api/keys/{key['id']}",
        json={"name": "renamed", "disabled": True, "budget": {"limit_usd": "7.50"}},
    )

    assert answer.status_code == 200
    assert answer.json() == key | {
        "name": "renamed",
        "status": "disabled",
        "pouch": key["pouch"] | {"name": "renamed", "limit_usd": "7.50", "remaining_usd": "7.50"},
    }


async def test_null_clears_what_an_absent_field_leaves(admin: Admin) -> None:
    key = await admin.created(
        budget={"limit_usd": "5", "period": "month"},
        models=["gpt-4o"],
        provider="mock",
        rate_limit={"requests": 5},
        expires_at=LATER,
    )
    fields = ["budget", "models", "provider", "rate_limit", "expires_at", "pouch"]

    untouched = (await admin.client.patch(f"/api/keys/{key['id']}", json={})).json()
    cleared = await admin.client.patch(f"/api/keys/{key['id']}", json=dict.fromkeys(fields))

    assert untouched | {"key": key["key"]} == key
    shown = cleared.json()
    assert [shown[name] for name in ("models", "provider", "rate_limit", "expires_at")] == [
        None
    ] * 4
    assert shown["pouch"]["limit_usd"] is None
    assert shown["pouch"]["period"] is None
    assert shown["pouch"]["resets_at"] is None


async def test_a_pouch_cannot_lie_inside_itself(admin: Admin) -> None:
    key = await admin.created()
    own = key["pouch"]["id"]

    answer = await admin.client.patch(f"/api/keys/{key['id']}", json={"pouch": own})

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"


async def test_a_revoked_key_is_gone_and_its_secret_is_refused(admin: Admin) -> None:
    key = await admin.created()
    assert await admin.keys.authenticate(key["key"])

    answer = await admin.client.delete(f"/api/keys/{key['id']}")

    assert answer.status_code == 204
    assert answer.content == b""
    assert admin.keys.cached(key["key"]) is None
    assert (await admin.client.get(f"/api/keys/{key['id']}")).status_code == 404
    assert (await admin.client.delete(f"/api/keys/{key['id']}")).status_code == 404


async def test_a_rotated_key_has_both_secrets_for_the_grace(admin: Admin) -> None:
    key = await admin.created()

    answer = await admin.client.post(f"/api/keys/{key['id']}/rotate", json={"grace_s": 86400})

    assert answer.status_code == 201
    rotated = answer.json()
    assert set(rotated) == KEY_FIELDS | {"key"}
    assert rotated["key"] != key["key"]
    assert rotated["prefix"] == rotated["key"][:12]
    assert (await admin.keys.authenticate(key["key"])).id == key["id"]
    assert (await admin.keys.authenticate(rotated["key"])).id == key["id"]


async def test_a_reset_zeroes_what_was_spent(admin: Admin) -> None:
    key = await admin.created(budget={"limit_usd": "5"})
    own = key["pouch"]["id"]
    admin.store.spend(own, Money.usd("5"))
    capped = (await admin.client.get(f"/api/keys/{key['id']}")).json()

    answer = await admin.client.post(f"/api/keys/{key['id']}/reset")

    assert capped["status"] == "capped"
    assert capped["pouch"]["remaining_usd"] == "0.00"
    assert answer.status_code == 200
    assert set(answer.json()) == KEY_FIELDS
    assert answer.json()["status"] == "active"
    assert answer.json()["pouch"]["spent_usd"] == "0.00"
    assert admin.ledger.resets == [(own, "administrator")]
