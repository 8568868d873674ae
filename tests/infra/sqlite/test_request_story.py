"""One request's story, and the steps of many."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pouch.domain.ledger import Evidence, RequestRecord
from pouch.domain.money import Money
from pouch.domain.reports import Refund, RequestStory, StepFigures, StepTime
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite.books import crash, facts, hold, outcome, pouch, settlement

STEPS = [("usage_tracking", 0.002), ("rate_limit", 0.0025)]


async def story_of(store: SqliteStore, request_id: str) -> RequestStory:
    story = await store.reports.story(request_id)
    assert story is not None
    return story


def moved(story: RequestStory) -> list[list[tuple[str, str, int, int]]]:
    return [
        [(m.pouch_id, m.kind, m.spent.nanos, m.reserved.nanos) for m in attempt.movements]
        for attempt in story.attempts
    ]


async def test_a_story_tells_what_each_attempt_moved_in_each_pouch(
    store: SqliteStore, clock: FakeClock
) -> None:
    await store.keys.create_pouch(pouch("team"))
    await store.keys.create_pouch(pouch("app", inside="team"))
    for name in ("a", "other", "b"):
        await store.ledger.reserve(
            replace(hold(name, 60), facts=facts("req_1" if name != "other" else "req_2"))
        )
    clock.advance(2)
    await store.ledger.settle(settlement("other", 1))
    await store.ledger.settle(settlement("a", 0, Evidence.REFUSED))
    await store.ledger.settle(settlement("b", 25))
    clock.advance(3)
    await store.ledger.refund("req_1", Money(10), reason="asked")

    story = await story_of(store, "req_1")

    assert moved(story) == [
        [
            ("app", "reserve", 0, 60),
            ("team", "reserve", 0, 60),
            ("app", "release", 0, -60),
            ("team", "release", 0, -60),
        ],
        [
            ("app", "reserve", 0, 60),
            ("team", "reserve", 0, 60),
            ("app", "settle", 25, -60),
            ("team", "settle", 25, -60),
            ("app", "refund", -10, 0),
            ("team", "refund", -10, 0),
        ],
    ]
    ended = START + timedelta(seconds=2)
    assert [
        (a.reservation_id, a.state, a.cost, a.evidence, a.ended_at) for a in story.attempts
    ] == [
        ("a", "released", None, Evidence.REFUSED, ended),
        ("b", "settled", Money(25), Evidence.PROVIDER_USAGE, ended),
    ]
    assert story.attempts[0].movements[0].pouch_name == "the app pouch"
    assert story.refunds == [Refund(Money(10), "asked", START + timedelta(seconds=5))]
    assert story.logged.refunded == Money(10)


async def test_an_attempt_that_has_not_ended_shows_what_it_holds(store: SqliteStore) -> None:
    await store.keys.create_pouch(pouch("app"))
    await store.ledger.reserve(replace(hold("a", 60), facts=facts("req_1")))
    await store.ledger.settle_all([RequestRecord(facts("req_1"), outcome())])

    [attempt] = (await story_of(store, "req_1")).attempts

    assert (attempt.state, attempt.cost, attempt.evidence, attempt.ended_at) == (
        "reserved",
        None,
        None,
        None,
    )
    assert [(m.kind, m.reserved) for m in attempt.movements] == [("reserve", Money(60))]


async def test_there_is_no_story_of_what_has_not_ended(store: SqliteStore) -> None:
    await store.keys.create_pouch(pouch("app"))
    await store.ledger.reserve(hold("a", 60))
    assert await store.reports.story("request of a") is None


async def test_steps_are_told_from_the_outermost_with_and_without_what_is_inside(
    store: SqliteStore,
) -> None:
    refused = replace(
        outcome(), reason="no room", refused_by="usage_tracking", steps=STEPS, error="x"
    )
    await store.ledger.settle_all([RequestRecord(facts("req_1"), refused)])

    story = await story_of(store, "req_1")

    assert story.steps == [
        StepTime("rate_limit", 0.0025, 0.0005),
        StepTime("usage_tracking", 0.002, 0.002),
    ]
    assert (story.reason, story.refused_by) == ("no room", "usage_tracking")


async def test_a_chain_without_steps_is_not_one_that_nobody_knows(store: SqliteStore) -> None:
    await store.ledger.settle_all([RequestRecord(facts("req_1"), replace(outcome(), steps=[]))])
    await store.ledger.settle_all([RequestRecord(facts("req_2"), outcome())])
    assert (await story_of(store, "req_1")).steps == []
    assert (await story_of(store, "req_2")).steps is None


async def test_the_steps_of_what_died_with_its_process_are_not_known(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    dying = await SqliteStore.open(path, clock)
    await dying.keys.create_pouch(pouch("app"))
    await dying.ledger.reserve(hold("a", 60))
    await crash(dying)
    assert await store.ledger.recover() == ["a"]
    assert (await story_of(store, "request of a")).steps is None


async def test_the_newest_requests_tell_how_long_each_step_takes_and_how_often_it_refuses(
    store: SqliteStore,
) -> None:
    chains = [
        (STEPS, None),
        ([("rate_limit", 0.001)], "rate_limit"),
        (None, None),
        (STEPS, "usage_tracking"),
    ]
    for number, (steps, refused_by) in enumerate(chains):
        record = RequestRecord(
            facts(f"req_{number}", at=START + timedelta(seconds=number)),
            replace(outcome(), steps=steps, refused_by=refused_by),
        )
        await store.ledger.settle_all([record])

    report = await store.reports.step_times(limit=3)

    assert (report.requests, report.since) == (2, START + timedelta(seconds=1))
    assert report.steps == [
        StepFigures(
            "rate_limit",
            [StepTime("rate_limit", 0.0025, 0.0005), StepTime("rate_limit", 0.001, 0.001)],
            refusals=1,
        ),
        StepFigures("usage_tracking", [StepTime("usage_tracking", 0.002, 0.002)], refusals=1),
    ]
