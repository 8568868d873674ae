"""An administrator gives back what a request cost, and puts a balance right."""

from decimal import Decimal
from typing import Any

import httpx

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Upstream

ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 100,
}


def spend(gateway: GatewayProcess, name: str, **more: Any) -> dict[str, Any]:
    """The one request of a new key, as it is logged."""
    key = gateway.create_key(name, "1", **more)
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"
    assert httpx.post(url, headers=headers, json=ASK, timeout=30).status_code == 200
    [logged] = gateway.settled(1, name)
    return logged


def test_a_refunded_request_has_cost_nothing_anywhere(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    team = gateway.admin.post("/api/pouches", json={"name": "refund team"}).json()["id"]
    logged = spend(gateway, "refund", pouch=team)
    assert Decimal(logged["cost_usd"]) > 0
    refund = f"/api/requests/{logged['id']}/refund"

    part = gateway.admin.post(refund, json={"reason": "slow", "amount_usd": "0.000001"})
    rest = gateway.admin.post(refund, json={"reason": "wrong"})
    again = gateway.admin.post(refund, json={"reason": "wrong"})

    assert (part.status_code, part.json()["refunded_usd"]) == (200, "0.000001")
    assert rest.json() == logged | {"refunded_usd": logged["cost_usd"]}
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    story = gateway.admin.get(f"/api/requests/{logged['id']}").json()
    assert {name: story[name] for name in rest.json()} == rest.json()
    assert [refund["reason"] for refund in story["refunds"]] == ["slow", "wrong"]
    assert [entry["kind"] for entry in story["attempts"][0]["entries"]] == [
        *["reserve"] * 2,
        *["settle"] * 2,
        *["refund"] * 4,
    ]
    own = gateway.key("refund")["pouch"]["id"]
    for pouch in (own, team):
        shown = gateway.admin.get(f"/api/pouches/{pouch}").json()
        assert (shown["spent_usd"], shown["reserved_usd"]) == ("0.00", "0.00")
        entries = gateway.admin.get(f"/api/pouches/{pouch}/entries").json()["data"]
        assert [(e["kind"], e["reason"]) for e in entries[:2]] == [
            ("refund", "wrong"),
            ("refund", "slow"),
        ]
        assert sum(Decimal(e["spent_usd"]) for e in entries) == 0
        assert {e["request"] for e in entries} == {logged["id"]}
    assert gateway.pouch("verify").code == 0


def test_what_an_earlier_period_spent_makes_no_room_in_this_one(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    logged = spend(gateway, "earlier")
    key = gateway.key("earlier")
    gateway.admin.post(f"/api/keys/{key['id']}/reset")

    answer = gateway.admin.post(f"/api/requests/{logged['id']}/refund", json={"reason": "late"})

    assert answer.json()["refunded_usd"] == logged["cost_usd"]
    entries = gateway.admin.get(f"/api/pouches/{key['pouch']['id']}/entries").json()["data"]
    assert (entries[0]["kind"], entries[0]["spent_usd"]) == ("refund", "0.00")
    assert gateway.key("earlier")["pouch"]["spent_usd"] == "0.00"
    assert gateway.pouch("verify").code == 0


def test_an_adjusted_pouch_binds_as_if_it_had_spent_that(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    secret = gateway.create_key("adjusted", "1")
    adjust = f"/api/pouches/{gateway.key('adjusted')['pouch']['id']}/adjust"
    booked = gateway.admin.post(adjust, json={"spent_usd": "1", "reason": "an invoice"})
    assert (booked.status_code, booked.json()["remaining_usd"]) == (200, "0.00")
    url, headers = f"{gateway.url}/v1/chat/completions", {"authorization": f"Bearer {secret}"}
    assert httpx.post(url, headers=headers, json=ASK, timeout=30).status_code == 402

    for spent, status in (("0.01", 409), ("-1.01", 409), ("-1", 200)):
        body = {"spent_usd": spent, "reason": "an error"}
        assert gateway.admin.post(adjust, json=body).status_code == status

    assert httpx.post(url, headers=headers, json=ASK, timeout=30).status_code == 200
    assert gateway.pouch("verify").code == 0
