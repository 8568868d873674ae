"""Migrations: in order, once, whole; and what the tables themselves refuse."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore, schema
from pouch.infra.sqlite.schema import migrate
from tests.fakes.clock import FakeClock
from tests.infra.sqlite.books import hold, opened, pouch, settlement

SECOND = """
CREATE TABLE colours (name TEXT NOT NULL) STRICT;
INSERT INTO colours VALUES ('red');
"""
BROKEN = """
CREATE TABLE shapes (name TEXT) STRICT;
INSERT INTO nowhere VALUES (1);
"""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "m.db", isolation_level=None)) as connection:
        yield connection


def version(connection: sqlite3.Connection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT number FROM migrations ORDER BY number")]


def tables(connection: sqlite3.Connection) -> set[str]:
    return {n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_file_gets_every_migration_once(connection: sqlite3.Connection) -> None:
    migrate(connection)
    migrate(connection)
    assert version(connection) == list(range(1, len(schema.MIGRATIONS) + 1))
    assert {"pouches", "keys", "reservations", "entries", "requests"} <= tables(connection)


def test_an_older_file_gets_what_it_lacks(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, SECOND))
    migrate(connection)
    migrate(connection)
    assert version(connection) == list(range(1, len(schema.MIGRATIONS) + 1))
    assert connection.execute("SELECT name FROM colours").fetchall() == [("red",)]


def test_a_migration_that_breaks_off_leaves_nothing_of_itself(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, SECOND, BROKEN))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(connection)
    assert not connection.in_transaction
    assert version(connection) == list(range(1, done + 2))
    assert "shapes" not in tables(connection)


def test_a_migration_that_ends_amid_a_statement_is_no_migration(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", ("CREATE TABLE shapes (name TEXT) STRICT",))
    with pytest.raises(AssertionError):
        migrate(connection)
    assert "shapes" not in tables(connection)


def test_those_that_migrate_at_once_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = tuple(f"CREATE TABLE t{n} (x INTEGER) STRICT;" for n in range(5))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, *steps))

    def one(_: int) -> list[int]:
        with closing(
            sqlite3.connect(tmp_path / "m.db", isolation_level=None, timeout=20)
        ) as connection:
            migrate(connection)
            return version(connection)

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(one, range(4)))
    assert versions == [list(range(1, len(schema.MIGRATIONS) + 1))] * 4


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(
    path: Path, clock: FakeClock
) -> None:
    store = await SqliteStore.open(path, clock)
    await store.close()
    with opened(path) as behind:
        behind.execute("INSERT INTO migrations VALUES (99)")
        before = tables(behind)
        with pytest.raises(StoreUnavailableError, match="made by a newer one"):
            await SqliteStore.open(path, clock)
        assert tables(behind) == before
        assert behind.execute("SELECT count(*) FROM holders").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET spent_delta = 0",
        "DELETE FROM entries",
        "REPLACE INTO entries SELECT * FROM entries",
        "UPDATE pouches SET spent_nanos = 1001",
        "UPDATE pouches SET reserved_nanos = -1",
        "UPDATE pouches SET spent_nanos = -1",
        "UPDATE pouches SET limit_nanos = -1",
        "UPDATE pouches SET spent_nanos = 1.5",
        "UPDATE reservations SET cost_nanos = 31",
        "UPDATE reservations SET state = 'lost'",
        "UPDATE reservations SET state = 'reserved'",
        "UPDATE reservations SET evidence = NULL",
        "DELETE FROM reservations",
        "DELETE FROM pouches",
        "INSERT INTO entries VALUES (9, 'ghost', NULL, 'reset', 0, 0, NULL, 0)",
        "UPDATE refunds SET amount_nanos = 1",
        "DELETE FROM refunds",
        "REPLACE INTO refunds SELECT * FROM refunds",
        "INSERT INTO refunds VALUES (9, 'request of a', 'a', 21, 'too much', 0)",
        "INSERT INTO refunds VALUES (9, 'request of a', 'a', 0, 'nothing', 0)",
        "INSERT INTO refunds VALUES (9, 'request of b', 'b', 1, 'never charged', 0)",
    ],
)
async def test_the_tables_refuse_what_would_break_the_books(
    store: SqliteStore, path: Path, statement: str
) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    await store.ledger.reserve(hold("a", 30))
    await store.ledger.settle(settlement("a", 30))
    await store.ledger.refund("request of a", Money(10), reason="asked")
    with opened(path) as behind:
        behind.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            behind.execute(statement)
