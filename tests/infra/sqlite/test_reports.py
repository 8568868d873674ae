"""What an administrator reads back: every filter and page against a list in memory."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from pouch.domain.errors import InvalidRequestError
from pouch.domain.ledger import Evidence, RequestFacts, RequestOutcome, RequestRecord
from pouch.domain.money import Money
from pouch.domain.reports import LoggedRequest, RequestFilter
from pouch.infra.sqlite import SqliteStore, ledger
from pouch.infra.sqlite.reports import OPEN_RESERVATIONS
from pouch.infra.sqlite.request_log import requests_query
from pouch.service.key_terms import KeyChange, NewKey
from pouch.service.keys import KeyService
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite.books import USAGE, facts, hold, outcome, pouch, settlement

HOUR = timedelta(hours=1)
FILTERS: tuple[dict[str, object], ...] = (
    {"key_id": "key_2"},
    {"model": "b"},
    {"provider": "y"},
    {"status": 402},
    {"status": 200},
    {"since": START + 20 * HOUR},
    {"until": START + 9 * HOUR},
    {"since": START + 5 * HOUR, "until": START + 5 * HOUR},
    {"evidence": Evidence.REFUSED},
    {"evidence": Evidence.PROVIDER_USAGE},
    {"error": "budget_exceeded"},
    {"failed": True},
    {"failed": False},
    {"stream": False},
)


@dataclass(frozen=True, slots=True)
class Log:
    """A store, and what was recorded in it, newest first."""

    store: SqliteStore
    records: list[RequestRecord]

    async def pages(self, wanted: RequestFilter, limit: int) -> list[LoggedRequest]:
        found: list[LoggedRequest] = []
        cursor = None
        while True:
            page = await self.store.reports.requests(wanted, cursor=cursor, limit=limit)
            found += page.items
            assert len(page.items) == limit or page.next_cursor is None
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor


@pytest.fixture
async def log(store: SqliteStore) -> Log:
    """Sixty requests; some begin at the same moment, and ids do not tell when."""
    chance = random.Random(3)
    records = []
    for number in range(60):
        facts = RequestFacts(
            request_id=f"req_{chance.randrange(10**6):06}",
            key_id=f"key_{chance.randrange(3)}",
            model=chance.choice("abc"),
            provider=chance.choice("xyz"),
            endpoint="/v1/chat/completions",
            stream=number % 2 == 0,
            started_at=START + HOUR * chance.randrange(30),
            price_source="yaml",
        )
        status = chance.choice((200, 200, 402, 502))
        usage = USAGE if status == 200 else None
        evidence = {200: Evidence.PROVIDER_USAGE, 402: Evidence.NOT_SENT, 502: Evidence.REFUSED}
        error = "budget_exceeded" if status == 402 else None
        outcome = RequestOutcome(status, 120, None, usage, evidence[status], error=error)
        records.append(RequestRecord(facts, outcome, Money(number)))
    await asyncio.gather(*(store.ledger.settle_all([record]) for record in records))
    records.sort(key=lambda r: (r.facts.started_at, r.facts.request_id), reverse=True)
    return Log(store, records)


def matches(record: RequestRecord, wanted: RequestFilter) -> bool:
    facts = record.facts
    return (
        wanted.key_id in {None, facts.key_id}
        and wanted.model in {None, facts.model}
        and wanted.provider in {None, facts.provider}
        and wanted.status in {None, record.outcome.status}
        and (wanted.since is None or facts.started_at >= wanted.since)
        and (wanted.until is None or facts.started_at < wanted.until)
        and wanted.evidence in {None, record.outcome.evidence}
        and wanted.error in {None, record.outcome.error}
        and wanted.failed in {None, record.outcome.status >= 400}
        and wanted.stream in {None, facts.stream}
    )


ONE_OR_TWO = [
    {**one, **other} for one, other in itertools.combinations_with_replacement(FILTERS, 2)
]


@pytest.mark.parametrize("fields", [{}, *ONE_OR_TWO], ids=str)
async def test_filters_and_pages_give_what_matches_newest_first(
    log: Log, fields: dict[str, Any]
) -> None:
    wanted = RequestFilter(**fields)
    expected = [r.facts.request_id for r in log.records if matches(r, wanted)]
    for limit in (1, 7, 100):
        assert [found.id for found in await log.pages(wanted, limit)] == expected


async def plan_of(store: SqliteStore, query: str, values: Sequence[object] = ()) -> str:
    return "; ".join(
        row[3] for row in await store._reader.rows("EXPLAIN QUERY PLAN " + query, values)
    )


@pytest.mark.parametrize(
    ("fields", "index"),
    [
        ({}, "requests_by_time"),
        ({"key_id": "key_2"}, "requests_by_key"),
        ({"key_id": "key_2", "status": 402}, "requests_by_key"),
        ({"model": "b"}, "requests_by_model"),
        ({"provider": "y"}, "requests_by_provider"),
        ({"status": 402}, "requests_by_status"),
        ({"status": 200}, "requests_by_time"),
        ({"since": START}, "requests_by_time"),
        ({"until": START}, "requests_by_time"),
        ({"model": "b", "until": START}, "requests_by_model"),
        ({"evidence": Evidence.HELD_FULL}, "requests_by_evidence"),
        ({"evidence": Evidence.PROVIDER_USAGE}, "requests_by_time"),
        ({"error": "budget_exceeded"}, "requests_by_error"),
        ({"error": "budget_exceeded", "since": START}, "requests_by_error"),
        ({"failed": True}, "requests_that_failed"),
        ({"failed": False}, "requests_by_time"),
        ({"stream": True}, "requests_by_time"),
        ({"stream": False}, "requests_by_time"),
    ],
    ids=str,
)
async def test_each_filter_is_answered_by_an_index_in_its_order(
    store: SqliteStore, fields: dict[str, Any], index: str
) -> None:
    """Or else a page of a long log would read all of it. Only what began in the same microsecond
    has to be sorted.
    """
    for cursor in (None, "req_1"):
        query, values = requests_query(RequestFilter(**fields), cursor=cursor, limit=50)
        plan = await plan_of(store, query, values)
        assert f"requests USING INDEX {index}" in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan


@pytest.mark.parametrize("query", [OPEN_RESERVATIONS, ledger.OWNERS, ledger.LEFT])
async def test_what_is_open_is_found_without_what_has_ended(store: SqliteStore, query: str) -> None:
    plan = await plan_of(store, query, ["1"] * query.count("?"))
    assert "INDEX reservations_open" in plan


async def test_a_settled_request_can_be_read_back_whole(store: SqliteStore) -> None:
    await store.keys.create_pouch(pouch("app", 100))
    await store.ledger.reserve(hold("a", 60))
    assert await store.reports.request("request of a") is None
    await store.ledger.settle(settlement("a", 25))
    assert await store.reports.request("request of a") == LoggedRequest(
        id="request of a",
        key_id="key_1",
        model="gpt-4o",
        provider="openai",
        endpoint="/v1/chat",
        stream=True,
        status=200,
        started_at=START,
        latency_ms=120,
        first_byte_ms=30,
        reserved=Money(60),
        cost=Money(25),
        usage=replace(USAGE),
        evidence=Evidence.PROVIDER_USAGE,
        price_source="yaml",
        error=None,
    )


async def test_the_first_word_on_a_request_is_the_last(log: Log) -> None:
    known = log.records[0]
    again = replace(known, cost=Money(10**6), outcome=replace(known.outcome, status=500))
    await log.store.ledger.settle_all([again])
    found = await log.store.reports.request(known.facts.request_id)
    assert found is not None
    assert (found.cost, found.status) == (known.cost, known.outcome.status)


async def test_a_page_that_begins_nowhere_is_refused(log: Log) -> None:
    with pytest.raises(InvalidRequestError, match="no cursor of this list") as refusal:
        await log.store.reports.requests(RequestFilter(), cursor="req_gone", limit=10)
    assert refusal.value.param == "cursor"


async def test_a_request_bears_the_name_that_its_key_has_now(store: SqliteStore) -> None:
    keys = KeyService(store.keys, FakeClock())
    made = await keys.create(NewKey("früher"))
    key_id = made.stored.key.id
    await store.ledger.settle_all([RequestRecord(facts(key_id=key_id), outcome())])
    await keys.change(key_id, KeyChange(name="später"))
    page = await store.reports.requests(RequestFilter(key_id=key_id), cursor=None, limit=10)
    assert [found.key_name for found in page.items] == ["später"]


async def test_open_reservations_come_oldest_first_until_they_end(store: SqliteStore) -> None:
    await store.keys.create_pouch(pouch("app", 100))
    for name in ("a", "b", "c"):
        await store.ledger.reserve(hold(name, 10))
    await store.ledger.settle(settlement("b", 5))
    found = await store.reports.open_reservations(limit=10)
    assert [(r.id, r.pouch_id, r.amount, r.started_at) for r in found] == [
        ("a", "app", Money(10), START),
        ("c", "app", Money(10), START),
    ]
    assert [r.id for r in await store.reports.open_reservations(limit=1)] == ["a"]
