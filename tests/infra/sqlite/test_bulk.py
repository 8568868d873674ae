"""Statements of many rows: whatever their number, each row is written, changed and found once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from pouch.infra.sqlite import bulk


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE things (id TEXT PRIMARY KEY, size INTEGER)")
        yield connection


@pytest.mark.parametrize("count", [0, 1, 2, 3, 31, 32, 33, 63, 64, 100])
def test_any_number_of_rows(connection: sqlite3.Connection, count: int) -> None:
    rows = [(f"t{number}", number) for number in range(count)]
    bulk.insert(connection, "things (id, size)", rows)
    assert connection.execute("SELECT * FROM things ORDER BY size").fetchall() == rows

    ids = [name for name, _ in rows]
    found = bulk.select(connection, "SELECT id, size FROM things", [*ids, "nothing"])
    assert sorted(found) == sorted(rows)
    assert list(bulk.select(connection, "SELECT id FROM things", [])) == []

    doubled = [(2 * size, name) for name, size in rows]
    odd = sum(size % 2 for _, size in rows)
    assert bulk.update(connection, "things", ["size"], "size % 2 = 1", doubled) == odd
    sizes = connection.execute("SELECT size FROM things ORDER BY rowid").fetchall()
    assert sizes == [(2 * size if size % 2 else size,) for _, size in rows]
