"""Sums of requests, kept by the hour, against the requests themselves."""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from pouch.domain.ledger import Evidence, RequestFacts, RequestOutcome, RequestRecord
from pouch.domain.money import Money
from pouch.domain.usage_report import Dimension, Sums, UsageQuestion, UsageRow
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START
from tests.infra.sqlite.books import USAGE, discrepancies
from tests.infra.sqlite.known_keys import make_key

HOUR = timedelta(hours=1)
FIRST = START - 20 * HOUR
NAMES = {"key_0": "früh", "key_1": "<b>", "key_2": "c"}
VALUE: dict[Dimension, Callable[[RequestFacts], str]] = {
    Dimension.HOUR: lambda facts: facts.started_at.strftime("%Y-%m-%dT%H:00:00Z"),
    Dimension.DAY: lambda facts: facts.started_at.strftime("%Y-%m-%d"),
    Dimension.MONTH: lambda facts: facts.started_at.strftime("%Y-%m"),
    Dimension.KEY: lambda facts: facts.key_id,
    Dimension.MODEL: lambda facts: facts.model,
    Dimension.PROVIDER: lambda facts: facts.provider,
}
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"since": FIRST + 9 * HOUR},
    {"since": FIRST + 9 * HOUR, "until": FIRST + 30 * HOUR},
    {"key_id": "key_1"},
    {"model": "b", "until": FIRST + 30 * HOUR},
    {"provider": "x", "since": FIRST + 9 * HOUR},
    {"provider": "y", "key_id": "key_2"},
)
BY = tuple(Dimension)
SPLITS = (None, Dimension.KEY, Dimension.MODEL, Dimension.PROVIDER)


@dataclass(frozen=True, slots=True)
class Log:
    """A store, and what was recorded in it."""

    store: SqliteStore
    records: Sequence[RequestRecord]

    async def rows(self, question: UsageQuestion, *, limit: int = 1000) -> list[UsageRow]:
        """All pages, each of ``limit`` values at most."""
        found: list[UsageRow] = []
        cursor = None
        while True:
            page = await self.store.reports.usage(question, cursor=cursor, limit=limit)
            assert len({row.by for row in page.rows}) <= limit
            found += page.rows
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor


@pytest.fixture
async def log(store: SqliteStore) -> Log:
    """Two hundred requests of three keys over forty hours, in no order; some cost nothing."""
    chance = random.Random(4)
    for key_id, name in NAMES.items():
        await make_key(store, key_id, name=name)
    records = []
    for number in range(200):
        status = chance.choice((200, 200, 402, 502))
        facts = RequestFacts(
            request_id=f"req_{number}",
            key_id=f"key_{chance.randrange(3)}",
            model=chance.choice("abc"),
            provider=chance.choice("xy"),
            endpoint="/v1/chat/completions",
            stream=False,
            started_at=FIRST + HOUR * 40 * chance.random(),
            price_source="yaml",
        )
        usage = USAGE if status == 200 else None
        outcome = RequestOutcome(status, 120, None, usage, Evidence.PROVIDER_USAGE)
        records.append(RequestRecord(facts, outcome, Money(2**number % 997)))
    # In bursts, each of which is one transaction.
    for start in range(0, len(records), 50):
        burst = records[start : start + 50]
        await asyncio.gather(*(store.ledger.settle_all([record]) for record in burst))
    return Log(store, records)


def sums_of(records: Sequence[RequestRecord]) -> Sums:
    known = [record.outcome.usage for record in records if record.outcome.usage]
    return Sums(
        requests=len(records),
        errors=sum(record.outcome.status >= 400 for record in records),
        input_tokens=sum(usage.input_tokens for usage in known),
        cached_input_tokens=sum(usage.cached_input_tokens for usage in known),
        output_tokens=sum(usage.output_tokens for usage in known),
        reasoning_tokens=sum(usage.reasoning_tokens for usage in known),
        cost=Money(sum(record.cost.nanos for record in records)),
    )


def asked_for(records: Sequence[RequestRecord], question: UsageQuestion) -> list[RequestRecord]:
    return [
        record
        for record in records
        if question.key_id in {None, record.facts.key_id}
        and question.model in {None, record.facts.model}
        and question.provider in {None, record.facts.provider}
        and (question.since is None or record.facts.started_at >= question.since)
        and (question.until is None or record.facts.started_at < question.until)
    ]


def by_cost(records: Sequence[RequestRecord], dimension: Dimension) -> list[str]:
    """Values of ``dimension``, the dearest first."""
    values = {VALUE[dimension](record.facts) for record in records}
    costs = {value: Money(0) for value in values}
    for record in records:
        costs[VALUE[dimension](record.facts)] += record.cost
    return sorted(values, key=lambda value: (-costs[value].nanos, value))


def expected(records: Sequence[RequestRecord], question: UsageQuestion) -> list[UsageRow]:
    records = asked_for(records, question)
    order = by_cost(records, question.by)
    if question.by in {Dimension.HOUR, Dimension.DAY, Dimension.MONTH}:
        order = sorted(order)
    top = by_cost(records, question.split)[: question.top] if question.split else []
    rows = []
    for by in order:
        name = NAMES[by] if question.by is Dimension.KEY else None
        rest = [record for record in records if VALUE[question.by](record.facts) == by]
        for value in top:
            assert question.split is not None
            part = [r for r in rest if VALUE[question.split](r.facts) == value]
            split_name = NAMES[value] if question.split is Dimension.KEY else None
            if part:
                rows.append(UsageRow(by, sums_of(part), name, value, split_name))
                rest = [record for record in rest if record not in part]
        if rest:
            rows.append(UsageRow(by, sums_of(rest), name))
    return rows


@pytest.mark.parametrize("fields", FILTERS, ids=str)
async def test_sums_are_those_of_the_requests(log: Log, fields: dict[str, Any]) -> None:
    for by, split, top in itertools.product(BY, SPLITS, (1, 2, 10)):
        if by is split:
            continue
        question = UsageQuestion(by=by, split=split, top=top, **fields)
        for limit in (1, 2, 1000):
            assert await log.rows(question, limit=limit) == expected(log.records, question)
    assert await discrepancies(log.store) == []


async def test_a_request_that_is_logged_late_counts_in_the_hour_in_which_it_began(
    store: SqliteStore,
) -> None:
    await make_key(store, "key_1")
    costs = {3: 5, 9: 7, 1: 11, 5: 13, 9.5: 17}
    for number, (hour, cost) in enumerate(costs.items()):
        facts = RequestFacts(
            f"req_{number}", "key_1", "m", "p", "/", False, FIRST + HOUR * hour, "yaml"
        )
        outcome = RequestOutcome(200, 1, None, None, Evidence.PROVIDER_USAGE)
        await store.ledger.settle_all([RequestRecord(facts, outcome, Money(cost))])
    for begin, end in itertools.combinations(range(12), 2):
        question = UsageQuestion(by=Dimension.KEY, since=FIRST + begin * HOUR)
        question = replace(question, until=FIRST + end * HOUR)
        page = await store.reports.usage(question, cursor=None, limit=10)
        within = [cost for hour, cost in costs.items() if begin <= hour < end]
        assert [row.sums.cost.nanos for row in page.rows] == ([sum(within)] if within else [])
    assert await discrepancies(store) == []


async def test_keys_that_cost_nothing_are_among_those_that_asked(store: SqliteStore) -> None:
    for key_id in ("key_1", "key_2", "key_3"):
        await make_key(store, key_id)
    for key_id, cost in (("key_1", 0), ("key_2", 4)):
        facts = RequestFacts(key_id, key_id, "m", "p", "/", False, START, "yaml")
        outcome = RequestOutcome(402, 1, None, None, Evidence.NOT_SENT)
        await store.ledger.settle_all([RequestRecord(facts, outcome, Money(cost))])
    page = await store.reports.usage(UsageQuestion(by=Dimension.KEY), cursor=None, limit=10)
    assert [(row.by, row.sums.requests) for row in page.rows] == [("key_2", 1), ("key_1", 1)]


@pytest.mark.parametrize("by", BY)
async def test_without_requests_there_are_no_sums(store: SqliteStore, by: Dimension) -> None:
    page = await store.reports.usage(UsageQuestion(by=by), cursor=None, limit=10)
    assert (page.rows, page.next_cursor) == ([], None)
