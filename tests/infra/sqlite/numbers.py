"""A table of numbers, which the fixture ``writer`` writes."""

import sqlite3
from pathlib import Path

from pouch.infra.sqlite.writer import Work
from tests.infra.sqlite.books import opened


def add(x: int) -> Work[int]:
    """Insert ``x``; how many rows there are then."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (x,))
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])

    return work


def rows(tmp_path: Path) -> list[int]:
    with opened(tmp_path / "w.db") as connection:
        return [x for (x,) in connection.execute("SELECT x FROM t ORDER BY x")]
