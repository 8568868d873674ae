"""Findings of a drill that went well: one request, asked, sent, answered, settled, refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pouch.domain.ledger import Evidence
from pouch.domain.money import ZERO, Money
from pouch.domain.pouch import Pouch
from pouch.domain.pricing import Price, Rates
from pouch.domain.reports import LoggedRequest
from pouch.domain.usage import Usage
from pouch.drill.client import Answer
from pouch.drill.findings import Findings
from pouch.drill.load import Attempt, Watch
from pouch.drill.plan import FAULTS, Fault, Models, request_for
from pouch.drill.witness import Sighting

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "pouch-a-secret-of-the-drill"
# A nano-dollar a token, whichever way it goes.
PRICE = Price(Rates(input=1_000_000, output=1_000_000), "test")
BY_NAME = {fault.name: fault for fault in FAULTS}
# Input words of a request for the drill, and what its answer reports.
WORDS = 6
SPENT = WORDS + 4


def answer(status: int = 200, request_id: str = "req_1", **content: Any) -> Answer:
    raw = json.dumps(content).encode()
    headers = {"content-length": str(len(raw)), "x-request-id": request_id}
    return Answer(status, headers, raw)


def attempt(
    number: int = 1,
    model: str = "paid",
    fault: Fault = FAULTS[0],
    got: Answer | None = None,
    *,
    kills: int = 0,
) -> Attempt:
    usage = {"prompt_tokens": WORDS, "completion_tokens": 4}
    whole = answer(choices=[], usage=usage)
    planned = request_for(model, number, key=0, fault=fault, output_limit=10)
    return Attempt(planned, got or whole, kills)


def sighting(of: Attempt, request_id: str = "req_1", reserved: int | None = 100) -> Sighting:
    return Sighting(request_id, reserved, json.dumps(of.planned.body))


def logged(**changes: Any) -> LoggedRequest:
    request = LoggedRequest(
        id="req_1",
        key_id="key_1",
        model="paid",
        provider="vendor",
        endpoint="/v1/chat/completions",
        stream=False,
        status=200,
        started_at=NOW,
        latency_ms=1,
        first_byte_ms=1,
        reserved=Money(100),
        cost=Money(SPENT),
        usage=Usage(WORDS, 4),
        evidence=Evidence.PROVIDER_USAGE,
        price_source="test",
        error=None,
    )
    return replace(request, **changes)


def pouch(spent: int = SPENT, limit: int = 1000) -> Pouch:
    return Pouch("pouch_1", "app", None, Money(limit), None, None, Money(spent), ZERO, NOW)


def refusal(code: str, status: int, number: int, model: str = "paid") -> Attempt:
    got = answer(status, f"req_{number}", error={"code": code})
    return attempt(number, model, got=got)


def findings(**changes: Any) -> Findings:
    asked = attempt()
    cut = attempt(2, fault=BY_NAME["429"], got=answer(429, "req_2", error={"code": None}))
    found = Findings(
        attempts=[
            asked,
            cut,
            refusal("budget_exceeded", 402, 3),
            refusal("model_not_priced", 402, 4, "unheard-of"),
        ],
        during_standstill=[refusal("store_unavailable", 503, 5)],
        kills=0,
        watch=Watch(polls=3, excess={"pouch_1": -5}, audits=1),
        sightings=[sighting(asked), sighting(cut, "req_2")],
        logged={
            "req_1": logged(),
            "req_2": logged(id="req_2", cost=ZERO, evidence=Evidence.REFUSED),
        },
        left_open=[],
        pouches=[pouch()],
        chains={"key_1": ["pouch_1"]},
        models=Models(["paid"], ["gratis"], ["unheard-of"]),
        prices={"paid": PRICE, "gratis": Price(Rates(0, 0), "test")},
        files=[Path(__file__)],
        secrets=["a secret that is in no " + "file"],
        unknown_step="pouch.yaml:1: no such step",
        gives_up=None,
    )
    return replace(found, **changes)
