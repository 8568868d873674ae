from dataclasses import replace
from typing import Any

import pytest

from pouch.domain.errors import ConflictError, NotFoundError
from pouch.domain.money import Money
from pouch.domain.reports import LedgerEntry
from tests.api.admin.conftest import Admin
from tests.api.admin.test_requests import LOGGED, SHOWN
from tests.fakes.clock import START

REFUND = "/api/requests/req_1/refund"
ENTRY = LedgerEntry(7, "req_1", "refund", Money(-31_500), Money(0), "wrong answer", START)


async def a_pouch(admin: Admin) -> str:
    made = await admin.client.post("/api/pouches", json={"name": "team"})
    return str(made.json()["id"])


@pytest.mark.parametrize(
    ("asked", "amount"), [({}, None), ({"amount_usd": "0.00001"}, Money(10_000))]
)
async def test_a_refund_answers_with_the_request(
    admin: Admin, asked: dict[str, str], amount: Money | None
) -> None:
    admin.reports.logged = [replace(LOGGED, refunded=Money(31_500))]

    answer = await admin.client.post(REFUND, json={"reason": "wrong answer", **asked})

    assert answer.status_code == 200
    assert answer.json() == SHOWN | {"refunded_usd": "0.0000315"}
    assert admin.ledger.refunds == [("req_1", amount, "wrong answer")]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "r", "amount_usd": "0"}, "amount_usd"),
        ({"reason": "r", "amount_usd": "-1"}, "amount_usd"),
        ({"reason": "r", "amount_usd": 0.5}, "amount_usd"),
        ({"reason": "r", "amount": "1"}, "amount"),
    ],
)
async def test_a_wrong_refund_is_refused(admin: Admin, body: dict[str, Any], param: str) -> None:
    answer = await admin.client.post(REFUND, json=body)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert admin.ledger.refunds == []


async def test_what_the_ledger_refuses_is_a_409_or_a_404(admin: Admin) -> None:
    own = await a_pouch(admin)
    for refusal, status in ((ConflictError("no"), 409), (NotFoundError("no"), 404)):
        admin.ledger.refusal = refusal
        answer = await admin.client.post(REFUND, json={"reason": "r"})
        assert answer.status_code == status
    admin.ledger.refusal = ConflictError("no")
    body = {"reason": "r", "spent_usd": "1"}
    assert (await admin.client.post(f"/api/pouches/{own}/adjust", json=body)).status_code == 409


async def test_an_adjustment_answers_with_the_pouch(admin: Admin) -> None:
    own = await a_pouch(admin)

    answer = await admin.client.post(
        f"/api/pouches/{own}/adjust", json={"spent_usd": "1.50", "reason": "an invoice"}
    )
    back = await admin.client.post(
        f"/api/pouches/{own}/adjust", json={"spent_usd": "-0.5", "reason": "less"}
    )

    assert (answer.status_code, answer.json()["spent_usd"]) == (200, "1.50")
    assert back.status_code == 200
    assert admin.ledger.adjustments == [
        (own, Money(1_500_000_000), "an invoice"),
        (own, Money(-500_000_000), "less"),
    ]


@pytest.mark.parametrize("spent", ["0", "-0.00", 1, -1, 1.5, "1e3", "0.0000000001", None, "+1"])
async def test_an_adjustment_is_a_decimal_string_that_is_not_zero(
    admin: Admin, spent: object
) -> None:
    own = await a_pouch(admin)
    answer = await admin.client.post(
        f"/api/pouches/{own}/adjust", json={"spent_usd": spent, "reason": "r"}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "spent_usd")
    assert admin.ledger.adjustments == []


async def test_the_entries_of_a_pouch_come_in_pages(admin: Admin) -> None:
    own = await a_pouch(admin)
    admin.reports.movements = [ENTRY, replace(ENTRY, id=5)]

    answer = await admin.client.get(f"/api/pouches/{own}/entries?limit=1&cursor=9")

    assert answer.json() == {
        "data": [
            {
                "id": "7",
                "kind": "refund",
                "request": "req_1",
                "spent_usd": "-0.0000315",
                "reserved_usd": "0.00",
                "reason": "wrong answer",
                "created_at": "2026-01-15T12:00:00Z",
            }
        ],
        "next_cursor": "7",
    }
    assert admin.reports.asked == [(own, 9, 1)]
    wrong = await admin.client.get(f"/api/pouches/{own}/entries?cursor=x")
    assert wrong.json()["error"]["param"] == "cursor"


async def test_a_pouch_that_is_not_there_has_no_entries_and_no_adjustment(admin: Admin) -> None:
    assert (await admin.client.get("/api/pouches/none/entries")).status_code == 404
    body = {"spent_usd": "1", "reason": "r"}
    assert (await admin.client.post("/api/pouches/none/adjust", json=body)).status_code == 404
