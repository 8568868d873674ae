"""``python -m tests.benchmarks.reports``: what the dashboard's queries take on a large store.

A million requests of ten thousand keys over thirty days, each key as busy as any other: of all the
ways in which requests can lie, the one that leaves the most sums. The store is filled as the first
version had it, so that its migration is measured too. Times are of the port, in milliseconds.
"""

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pouch.domain.key import KeyStatus
from pouch.domain.key_report import KeyFilter, KeySort, PouchFilter, PouchSort
from pouch.domain.ledger import Evidence
from pouch.domain.reports import RequestFilter
from pouch.domain.usage_report import Dimension, UsageQuestion
from pouch.infra.clock import SystemClock
from pouch.infra.sqlite import SqliteStore, schema
from pouch.infra.sqlite.reports import SqliteReports

DAYS: Final = 30
TEAMS: Final = 20
# The newest requests have their reservations and entries, for the stories of requests.
STORIES: Final = 100_000
END: Final = datetime(2026, 3, 1, tzinfo=UTC)
KEY: Final = "key_00004242"

Query = Callable[[SqliteReports], Awaitable[object]]

_NUMBERS: Final = (
    "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ? - 1) "
)
_POUCHES: Final = (
    "INSERT INTO pouches (id, name, parent_id, limit_nanos, spent_nanos, reserved_nanos, "
    "created_at) " + _NUMBERS + "SELECT format('pouch_%08d', n), 'service ' || n, "
    "CASE WHEN n < 20 OR n % 2 THEN NULL ELSE format('pouch_%08d', n % 20) END, "
    "CASE WHEN n % 3 THEN 1000000000 END, abs(random()) % 1000000000, 0, 0 FROM numbers"
)
_KEYS: Final = (
    "INSERT INTO keys (id, name, prefix, created_at, auto_renew, disabled, stream_cost, pouch_id) "
    + _NUMBERS
    + "SELECT format('key_%08d', n), 'Service für ' || n, format('pouch-%06d', n), 0, 0, "
    "n % 50 = 0, 0, format('pouch_%08d', n + 20) FROM numbers"
)
_REQUESTS: Final = (
    "INSERT INTO requests " + _NUMBERS + ", drawn AS (SELECT n, abs(random()) AS a, "
    "abs(random()) AS b FROM numbers) SELECT format('req_%012d', n), "
    "format('key_%08d', a % ?), CASE b % 8 WHEN 0 THEN 'gpt-4o' WHEN 1 THEN 'claude' "
    "WHEN 2 THEN 'mistral' ELSE 'gpt-4o-mini' END, CASE WHEN b % 8 IN (1, 2) THEN 'other' "
    "ELSE 'openai' END, '/v1/chat/completions', b % 2, CASE WHEN b % 97 = 0 THEN 402 ELSE 200 END, "
    "? + n * ?, 900, 300, 1000000, 1000 + b % 50000, 500, 20, 300, 0, "
    "CASE WHEN b % 97 = 0 THEN 'not_sent' WHEN b % 5000 = 1 THEN 'held_full' "
    "ELSE 'provider_usage' END, 'pouch.yaml', CASE WHEN b % 97 = 0 THEN 'budget_exceeded' END "
    "FROM drawn"
)
_RESERVATIONS: Final = (
    "INSERT INTO reservations SELECT format('res_%s', substr(r.id, 5)), r.id, r.key_id, "
    "k.pouch_id, k.pouch_id, 'hld', 'settled', 1000000, r.cost_nanos, r.evidence, r.model, "
    "r.provider, r.endpoint, r.stream, r.started_at, r.price_source, r.started_at + 900000, "
    "2 * row_number() OVER (ORDER BY r.started_at) - 1 FROM requests r "
    "JOIN keys k ON k.id = r.key_id WHERE r.evidence = 'provider_usage' AND r.id >= ?"
)
_ENTRIES: Final = (
    "INSERT INTO entries SELECT ended_after_entry + part, pouch_id, id, "
    "CASE part WHEN 0 THEN 'reserve' ELSE 'settle' END, "
    "CASE part WHEN 0 THEN 0 ELSE cost_nanos END, "
    "CASE part WHEN 0 THEN 1 ELSE -1 END * amount_nanos, NULL, started_at FROM reservations "
    "JOIN (SELECT 0 AS part UNION ALL SELECT 1)"
)


def fill(path: Path, *, requests: int, keys: int) -> None:
    """A store of the first version, without what no report reads."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY) STRICT")
        for statement in schema._statements(schema.MIGRATIONS[0]):
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (1)")
        start = int((END - timedelta(days=DAYS)).timestamp() * 1_000_000)
        step = DAYS * 86_400_000_000 // requests
        connection.execute("BEGIN")
        connection.execute(_POUCHES, (keys + TEAMS,))
        connection.execute(_KEYS, (keys,))
        connection.execute(_REQUESTS, (requests, keys, start, step))
        connection.execute(_RESERVATIONS, (f"req_{max(requests - STORIES, 0):012d}",))
        connection.execute(_ENTRIES)
        connection.execute("COMMIT")


def queries(newest: str) -> dict[str, Query]:
    """Everything that a page of the dashboard asks, by what it asks."""
    month, day = END - timedelta(days=DAYS), END - timedelta(days=1)
    odd = month + timedelta(days=3, hours=7)

    def usage(by: Dimension, limit: int = 100, **fields: object) -> Query:
        question = UsageQuestion(by=by, **fields)  # type: ignore[arg-type]
        return lambda reports: reports.usage(question, cursor=None, limit=limit)

    def requests(**fields: object) -> Query:
        wanted = RequestFilter(**fields)  # type: ignore[arg-type]
        return lambda reports: reports.requests(wanted, cursor=None, limit=50)

    def keys(**fields: object) -> Query:
        wanted = KeyFilter(**fields)  # type: ignore[arg-type]
        return lambda reports: reports.keys(wanted, now=END, cursor=None, limit=50)

    def pouches(**fields: object) -> Query:
        wanted = PouchFilter(**fields)  # type: ignore[arg-type]
        return lambda reports: reports.pouches(wanted, cursor=None, limit=50)

    found: dict[str, Query] = {
        "overview": lambda reports: reports.overview(END - timedelta(seconds=1)),
        "usage by hour, 30 days": usage(Dimension.HOUR, 1000, since=month),
        "usage by day, ever": usage(Dimension.DAY),
        "usage by day and model": usage(Dimension.DAY, split=Dimension.MODEL, since=month),
        "usage by day and key": usage(Dimension.DAY, split=Dimension.KEY, since=month),
        "usage by hour and key, 1 day": usage(Dimension.HOUR, split=Dimension.KEY, since=day),
        "usage by model": usage(Dimension.MODEL, since=odd),
        "usage by key, ever": usage(Dimension.KEY),
        "usage by key, from an hour": usage(Dimension.KEY, since=odd, until=day),
        "usage by key, 1 day": usage(Dimension.KEY, since=day),
        "usage by key and model": usage(Dimension.KEY, split=Dimension.MODEL, since=odd),
        "usage by key of one model": usage(Dimension.KEY, model="gpt-4o", since=odd),
        "usage by key of most": usage(Dimension.KEY, model="gpt-4o-mini", since=odd),
        "usage by key of one provider": usage(Dimension.KEY, provider="openai", since=odd),
        "usage by day of a key": usage(Dimension.DAY, key_id=KEY, split=Dimension.MODEL),
        "request, its story": lambda reports: reports.story(newest),
        "steps of 1,000 requests": lambda reports: reports.step_times(),
        "requests": requests(),
        "requests of a key": requests(key_id=KEY),
        "requests held in full": requests(evidence=Evidence.HELD_FULL),
        "requests, budget exceeded": requests(error="budget_exceeded"),
        "requests that failed": requests(failed=True),
        "requests, no streams": requests(stream=False, since=month, until=day),
        "keys like '99' by last use": keys(text="99", sort=KeySort.LAST_USED),
        "keys that are capped": keys(status=KeyStatus.CAPPED),
        "keys that are active, by name": keys(status=KeyStatus.ACTIVE, sort=KeySort.NAME),
        "pouches in a team": pouches(parent_id="pouch_00000004"),
    }
    found |= {f"keys by {sort}": keys(sort=sort) for sort in KeySort}
    return found | {f"pouches by {sort}": pouches(sort=sort) for sort in PouchSort}


async def measure(path: Path, *, newest: str, rounds: int) -> None:
    """Print the median and the 95th percentile of each query."""
    started = time.perf_counter()
    store = await SqliteStore.open(path, SystemClock())
    say(f"migrated in {time.perf_counter() - started:.1f} s")
    say(f"{'':34}{'p50 ms':>8}{'p95 ms':>8}")
    try:
        for name, query in queries(newest).items():
            times = []
            for _ in range(rounds):
                started = time.perf_counter()
                await query(store.reports)
                times.append((time.perf_counter() - started) * 1000)
            p95 = statistics.quantiles(times, n=20)[-1]
            say(f"{name:34}{statistics.median(times):8.1f}{p95:8.1f}")
    finally:
        await store.close()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--store", type=Path, help="kept here, and used again if it is there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.store or Path(folder) / "pouch.db"
        if not path.exists():
            started = time.perf_counter()
            fill(path, requests=asked.requests, keys=asked.keys)
            say(
                f"{asked.requests:,} requests of {asked.keys:,} keys in {DAYS} days: "
                f"{path.stat().st_size / 2**20:.0f} MB in {time.perf_counter() - started:.1f} s"
            )
        newest = f"req_{asked.requests - 2:012d}"
        asyncio.run(measure(path, newest=newest, rounds=asked.rounds))


if __name__ == "__main__":
    main()
