"""What an administrator reads of a pouch's ledger, and of what was given back."""

import pytest

from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.domain.reports import LedgerEntry
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.reports import ENTRIES
from tests.fakes.clock import START
from tests.infra.sqlite.books import hold, pouch, settlement


@pytest.fixture
async def kept(store: SqliteStore) -> SqliteStore:
    """Six movements of one pouch, among those of another."""
    await store.keys.create_pouch(pouch("app", 100))
    await store.keys.create_pouch(pouch("other", 100))
    for name in ("a", "b"):
        await store.ledger.reserve(hold(name, 30))
        await store.ledger.reserve(hold(f"other {name}", 10, of="other"))
    await store.ledger.settle(settlement("a", 20))
    await store.ledger.settle(settlement("b", 0, Evidence.REFUSED))
    await store.ledger.refund("request of a", Money(5), reason="wrong answer")
    await store.ledger.adjust("app", Money(-1), reason="rounding")
    return store


async def test_the_entries_of_a_pouch_tell_its_story_newest_first(kept: SqliteStore) -> None:
    page = await kept.reports.entries("app", cursor=None, limit=6)
    told = [(e.kind, e.spent.nanos, e.reserved.nanos, e.request_id) for e in page.items]
    assert told == [
        ("adjust", -1, 0, None),
        ("refund", -5, 0, "request of a"),
        ("release", 0, -30, "request of b"),
        ("settle", 20, -30, "request of a"),
        ("reserve", 0, 30, "request of b"),
        ("reserve", 0, 30, "request of a"),
    ]
    assert page.next_cursor is None
    newest = page.items[0]
    assert newest == LedgerEntry(newest.id, None, "adjust", Money(-1), Money(0), "rounding", START)


async def test_pages_of_entries_leave_none_out(kept: SqliteStore) -> None:
    whole = (await kept.reports.entries("app", cursor=None, limit=100)).items
    for limit in (1, 2, 4, 5):
        found: list[LedgerEntry] = []
        cursor = None
        while True:
            page = await kept.reports.entries("app", cursor=cursor, limit=limit)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == whole


async def test_entries_are_found_without_reading_those_of_others(kept: SqliteStore) -> None:
    plan = await kept._reader.rows("EXPLAIN QUERY PLAN " + ENTRIES, ("app", 99, 9))
    steps = [row[3] for row in plan]
    assert any("entries_by_pouch (pouch_id=? AND rowid<?)" in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)


async def test_a_request_tells_what_was_given_back(kept: SqliteStore) -> None:
    await kept.ledger.refund("request of a", Money(7), reason="again")
    request = await kept.reports.request("request of a")
    assert request is not None
    assert (request.cost, request.refunded) == (Money(20), Money(12))
    other = await kept.reports.request("request of b")
    assert other is not None
    assert other.refunded == Money(0)
