"""Work that nobody waits for shares the commit of what comes next."""

import asyncio
import sqlite3
from pathlib import Path

from pouch.infra.sqlite.writer import Writer
from tests.infra.sqlite.numbers import add, rows


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
