"""How SQLite goes about what the dashboard asks: by an index, never through all that ever was."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from pouch.domain.key import KeyStatus
from pouch.domain.key_report import KeyFilter, KeySort, PouchFilter
from pouch.domain.ledger import RequestRecord
from pouch.domain.money import Money
from pouch.domain.usage_report import Dimension, UsageQuestion
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.reader import Values
from pouch.infra.sqlite.reports import SqliteReports
from tests.fakes.clock import START
from tests.infra.sqlite.books import facts, hold, outcome, pouch, settlement
from tests.infra.sqlite.known_keys import make_key

# What grows with every request, or with every key and hour.
LARGE = ("requests", "reservations", "r", "entries", "e", "refunds", "usage_hours", "usage_costs")
DAY = START - timedelta(days=1)

Ask = Callable[[SqliteReports], Awaitable[object]]


class Explaining:
    """A reader that remembers how each of its queries is carried out."""

    def __init__(self, store: SqliteStore) -> None:
        self._reader = store._reports_reader
        self.plan: list[str] = []

    async def rows(self, query: str, values: Values = ()) -> list[Sequence[Any]]:
        self.plan += [
            row[3] for row in await self._reader.rows("EXPLAIN QUERY PLAN " + query, values)
        ]
        return await self._reader.rows(query, values)

    async def row(self, query: str, values: Values = ()) -> Sequence[Any] | None:
        rows = await self.rows(query, values)
        return rows[0] if rows else None


def usage(by: Dimension, **fields: Any) -> Ask:
    question = UsageQuestion(by=by, **fields)
    return lambda reports: reports.usage(question, cursor=None, limit=10)


def keys(**fields: Any) -> Ask:
    wanted = KeyFilter(**fields)
    return lambda reports: reports.keys(wanted, now=START, cursor="key_1", limit=10)


ASKED: dict[str, Ask] = {
    "overview": lambda reports: reports.overview(START),
    "usage by day": usage(Dimension.DAY),
    "usage by hour since": usage(Dimension.HOUR, since=DAY),
    "usage by day and model": usage(Dimension.DAY, split=Dimension.MODEL),
    "usage by day and key": usage(Dimension.DAY, split=Dimension.KEY, since=DAY),
    "usage by model": usage(Dimension.MODEL),
    "usage by key": usage(Dimension.KEY),
    "usage by key and model": usage(Dimension.KEY, split=Dimension.MODEL, since=DAY),
    "usage by key of a model": usage(Dimension.KEY, model="gpt-4o", since=DAY),
    "usage by key of a provider": usage(Dimension.KEY, provider="openai", since=DAY),
    "usage of a key": usage(Dimension.DAY, key_id="key_1", split=Dimension.MODEL),
    "usage of a model": usage(Dimension.DAY, model="gpt-4o"),
    "story": lambda reports: reports.story("request of a"),
    "steps": lambda reports: reports.step_times(),
    "key": lambda reports: reports.knows_key("key_1"),
    "keys": keys(),
    "keys by last use": keys(sort=KeySort.LAST_USED),
    "capped keys": keys(status=KeyStatus.CAPPED, sort=KeySort.FULLEST),
    "pouch": lambda reports: reports.pouch("app"),
    "entries": lambda reports: reports.entries("app", cursor=None, limit=10),
    "open reservations": lambda reports: reports.open_reservations(limit=10),
}


@pytest.fixture
async def busy(store: SqliteStore) -> SqliteStore:
    """A key that has done something, so that no question ends early."""
    await store.keys.create_pouch(pouch("app"))
    await make_key(store, "key_1", limit=100)
    await store.ledger.reserve(hold("a", 30))
    await store.ledger.settle(settlement("a", 20))
    await store.ledger.refund("request of a", Money(5), reason="asked")
    await store.ledger.settle_all([RequestRecord(facts("req_2"), outcome())])
    return store


@pytest.mark.parametrize("question", ASKED)
async def test_no_question_goes_through_all_that_ever_was(busy: SqliteStore, question: str) -> None:
    explaining = Explaining(busy)
    await ASKED[question](SqliteReports(explaining))  # type: ignore[arg-type]
    assert explaining.plan
    whole = [step for step in explaining.plan if scans_whole(step)]
    assert whole == []


def scans_whole(step: str) -> bool:
    """A scan in the order that a page needs stops at its end, and one index holds only what is
    open; any other is of everything.
    """
    words = step.split()
    bounded = {"requests_by_time", "reservations_open"} & set(words)
    return words[0] == "SCAN" and words[1] in LARGE and not bounded


async def test_which_keys_cost_most_is_told_by_two_rows_of_each(busy: SqliteStore) -> None:
    explaining = Explaining(busy)
    await usage(Dimension.KEY, since=DAY)(SqliteReports(explaining))  # type: ignore[arg-type]
    costs = [step for step in explaining.plan if "usage_costs" in step]
    assert costs
    assert all("PRIMARY KEY (key_id=?" in step for step in costs)


@pytest.mark.parametrize("parent", ["app", "none"])
async def test_what_lies_in_a_pouch_is_found_without_the_others(
    busy: SqliteStore, parent: str
) -> None:
    explaining = Explaining(busy)
    reports = SqliteReports(explaining)  # type: ignore[arg-type]
    await reports.pouches(PouchFilter(parent_id=parent), cursor=None, limit=10)
    assert "pouches_by_parent" in explaining.plan[0]
