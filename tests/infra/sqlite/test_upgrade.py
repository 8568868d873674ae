"""A store of the first version, as that version wrote it, opened by this one."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from pouch.domain.errors import ConflictError
from pouch.domain.money import Money
from pouch.domain.usage_report import Dimension, UsageQuestion
from pouch.infra.sqlite import SqliteStore, schema
from pouch.infra.sqlite.rows import micros
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite.books import discrepancies, opened, settlement

# As the first version logged them.
REQUEST = (
    "INSERT INTO requests (id, key_id, model, provider, endpoint, stream, started_at, "
    "price_source, status, latency_ms, first_byte_ms, reserved_nanos, cost_nanos, input_tokens, "
    "cached_input_tokens, output_tokens, reasoning_tokens, evidence, error) VALUES "
    "(?, ?, ?, 'openai', '/v1/chat/completions', 0, ?, 'yaml', ?, 120, NULL, NULL, ?, ?, ?, ?, ?, "
    "'provider_usage', NULL)"
)
RESERVATION = (
    "INSERT INTO reservations (id, request_id, state, amount_nanos, cost_nanos, evidence, "
    "ended_at, ended_after_entry, key_id, pouch_id, chain, holder_id, model, provider, endpoint, "
    "stream, started_at, price_source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'key_1', 'p1', 'p1', "
    "'hld_1', 'a', 'openai', '/v1/chat/completions', 0, 0, 'yaml')"
)
HOUR = timedelta(hours=1)


@pytest.fixture
def first_version(path: Path) -> sqlite3.Connection:
    """The file of the first version, with two keys and five requests in three hours."""
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY) STRICT")
    connection.executescript(schema.MIGRATIONS[0])
    connection.execute("INSERT INTO migrations VALUES (1)")
    connection.execute(
        "INSERT INTO pouches (id, name, created_at) VALUES ('p1', 'one', 0), ('p2', 'two', 0)"
    )
    connection.execute(
        "INSERT INTO keys (id, name, prefix, created_at, auto_renew, disabled, stream_cost, "
        "pouch_id) VALUES ('key_1', 'one', 'pouch-1', 0, 0, 0, 0, 'p1'), "
        "('key_2', 'two', 'pouch-2', 0, 0, 0, 0, 'p2')"
    )
    for row in (
        ("req_1", "key_1", "a", 0, 200, 5, 10, 4, 20, 5),
        ("req_2", "key_1", "a", 0, 402, 0, None, None, None, None),
        ("req_3", "key_1", "b", 1, 200, 7, 100, 0, 3, 0),
        ("req_4", "key_2", "a", 1, 200, 11, 1, 1, 1, 1),
        ("req_5", "key_1", "a", 30, 200, 13, 2, 0, 2, 0),
    ):
        at = micros(START + row[3] * HOUR)
        connection.execute(REQUEST, (*row[:3], at, *row[4:]))
    return connection


async def test_a_store_of_the_first_version_is_summed_up_as_it_is_opened(
    first_version: sqlite3.Connection, path: Path, clock: FakeClock
) -> None:
    with closing(first_version):
        store = await SqliteStore.open(path, clock)
    by_hour = await store.reports.usage(UsageQuestion(by=Dimension.HOUR), cursor=None, limit=10)
    by_key = await store.reports.usage(
        UsageQuestion(by=Dimension.KEY, since=START + HOUR), cursor=None, limit=10
    )
    shown = [(r.by, r.sums.requests, r.sums.errors, r.sums.cost.nanos) for r in by_hour.rows]
    assert shown == [
        ("2026-01-15T12:00:00Z", 2, 1, 5),
        ("2026-01-15T13:00:00Z", 2, 0, 18),
        ("2026-01-16T18:00:00Z", 1, 0, 13),
    ]
    first = by_hour.rows[0].sums
    assert (first.input_tokens, first.cached_input_tokens) == (10, 4)
    assert (first.output_tokens, first.reasoning_tokens) == (20, 5)
    assert [(r.by, r.by_name, r.sums.cost) for r in by_key.rows] == [
        ("key_1", "one", Money(20)),
        ("key_2", "two", Money(11)),
    ]
    assert await discrepancies(store) == []
    await store.close()


async def test_what_the_first_version_did_not_write_is_not_known(
    first_version: sqlite3.Connection, path: Path, clock: FakeClock
) -> None:
    with closing(first_version):
        store = await SqliteStore.open(path, clock)
    story = await store.reports.story("req_2")
    assert story is not None
    assert (story.steps, story.reason, story.refused_by) == (None, None, None)
    assert (await store.reports.step_times()).requests == 0
    await store.close()


async def test_reservations_keep_what_points_to_them(
    first_version: sqlite3.Connection, path: Path, clock: FakeClock
) -> None:
    """Their table is made anew: its rows, their entries and refunds, and what guards them stay."""
    with closing(first_version):
        first_version.execute(
            "UPDATE pouches SET spent_nanos = 4, reserved_nanos = 9 WHERE id = 'p1'"
        )
        for reservation in (
            ("req_1.1", "req_1", "settled", 7, 5, "provider_usage", 1, 1),
            ("req_9.1", "req_9", "reserved", 9, None, None, None, None),
        ):
            first_version.execute(RESERVATION, reservation)
        first_version.execute(
            "INSERT INTO entries VALUES (1, 'p1', 'req_1.1', 'reserve', 0, 7, NULL, 0), "
            "(2, 'p1', 'req_1.1', 'settle', 5, -7, 'provider_usage', 1), "
            "(3, 'p1', 'req_9.1', 'reserve', 0, 9, NULL, 2), "
            "(4, 'p1', 'req_1.1', 'refund', -1, 0, 'wrong', 3)"
        )
        first_version.execute("INSERT INTO refunds VALUES (1, 'req_1', 'req_1.1', 1, 'wrong', 3)")
        store = await SqliteStore.open(path, clock)
    assert await discrepancies(store) == []
    story = await store.reports.story("req_1")
    assert story is not None
    assert [attempt.reservation_id for attempt in story.attempts] == ["req_1.1"]
    assert [refund.amount for refund in story.refunds] == [Money(1)]
    with pytest.raises(ConflictError):
        await store.ledger.refund("req_1", Money(5), reason="more than was charged")
    assert await store.ledger.settle(settlement("req_9.1", 8))
    assert await discrepancies(store) == []
    with opened(path) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for statement in (
            "INSERT INTO refunds VALUES (2, 'req_1', 'req_1.1', 5, 'too much', 4)",
            "INSERT INTO entries VALUES (9, 'p1', 'nothing', 'reserve', 0, 1, NULL, 0)",
            "INSERT INTO reservations SELECT * FROM reservations",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(statement)
    await store.close()
