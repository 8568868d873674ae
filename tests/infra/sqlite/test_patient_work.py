"""Work that nobody waits for shares the commit of what comes next."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pouch.infra.sqlite.writer import Work, Writer
from tests.infra.sqlite.books import opened


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    connection = sqlite3.connect(
        tmp_path / "w.db", isolation_level=None, check_same_thread=False, timeout=0.05
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x INTEGER PRIMARY KEY) STRICT")
    writer = Writer(connection)
    yield writer
    await writer.close()


def add(x: int) -> Work[int]:
    """Insert ``x``; how many rows there are then."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (x,))
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])

    return work


def rows(tmp_path: Path) -> list[int]:
    with opened(tmp_path / "w.db") as connection:
        return [x for (x,) in connection.execute("SELECT x FROM t ORDER BY x")]


async def test_patient_work_goes_before_what_comes_next_in_one_transaction(
    writer: Writer, tmp_path: Path
) -> None:
    settling = asyncio.create_task(writer.run(add(1), patient=True))
    await asyncio.sleep(0)
    transactions = writer._connection.total_changes
    assert rows(tmp_path) == []

    def both(connection: sqlite3.Connection) -> int:
        return connection.total_changes - transactions

    assert await writer.run(both) == 1
    assert settling.done()
    assert rows(tmp_path) == [1]


async def test_patient_work_that_stays_alone_is_applied_by_itself(
    writer: Writer, tmp_path: Path
) -> None:
    await asyncio.wait_for(writer.run(add(1), patient=True), 5)
    await asyncio.wait_for(asyncio.gather(*(writer.run(add(i), patient=True) for i in (2, 3))), 5)
    assert rows(tmp_path) == [1, 2, 3]


async def test_patient_work_that_comes_during_a_commit_is_applied_after_it(
    writer: Writer, tmp_path: Path
) -> None:
    first = asyncio.create_task(writer.run(add(1)))
    while not rows(tmp_path):
        await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(first, writer.run(add(2), patient=True)), 5)
    assert rows(tmp_path) == [1, 2]


async def test_closing_applies_patient_work(writer: Writer, tmp_path: Path) -> None:
    settling = asyncio.create_task(writer.run(add(1), patient=True))
    await asyncio.sleep(0)
    await writer.close()
    assert await settling == 1
    assert rows(tmp_path) == [1]
