"""One request, with everything that is known of it."""

from dataclasses import replace
from datetime import timedelta

from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.domain.reports import Attempt, Movement, Refund, RequestStory, StepTime
from tests.api.admin.conftest import Admin
from tests.api.admin.test_requests import LOGGED, SHOWN
from tests.fakes.clock import START

STORY = RequestStory(
    LOGGED,
    reason="Pouch 'team' has nothing left.",
    refused_by="usage_tracking",
    steps=[StepTime("rate_limit", 0.0125, 0.0005), StepTime("usage_tracking", 0.012, 0.012)],
    attempts=[
        Attempt(
            reservation_id="res_1",
            state="settled",
            provider="openai",
            model="gpt-4o-mini",
            reserved=Money(9_000_000),
            cost=Money(31_500),
            evidence=Evidence.PROVIDER_USAGE,
            price_source="pouch.yaml",
            started_at=START,
            ended_at=START + timedelta(seconds=1),
            movements=[
                Movement(
                    pouch_id="pouch_1",
                    pouch_name="team",
                    kind="settle",
                    spent=Money(31_500),
                    reserved=Money(-9_000_000),
                    reason="provider_usage",
                    created_at=START + timedelta(seconds=1),
                )
            ],
        )
    ],
    refunds=[Refund(Money(500), "asked", START + timedelta(hours=1))],
)


async def test_one_request_is_shown_with_its_story_or_not_found(admin: Admin) -> None:
    admin.reports.stories = [STORY]

    assert (await admin.client.get("/api/requests/req_1")).json() == SHOWN | {
        "reason": "Pouch 'team' has nothing left.",
        "refused_by": "usage_tracking",
        "steps": [
            {"name": "rate_limit", "ms": 12.5, "own_ms": 0.5},
            {"name": "usage_tracking", "ms": 12.0, "own_ms": 12.0},
        ],
        "attempts": [
            {
                "reservation": "res_1",
                "state": "settled",
                "provider": "openai",
                "model": "gpt-4o-mini",
                "reserved_usd": "0.009",
                "cost_usd": "0.0000315",
                "evidence": "provider_usage",
                "price_source": "pouch.yaml",
                "started_at": "2026-01-15T12:00:00Z",
                "ended_at": "2026-01-15T12:00:01Z",
                "entries": [
                    {
                        "pouch": "pouch_1",
                        "pouch_name": "team",
                        "kind": "settle",
                        "spent_usd": "0.0000315",
                        "reserved_usd": "-0.009",
                        "reason": "provider_usage",
                        "created_at": "2026-01-15T12:00:01Z",
                    }
                ],
            }
        ],
        "refunds": [
            {"amount_usd": "0.0000005", "reason": "asked", "created_at": "2026-01-15T13:00:00Z"}
        ],
    }
    assert (await admin.client.get("/api/requests/req_2")).status_code == 404


async def test_steps_that_nobody_could_tell_of_are_null(admin: Admin) -> None:
    admin.reports.stories = [replace(STORY, steps=None)]

    assert (await admin.client.get("/api/requests/req_1")).json()["steps"] is None
