"""The same seed asks the same; every plan tries what a drill must try."""

from collections import Counter

import pytest

from pouch.domain.ledger import Evidence
from pouch.drill.plan import FAULTS, KEYS, REQUESTS_MIN, RUSH, RUSH_KEY, Models, plan

MODELS = Models(priced=["a", "b"], free=["gratis"], unpriced=["unheard-of"])


def test_a_seed_stands_for_one_plan() -> None:
    first = plan(5, MODELS, requests=200, kills=3)
    assert plan(5, MODELS, requests=200, kills=3) == first
    assert plan(6, MODELS, requests=200, kills=3) != first


def test_every_fault_comes_up_in_three_hundred_requests() -> None:
    met = Counter(planned.fault.name for planned in plan(1, MODELS, requests=300, kills=0).requests)
    assert {fault.name for fault in FAULTS} <= set(met)


@pytest.mark.parametrize("seed", range(5))
def test_the_smallest_plan_has_a_rush_and_every_kind_of_model(seed: int) -> None:
    planned = plan(seed, MODELS, requests=REQUESTS_MIN, kills=2)
    assert [request.key for request in planned.requests[:RUSH]] == [RUSH_KEY] * RUSH
    assert {request.model for request in planned.requests} == {"a", "b", "gratis", "unheard-of"}
    assert {request.key for request in planned.requests[RUSH:]} <= set(range(KEYS))
    assert all(RUSH <= after < REQUESTS_MIN for after, _ in planned.kills)


def test_requests_are_known_again_by_their_user() -> None:
    planned = plan(1, MODELS, requests=100, kills=0).requests
    assert len({request.user for request in planned}) == 100
    assert planned[7].user == "drill-7"


def test_what_a_fault_leaves_unknown_is_never_taken_for_reported() -> None:
    for fault in FAULTS:
        if fault.breaks:
            assert Evidence.PROVIDER_USAGE not in fault.evidence, fault.name
