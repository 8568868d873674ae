from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.domain.reports import LoggedRequest, OpenReservation, RequestFilter
from pouch.domain.usage import Usage
from tests.api.admin.conftest import Admin
from tests.fakes.clock import START

LOGGED = LoggedRequest(
    id="req_1",
    key_id="key_1",
    model="gpt-4o-mini",
    provider="openai",
    endpoint="/v1/chat/completions",
    stream=True,
    status=200,
    started_at=START,
    latency_ms=950,
    first_byte_ms=310,
    reserved=Money(9_000_000),
    cost=Money(31_500),
    usage=Usage(input_tokens=10, cached_input_tokens=4, output_tokens=50, reasoning_tokens=20),
    evidence=Evidence.PROVIDER_USAGE,
    price_source="pouch.yaml",
    error=None,
    key_name="<script>",
)


FREE = replace(
    LOGGED,
    id="req_0",
    status=499,
    first_byte_ms=None,
    reserved=None,
    cost=Money(0),
    usage=None,
    evidence=Evidence.FREE,
    error="client_gone",
)


SHOWN = {
    "id": "req_1",
    "key": "key_1",
    "model": "gpt-4o-mini",
    "provider": "openai",
    "endpoint": "/v1/chat/completions",
    "stream": True,
    "status": 200,
    "started_at": "2026-01-15T12:00:00Z",
    "latency_ms": 950,
    "first_byte_ms": 310,
    "reserved_usd": "0.009",
    "cost_usd": "0.0000315",
    "usage": {
        "input_tokens": 10,
        "cached_input_tokens": 4,
        "output_tokens": 50,
        "reasoning_tokens": 20,
    },
    "evidence": "provider_usage",
    "price_source": "pouch.yaml",
    "error": None,
    "refunded_usd": "0.00",
    "key_name": "<script>",
}


async def test_requests_are_shown_with_their_evidence(admin: Admin) -> None:
    admin.reports.logged = [LOGGED, FREE]

    answer = await admin.client.get("/api/requests")

    assert answer.json() == {
        "data": [
            SHOWN,
            SHOWN
            | {
                "id": "req_0",
                "status": 499,
                "first_byte_ms": None,
                "reserved_usd": None,
                "cost_usd": "0.00",
                "usage": None,
                "evidence": "free",
                "error": "client_gone",
            },
        ],
        "next_cursor": None,
    }


async def test_requests_of_a_key_that_has_never_been_are_not_found(admin: Admin) -> None:
    admin.reports.strange = {"key_none"}

    known = await admin.client.get("/api/requests?key=key_1")
    unknown = await admin.client.get("/api/requests?key=key_none")

    assert known.json()["data"] == []
    assert unknown.status_code == 404
    assert "key_none" in unknown.json()["error"]["message"]


async def test_every_filter_reaches_the_reports(admin: Admin) -> None:
    admin.reports.logged = [LOGGED, FREE]

    answer = await admin.client.get(
        "/api/requests",
        params={
            "key": "key_1",
            "model": "gpt-4o-mini",
            "provider": "openai",
            "status": "200",
            "since": "2026-01-01",
            "until": "2026-02-01T00:00:00+01:00",
            "evidence": "provider_usage",
            "error": "budget_exceeded",
            "failed": "false",
            "stream": "true",
            "cursor": "req_9",
            "limit": "1",
        },
    )

    assert answer.json()["next_cursor"] == "req_1"
    assert admin.reports.asked == [
        (
            RequestFilter(
                key_id="key_1",
                model="gpt-4o-mini",
                provider="openai",
                status=200,
                since=datetime(2026, 1, 1, tzinfo=UTC),
                until=datetime(2026, 1, 31, 23, tzinfo=UTC),
                evidence=Evidence.PROVIDER_USAGE,
                error="budget_exceeded",
                failed=False,
                stream=True,
            ),
            "req_9",
            1,
        )
    ]


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/api/requests?status=ok", "status"),
        ("/api/requests?status=600", "status"),
        ("/api/requests?since=yesterday", "since"),
        ("/api/requests?since=2026-01-01T00:00:00", "since"),
        ("/api/requests?since=1700000000", "since"),
        ("/api/requests?key=", "key"),
        ("/api/requests?form=key_1", "form"),
        ("/api/requests?evidence=none", "evidence"),
        ("/api/requests?failed=perhaps", "failed"),
        ("/api/requests?since=2026-02-01&until=2026-01-01", "since"),
        ("/api/reservations?limit=0", "limit"),
        ("/api/prices?model=x", "model"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(admin: Admin, path: str, param: str) -> None:
    answer = await admin.client.get(path)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_open_reservations_are_shown_with_their_age(admin: Admin) -> None:
    admin.reports.open = [
        OpenReservation(
            id="res_1",
            request_id="req_1",
            key_id="key_1",
            pouch_id="pouch_1",
            model="gpt-4o-mini",
            provider="openai",
            amount=Money(9_000_000),
            started_at=START,
        )
    ]
    admin.clock.advance(12.5)

    older = await admin.client.get("/api/reservations")
    admin.clock.set_back(3_600)
    set_back = await admin.client.get("/api/reservations")

    assert older.json() == {
        "data": [
            {
                "id": "res_1",
                "request": "req_1",
                "key": "key_1",
                "pouch": "pouch_1",
                "model": "gpt-4o-mini",
                "provider": "openai",
                "amount_usd": "0.009",
                "started_at": "2026-01-15T12:00:00Z",
                "age_s": 12.5,
            }
        ],
        "next_cursor": None,
    }
    assert set_back.json()["data"][0]["age_s"] == 0
