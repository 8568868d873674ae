"""The state of things at one moment."""

from datetime import UTC, datetime, timedelta

from pouch.domain.ledger import RequestRecord
from pouch.domain.money import Money
from pouch.domain.usage_report import Sums
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.overview import FULLEST_MAX
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite.books import facts, hold, outcome, pouch, settlement
from tests.infra.sqlite.known_keys import make_key

DAY = datetime(2026, 1, 15, tzinfo=UTC)
MONTH = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_new_store_has_seen_nothing(store: SqliteStore) -> None:
    overview = await store.reports.overview(START)
    assert (overview.today.since, overview.month.since) == (DAY, MONTH)
    assert overview.today.sums == overview.month.sums == Sums()
    assert (overview.reserved, overview.open_reservations) == (Money(0), 0)
    assert (overview.keys, overview.requests_ever, overview.fullest) == (0, False, [])


async def test_days_and_months_begin_in_utc(store: SqliteStore) -> None:
    moment = timedelta(microseconds=1)
    for number, at in enumerate((MONTH - moment, MONTH, DAY - moment, DAY, START)):
        record = RequestRecord(facts(f"req_{number}", at=at), outcome(), Money(10**number))
        await store.ledger.settle_all([record])
    overview = await store.reports.overview(START)
    assert overview.requests_ever
    assert (overview.today.sums.requests, overview.today.sums.cost) == (2, Money(11_000))
    assert (overview.month.sums.requests, overview.month.sums.cost) == (4, Money(11_110))


async def test_refunds_count_when_they_are_given(store: SqliteStore, clock: FakeClock) -> None:
    await store.keys.create_pouch(pouch("app"))
    for name in ("a", "b"):
        await store.ledger.reserve(hold(name, 60))
        await store.ledger.settle(settlement(name, 25))
    await store.ledger.refund("request of a", Money(7), reason="asked")
    clock.advance(86_400)
    await store.ledger.refund("request of b", Money(9), reason="asked")
    overview = await store.reports.overview(clock.now())
    assert (overview.today.refunded, overview.month.refunded) == (Money(9), Money(16))
    assert (overview.today.sums.cost, overview.month.sums.cost) == (Money(0), Money(50))


async def test_what_is_reserved_is_what_open_reservations_hold(store: SqliteStore) -> None:
    await store.keys.create_pouch(pouch("team"))
    await store.keys.create_pouch(pouch("app", inside="team"))
    for name in ("a", "b", "c"):
        await store.ledger.reserve(hold(name, 60))
    await store.ledger.settle(settlement("b", 5))
    overview = await store.reports.overview(START)
    assert (overview.reserved, overview.open_reservations) == (Money(120), 2)


async def test_the_fullest_pouches_come_worst_first_with_the_keys_that_own_them(
    store: SqliteStore,
) -> None:
    await store.keys.create_pouch(pouch("team", 100))
    await store.keys.create_pouch(pouch("unlimited"))
    await make_key(store, "k1", name="<b>", inside="team", limit=60)
    await make_key(store, "k2", limit=0)
    await make_key(store, "k3", limit=10)
    await make_key(store, "k4", limit=10)
    await store.ledger.reserve(hold("a", 30, of="own_k1"))
    await store.ledger.reserve(hold("b", 15, of="own_k1"))
    await store.ledger.settle(settlement("b", 15))
    await store.ledger.reserve(hold("c", 10, of="own_k4"))
    await store.keys.revoke("k4")

    overview = await store.reports.overview(START)

    assert [(f.view.pouch.id, f.key, f.used_percent) for f in overview.fullest] == [
        ("own_k2", ("k2", "a key"), 100.0),
        ("own_k1", ("k1", "<b>"), 75.0),
        ("team", None, 45.0),
        ("own_k3", ("k3", "a key"), 0.0),
    ]
    team = overview.fullest[2].view
    assert (team.keys, team.children) == (1, 1)
    assert overview.keys == 3


async def test_a_pouch_whose_reset_is_due_has_spent_nothing(store: SqliteStore) -> None:
    due = START + timedelta(hours=1)
    await store.keys.create_pouch(pouch("app", 100, resets_at=due))
    for name in ("a", "b"):
        await store.ledger.reserve(hold(name, 40))
    await store.ledger.settle(settlement("a", 40))
    before = await store.reports.overview(due - timedelta(seconds=1))
    after = await store.reports.overview(due)
    assert [full.used_percent for full in before.fullest] == [80.0]
    assert [full.used_percent for full in after.fullest] == [40.0]


async def test_only_the_fullest_are_shown(store: SqliteStore) -> None:
    for number in range(FULLEST_MAX + 2):
        await store.keys.create_pouch(pouch(f"p{number:02}", 100))
        await store.ledger.reserve(hold(f"r{number}", number, of=f"p{number:02}"))
    overview = await store.reports.overview(START)
    assert [full.view.pouch.id for full in overview.fullest] == [
        f"p{number:02}" for number in range(FULLEST_MAX + 1, 1, -1)
    ]
