"""Many rows in few statements: each statement costs more than the row that it writes."""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, TypeVar

# Rows that one statement takes. With few sizes, the connection keeps them all prepared.
SIZES: Final = (32, 16, 8, 4, 2, 1)

T = TypeVar("T")
Row = Sequence[Any]


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[Row]) -> None:
    """Insert rows of equal length; ``into`` names a table and its columns."""
    for part in _parts(rows):
        statement = _insert(into, len(part), len(part[0]))
        connection.execute(statement, tuple(chain.from_iterable(part)))


def select(
    connection: sqlite3.Connection, query: str, ids: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """The rows that ``query``, which ends before its condition, finds with one of ``ids``."""
    for part in _parts(ids):
        yield from connection.execute(_select(query, len(part)), part)


def update(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    where: str,
    rows: Sequence[Row],
) -> int:
    """Set ``columns`` in the row whose id is each row's last value, if ``where`` holds for it.

    How many rows there were.
    """
    done = 0
    for part in _parts(rows):
        statement = _update(table, tuple(columns), where, len(part))
        done += connection.execute(statement, tuple(chain.from_iterable(part))).rowcount
    return done


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


@cache
def _insert(into: str, rows: int, columns: int) -> str:
    return f"INSERT INTO {into} VALUES {_marks(rows, columns)}"  # noqa: S608 - its callers' own


@cache
def _select(query: str, ids: int) -> str:
    return f"{query} WHERE id IN ({', '.join('?' * ids)})"


@cache
def _update(table: str, columns: tuple[str, ...], where: str, rows: int) -> str:
    named = ", ".join(f"{column} = new.column{i + 1}" for i, column in enumerate(columns))
    last = len(columns) + 1
    return (
        f"UPDATE {table} SET {named} FROM (VALUES {_marks(rows, last)}) AS new "  # noqa: S608
        f"WHERE {table}.id = new.column{last} AND {where}"
    )


def _marks(rows: int, columns: int) -> str:
    row = "(" + ", ".join("?" * columns) + ")"
    return ", ".join([row] * rows)
