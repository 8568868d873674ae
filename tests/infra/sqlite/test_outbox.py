"""Alerts are written with what causes them, and each delivery is one process's at a time."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from pouch.domain.alerts import (
    Alert,
    AlertKind,
    AlertPolicy,
    AlertTarget,
    Delivery,
    DeliveryState,
)
from pouch.domain.key import Freeze, Key
from pouch.domain.ledger import Evidence, Settlement
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore, outbox
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite.books import (
    crash,
    discrepancies,
    hold,
    opened,
    outcome,
    pouch,
    refused_because,
    settlement,
)

POLICY = AlertPolicy(
    targets=(
        AlertTarget("all", frozenset(AlertKind)),
        AlertTarget("overruns", frozenset({AlertKind.OVERRUN})),
    )
)


@pytest.fixture
async def told(path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    """A store whose alerts go to two webhooks, with a pouch of 1000 nano-dollars."""
    store = await SqliteStore.open(path, clock, alerts=POLICY)
    await store.keys.create_pouch(pouch("app", 1000))
    yield store
    await store.close()


async def alerts(store: SqliteStore) -> list[Alert]:
    """Oldest first."""
    recent = await store.outbox.recent(limit=100)
    return [logged.alert for logged in reversed(recent)]


async def percents(store: SqliteStore) -> list[object]:
    return [alert.facts.get("percent") for alert in await alerts(store)]


async def spend(store: SqliteStore, name: str, cost: int, of: str = "app") -> None:
    await store.ledger.reserve(hold(name, cost, of=of))
    await store.ledger.settle(settlement(name, cost))


async def claim(store: SqliteStore, limit: int = 10) -> Sequence[Delivery]:
    return await store.outbox.claim(limit=limit, lease_s=60)


async def test_each_threshold_is_told_once_in_a_period(told: SqliteStore) -> None:
    await spend(told, "r_1", 499)
    assert await percents(told) == []
    await spend(told, "r_2", 1)
    await spend(told, "r_3", 100)
    assert await percents(told) == [50]
    await spend(told, "r_4", 400)
    assert await percents(told) == [50, 80, 100]
    last = (await alerts(told))[-1]
    assert last.text == (
        "Pouch 'the app pouch' has spent 0.000001 of 0.000001 USD: 100 % of its budget."
    )
    assert last.facts["pouch"] == "app"


async def test_a_new_period_is_told_of_anew(told: SqliteStore) -> None:
    await spend(told, "r_1", 600)
    await told.ledger.reset("app", reason="test")
    await spend(told, "r_2", 600)
    assert await percents(told) == [50, 50]


async def test_another_limit_is_told_of_anew(told: SqliteStore) -> None:
    await spend(told, "r_1", 1000)
    await told.keys.change_pouch("app", {"limit": Money(10_000)})
    await spend(told, "r_2", 4000)
    assert await percents(told) == [50, 80, 100, 50]


async def test_every_pouch_around_has_thresholds_of_its_own(told: SqliteStore) -> None:
    await told.keys.create_pouch(pouch("inner", inside="app"))
    await spend(told, "r_1", 500, of="inner")
    assert [alert.facts["pouch"] for alert in await alerts(told)] == ["app"]


async def test_a_released_reservation_tells_nothing(told: SqliteStore) -> None:
    await told.ledger.reserve(hold("r_1", 1000))
    await told.ledger.settle(settlement("r_1", 0, Evidence.REFUSED))
    assert await alerts(told) == []


async def test_an_overrun_is_told_once(told: SqliteStore) -> None:
    await told.ledger.reserve(hold("r_1", 10))
    over = settlement("r_1", 30, Evidence.OVERRUN)
    assert await told.ledger.settle(over)
    assert not await told.ledger.settle(over)
    [alert] = await alerts(told)
    assert alert.kind is AlertKind.OVERRUN
    assert alert.facts["request"] == "request of r_1"
    assert (alert.facts["reserved_usd"], alert.facts["cost_usd"]) == ("0.00000001", "0.00000003")


async def test_a_settlement_that_waited_long_is_told(told: SqliteStore) -> None:
    for name, delay_s in (("r_1", 29.0), ("r_2", 30.0)):
        await told.ledger.reserve(hold(name, 10))
        await told.ledger.settle(Settlement(name, Money(10), outcome(), delay_s))
    [alert] = await alerts(told)
    assert alert.kind is AlertKind.SETTLEMENT_FAILED
    assert (alert.facts["request"], alert.facts["delay_s"]) == ("request of r_2", 30)


async def test_what_a_dead_process_left_is_told_by_who_recovers_it(
    path: Path, clock: FakeClock
) -> None:
    dead = await SqliteStore.open(path, clock)
    await dead.keys.create_pouch(pouch("app"))
    for name in ("r_1", "r_2"):
        await dead.ledger.reserve(hold(name, 10))
    await crash(dead)
    store = await SqliteStore.open(path, clock)
    await store.ledger.recover()
    await store.ledger.recover()
    [alert] = await alerts(store)
    assert alert.facts == {"reservations": 2, "cost_usd": "0.00000002"}
    await store.close()


async def test_a_freeze_is_told_once(told: SqliteStore) -> None:
    key = Key("key_1", "agent", "pouch-abcdef", START, ())
    await told.keys.create(key, secret_hash="hash", pouch=pouch("own"))
    freeze = Freeze(START, "it ran away", None)
    assert await told.freezes.freeze(key, freeze)
    assert not await told.freezes.freeze(key, freeze)
    [alert] = await alerts(told)
    assert alert.kind is AlertKind.KEY_FROZEN
    assert "'agent' is frozen until an administrator thaws it: it ran away" in alert.text


async def test_an_alert_and_what_caused_it_are_kept_together_or_not_at_all(
    told: SqliteStore, path: Path
) -> None:
    await told.ledger.reserve(hold("r_1", 600))
    with opened(path) as connection:
        connection.execute("ALTER TABLE alerts RENAME TO elsewhere")
        with refused_because("no such table"):
            await told.ledger.settle(settlement("r_1", 600))
        connection.execute("ALTER TABLE elsewhere RENAME TO alerts")
    assert await told.ledger.settle(settlement("r_1", 600))
    assert await percents(told) == [50]
    assert await discrepancies(told) == []


async def test_each_webhook_gets_the_kinds_that_it_wants(told: SqliteStore) -> None:
    await told.ledger.reserve(hold("r_1", 10))
    await told.ledger.settle(settlement("r_1", 600, Evidence.OVERRUN))
    got = [(delivery.target, delivery.alert.kind.value) for delivery in await claim(told)]
    assert got == [("all", "overrun"), ("overruns", "overrun"), ("all", "budget_threshold")]


async def test_what_one_process_has_claimed_no_other_gets_until_the_lease_ends(
    told: SqliteStore, path: Path, clock: FakeClock
) -> None:
    other = await SqliteStore.open(path, clock, alerts=POLICY)
    await spend(told, "r_1", 500)
    [mine] = await claim(told)
    clock.advance(59)
    assert await claim(other) == []
    clock.advance(1)
    [theirs] = await claim(other)
    assert (theirs.alert.id, theirs.attempt) == (mine.alert.id, 2)
    assert not await told.outbox.delivered(mine)
    assert not await told.outbox.failed(mine, error="late", retry_at=None)
    assert await other.outbox.delivered(theirs)
    await other.close()


async def test_what_was_delivered_is_not_due_again(told: SqliteStore, clock: FakeClock) -> None:
    await spend(told, "r_1", 500)
    [delivery] = await claim(told)
    assert await told.outbox.delivered(delivery)
    clock.advance(86_400)
    assert await claim(told) == []
    [logged] = await told.outbox.recent(limit=5)
    assert [report.state for report in logged.deliveries] == [DeliveryState.DELIVERED]


async def test_what_failed_is_due_when_it_was_said_to_be(
    told: SqliteStore, clock: FakeClock
) -> None:
    await spend(told, "r_1", 500)
    [delivery] = await claim(told)
    retry_at = clock.now() + timedelta(seconds=7)
    assert await told.outbox.failed(delivery, error="it answered 500", retry_at=retry_at)
    clock.advance(6)
    assert await claim(told) == []
    clock.advance(1)
    assert [again.attempt for again in await claim(told)] == [2]


async def test_what_is_given_up_stays_as_failed(told: SqliteStore, clock: FakeClock) -> None:
    await spend(told, "r_1", 500)
    [delivery] = await claim(told)
    assert await told.outbox.failed(delivery, error="it answered 500", retry_at=None)
    clock.advance(86_400)
    assert await claim(told) == []
    [logged] = await told.outbox.recent(limit=5)
    [report] = logged.deliveries
    assert (report.state, report.error) == (DeliveryState.FAILED, "it answered 500")


async def test_deliveries_wait_through_a_restart(
    told: SqliteStore, path: Path, clock: FakeClock
) -> None:
    await spend(told, "r_1", 500)
    await crash(told)
    store = await SqliteStore.open(path, clock, alerts=POLICY)
    assert [delivery.target for delivery in await claim(store)] == ["all"]
    await store.close()


async def test_a_webhook_that_is_configured_no_more_gets_nothing(
    told: SqliteStore, path: Path, clock: FakeClock
) -> None:
    await spend(told, "r_1", 500)
    other = await SqliteStore.open(path, clock, alerts=AlertPolicy(targets=POLICY.targets[1:]))
    assert await claim(other) == []
    await other.close()


async def test_the_outbox_keeps_the_newest(
    told: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "ALERTS_MAX", 2)
    await spend(told, "r_1", 1000)
    assert await percents(told) == [80, 100]
    assert len(await claim(told)) == 2


async def test_old_alerts_are_forgotten_with_their_deliveries(
    told: SqliteStore, path: Path, clock: FakeClock
) -> None:
    await spend(told, "r_1", 500)
    clock.advance(100)
    await spend(told, "r_2", 300)
    assert await told.outbox.purge(before=START + timedelta(seconds=1)) == 1
    assert await percents(told) == [80]
    with opened(path) as connection:
        [left] = connection.execute("SELECT count(*) FROM alert_deliveries").fetchone()
    assert left == 1
