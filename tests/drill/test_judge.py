"""Each way to break a promise is told, and of that promise alone."""

from dataclasses import replace
from typing import Any

import pytest

from pouch.domain.ledger import Discrepancy, Evidence
from pouch.domain.money import Money
from pouch.domain.reports import OpenReservation
from pouch.drill import report
from pouch.drill.judge import State, judge
from pouch.drill.load import Watch
from pouch.drill.witness import Sighting
from pouch.infra.sqlite.ledger import DIED_ERROR
from tests.drill.findings import (
    BY_NAME,
    NOW,
    PRICE,
    SPENT,
    answer,
    attempt,
    findings,
    logged,
    pouch,
    refusal,
    sighting,
)

GOOD = findings()


def broken_by(**changes: Any) -> dict[str, str]:
    """The broken promises, each with the first thing that broke it."""
    verdicts = judge(findings(**changes))
    return {v.promise: v.broken[0] for v in verdicts if v.state is State.BROKEN}


def logs(**changes: Any) -> dict[str, Any]:
    """Findings in which the first request was settled otherwise, and its pouch charged so."""
    one = logged(**changes)
    return {
        "logged": {**GOOD.logged, "req_1": one},
        "pouches": [pouch(0 if one.reserved is None else one.cost.nanos)],
    }


def test_a_drill_that_went_well_keeps_every_promise() -> None:
    assert {verdict.state for verdict in judge(GOOD)} == {State.KEPT}


def test_what_nothing_tried_is_not_kept() -> None:
    untried = findings(attempts=[], during_standstill=[], sightings=[], secrets=[], logged={})
    states = {verdict.promise: verdict.state for verdict in judge(untried)}
    assert states.pop("The books balance") is State.BROKEN
    assert set(states.values()) == {State.UNTRIED}


@pytest.mark.parametrize(
    ("reserved", "body", "told"),
    [
        (None, {}, "nothing was reserved"),
        (15, {}, "can cost 0.000000016 USD, and 15 nano-USD were reserved"),
        (100, {"max_tokens": None}, "without an output limit"),
    ],
)
def test_a_request_that_was_sent_without_its_reservation(
    reserved: int | None, body: dict[str, Any], told: str
) -> None:
    seen = sighting(GOOD.attempts[0], reserved=reserved)
    if body:
        seen = Sighting("req_1", reserved, seen.content.replace("max_tokens", "other"))
    broken = broken_by(sightings=[seen, GOOD.sightings[1]])
    assert told in broken.pop("Reserved before sent")
    assert broken == {}


def test_a_reservation_that_just_covers_the_bound_is_enough() -> None:
    assert broken_by(sightings=[sighting(GOOD.attempts[0], reserved=16), GOOD.sightings[1]]) == {}


def test_a_chain_that_reserves_nothing_is_said_to_give_the_promise_up() -> None:
    seen = [sighting(GOOD.attempts[0], reserved=None), GOOD.sightings[1]]
    broken = broken_by(sightings=seen, gives_up="it gives the promise up")
    assert broken["Reserved before sent"] == "it gives the promise up"


def test_a_pouch_that_was_once_over_its_limit() -> None:
    watch = Watch(polls=3, excess={"pouch_1": 1}, audits=1)
    assert "1 nano-USD over" in broken_by(watch=watch)["Never over"]


def test_an_overrun_of_the_providers_excuses_as_much_as_it_was() -> None:
    over = attempt(fault=BY_NAME["too much output"], got=answer(status=200))
    changes = {
        **logs(evidence=Evidence.OVERRUN, cost=Money(130)),
        "attempts": [over, *GOOD.attempts[1:]],
    }
    assert broken_by(**changes, watch=Watch(3, {"pouch_1": 30}, audits=1)) == {}
    assert "Never over" in broken_by(**changes, watch=Watch(3, {"pouch_1": 31}, audits=1))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"evidence": Evidence.COUNTED}, "was settled as counted; right is provider_usage"),
        ({"cost": Money(SPENT - 1)}, "was charged 0.000000009 USD, and its usage costs 0.00000001"),
        ({"cost": Money(101)}, "was charged 0.000000101 of 0.0000001 USD"),
        ({"reserved": None}, "without a reservation"),
        ({"evidence": Evidence.HELD_FULL, "error": DIED_ERROR}, "and none died"),
    ],
)
def test_a_request_that_was_settled_wrongly(changes: dict[str, Any], told: str) -> None:
    broken = broken_by(**logs(**changes))
    assert told in broken.pop("Exactly once")
    assert broken == {}


def test_a_request_that_died_with_its_process_is_charged_in_full() -> None:
    held = {"evidence": Evidence.HELD_FULL, "error": DIED_ERROR}
    assert broken_by(**logs(**held, cost=Money(100)), kills=1) == {}
    told = broken_by(**logs(**held, cost=Money(99)), kills=1)["Exactly once"]
    assert "died with its process, and was charged 0.000000099" in told


def test_a_broken_answer_is_held_in_full_only_where_reasoning_is_hidden() -> None:
    cut = attempt(fault=BY_NAME["no usage"], got=answer(choices=[]))
    held = logs(evidence=Evidence.HELD_FULL, cost=Money(100))
    counted = logs(evidence=Evidence.COUNTED, cost=Money(9))
    hides = {"prices": {"paid": replace(PRICE, hidden_reasoning=True)}}
    asked = {"attempts": [cut, *GOOD.attempts[1:]]}
    assert broken_by(**asked, **counted) == {}
    assert broken_by(**asked, **held, **hides) == {}
    assert set(broken_by(**asked, **held)) == {"Exactly once"}
    assert set(broken_by(**asked, **counted, **hides)) == {"Exactly once"}


def test_a_request_that_is_not_in_the_books() -> None:
    broken = broken_by(logged={"req_2": GOOD.logged["req_2"]}, pouches=[pouch(0)])
    assert "was sent, and is not in the books" in broken["Exactly once"]


def test_a_reservation_that_stays_open() -> None:
    left = OpenReservation("req_1.1", "req_1", "key_1", "pouch_1", "paid", "vendor", Money(1), NOW)
    assert broken_by(left_open=[left]) == {"Exactly once": "reservation req_1.1 is still open"}


def test_a_request_that_was_sent_twice() -> None:
    twice = [*GOOD.sightings, GOOD.sightings[0]]
    assert broken_by(sightings=twice) == {"Exactly once": "req_1 was sent 2 times"}


def test_books_that_do_not_balance() -> None:
    watch = Watch(3, {"pouch_1": -5}, discrepancies=[Discrepancy("off by one")], audits=1)
    assert broken_by(watch=watch) == {"The books balance": "off by one"}
    assert (
        "'app' has spent 0.000000011 USD"
        in (broken_by(pouches=[pouch(SPENT + 1)])["The books balance"])
    )


def test_an_answer_from_a_model_without_a_price() -> None:
    answered = attempt(4, "unheard-of", got=answer(request_id="req_4", choices=[]))
    broken = broken_by(attempts=[*GOOD.attempts[:3], answered])
    assert "which has no price, and got a 200" in broken["No price, no call"]


def test_a_free_model_that_touched_a_budget() -> None:
    free = logged(id="req_9", model="gratis", cost=Money(0))
    broken = broken_by(logged={**GOOD.logged, "req_9": free})
    assert "is free, and touched a budget" in broken["No price, no call"]


def test_an_answer_while_the_store_was_locked() -> None:
    let_through = attempt(6, got=answer(request_id="req_6", choices=[]))
    standing = [*GOOD.during_standstill, let_through]
    assert "got a 200" in broken_by(during_standstill=standing)["Fail closed"]
    told = broken_by(
        during_standstill=[*GOOD.during_standstill, refusal("store_unavailable", 503, 6)],
        sightings=[*GOOD.sightings, sighting(let_through, "req_6")],
    )
    assert told["Fail closed"] == "drill-6 reached the provider while the store was locked"


def test_an_unknown_step_that_is_taken() -> None:
    assert broken_by(unknown_step=None) == {
        "Fail closed": "a configuration with an unknown step is taken"
    }


def test_a_secret_in_a_file_or_in_an_answer() -> None:
    in_this_file = "GOOD = findings()"
    assert "findings.py" in broken_by(secrets=["def findings("])["Secrets stay"]
    told = attempt(got=answer(choices=[], said=in_this_file))
    broken = broken_by(attempts=[told, *GOOD.attempts[1:]], secrets=[in_this_file])
    assert broken["Secrets stay"] == "the answer to req_1 holds a secret"


def test_a_cut_answer_that_looks_whole() -> None:
    mended = attempt(2, fault=BY_NAME["429"], got=answer(request_id="req_2", choices=[]))
    broken = broken_by(attempts=[GOOD.attempts[0], mended, *GOOD.attempts[2:]])
    assert "the client's answer looks whole" in broken["What is cut looks cut"]


def test_the_table_shows_some_of_what_broke_a_promise_and_counts_the_rest() -> None:
    watch = Watch(3, {}, discrepancies=[Discrepancy(f"wrong {n}") for n in range(8)], audits=1)
    lines = report.table(judge(findings(watch=watch)))
    start = next(n for n, line in enumerate(lines) if line.startswith("The books balance"))
    assert "BROKEN" in lines[start]
    assert lines[start + 1].strip() == "! wrong 0"
    assert lines[start + report.BROKEN_SHOWN_MAX + 1].strip() == "! and 3 more"
