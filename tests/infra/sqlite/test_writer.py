"""The one writer: order, batches, cancelled callers, work that fails, and the end."""

import asyncio
import logging
import random
import sqlite3
from pathlib import Path

import pytest

from pouch.domain.errors import ConflictError, StoreUnavailableError
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite import writer as writing
from pouch.infra.sqlite.writer import Work, Writer
from tests.infra.sqlite.books import balance, discrepancies, hold, pouch
from tests.infra.sqlite.numbers import add, rows


def remove(x: int) -> Work[int]:
    return lambda connection: connection.execute("DELETE FROM t WHERE x = ?", (x,)).rowcount


async def add_one_and_miss_the_answer(writer: Writer, undo: Work[object]) -> None:
    """Be cancelled when the answer is there, and before it can be taken."""
    missing: list[asyncio.Task[int]] = []

    async def first_to_hear() -> None:
        await writer.run(lambda _: None)
        assert missing[0].cancel()

    hearing = asyncio.create_task(first_to_hear())
    missing.append(asyncio.create_task(writer.run(add(1), undo=undo)))
    await asyncio.sleep(0)
    answer = writer._queue[1].done
    with pytest.raises(asyncio.CancelledError):
        await missing[0]
    assert answer.result() == 1
    await hearing


async def test_what_is_asked_together_is_applied_in_order_in_one_transaction(
    writer: Writer, tmp_path: Path
) -> None:
    seen: list[list[int]] = []

    def look(_: sqlite3.Connection) -> None:
        seen.append(rows(tmp_path))

    counts = await asyncio.gather(*(writer.run(add(i)) for i in range(50)), writer.run(look))
    assert counts[:-1] == list(range(1, 51))
    assert seen == [[]]
    assert rows(tmp_path) == list(range(50))


async def test_a_refusal_does_not_concern_the_others(writer: Writer, tmp_path: Path) -> None:
    def refuse(_: sqlite3.Connection) -> None:
        raise ConflictError("no")

    outcomes = await asyncio.gather(
        writer.run(add(1)), writer.run(refuse), writer.run(add(2)), return_exceptions=True
    )
    assert [outcomes[0], outcomes[2]] == [1, 2]
    assert isinstance(outcomes[1], ConflictError)
    assert rows(tmp_path) == [1, 2]


async def test_a_bug_in_one_work_leaves_nothing_of_it_and_all_of_the_others(
    writer: Writer, tmp_path: Path
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        add(99)(connection)
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        writer.run(add(1)), writer.run(broken), writer.run(add(2)), return_exceptions=True
    )
    assert [outcomes[0], outcomes[2]] == [1, 2]
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert rows(tmp_path) == [1, 2]


@pytest.mark.parametrize("number", [1, 2**63])
async def test_what_the_store_cannot_hold_is_refused_and_told_to_the_log(
    writer: Writer, tmp_path: Path, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    await writer.run(add(1))
    with pytest.raises(StoreUnavailableError):
        await writer.run(add(number))
    assert "the store does not take a write" in caplog.text
    assert rows(tmp_path) == [1]


async def test_who_is_cancelled_before_the_flush_leaves_nothing(
    writer: Writer, tmp_path: Path
) -> None:
    waiting = asyncio.create_task(writer.run(add(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    await writer.run(add(2))
    assert rows(tmp_path) == [2]


async def test_work_of_the_cancelled_is_undone_if_it_was_applied(
    writer: Writer, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    applied = asyncio.Event()

    def slow(connection: sqlite3.Connection) -> int:
        loop.call_soon_threadsafe(applied.set)
        return add(1)(connection)

    waiting = asyncio.create_task(writer.run(slow, undo=remove(1)))
    await applied.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await writer.run(add(2))
    await writer.run(add(3))
    assert rows(tmp_path) == [2, 3]


async def test_work_is_undone_if_the_caller_is_cancelled_after_the_answer_was_there(
    writer: Writer, tmp_path: Path
) -> None:
    await add_one_and_miss_the_answer(writer, remove(1))
    await writer.run(add(2))
    assert rows(tmp_path) == [2]


async def test_an_undo_that_the_store_does_not_take_is_tried_again(
    writer: Writer, tmp_path: Path
) -> None:
    tries: list[int] = []

    def undo(connection: sqlite3.Connection) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise sqlite3.OperationalError("disk I/O error")
        remove(1)(connection)

    await add_one_and_miss_the_answer(writer, undo)
    await asyncio.wait_for(writer._idle.wait(), 5)
    assert (len(tries), rows(tmp_path)) == (1, [1])
    with pytest.raises(StoreUnavailableError):
        await writer.run(add(2))
    await writer.run(add(3))
    assert (len(tries), rows(tmp_path)) == (3, [3])


async def test_an_undo_that_fails_for_good_is_told_to_the_log(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: sqlite3.Connection) -> None:
        raise ZeroDivisionError("no undo")

    await add_one_and_miss_the_answer(writer, broken)
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(writer._idle.wait(), 5)
    assert "could not be released: no undo" in caplog.text


async def test_a_commit_that_fails_leaves_nothing_and_blocks_nothing(
    writer: Writer, tmp_path: Path
) -> None:
    def defer_a_violation(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE child (x REFERENCES t (x) DEFERRABLE INITIALLY DEFERRED)")
        connection.execute("INSERT INTO child VALUES (7)")

    await writer.run(add(1))
    writer._connection.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(StoreUnavailableError):
        await writer.run(defer_a_violation)
    await writer.run(add(2))
    assert rows(tmp_path) == [1, 2]


async def test_the_queue_is_bounded(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "QUEUE_MAX", 3)
    outcomes = await asyncio.gather(*(writer.run(add(i)) for i in range(5)), return_exceptions=True)
    assert outcomes[:3] == [1, 2, 3]
    assert all(isinstance(refused, StoreUnavailableError) for refused in outcomes[3:])


async def test_closing_applies_what_is_queued_and_takes_no_more(
    writer: Writer, tmp_path: Path
) -> None:
    queued = [asyncio.create_task(writer.run(add(i))) for i in range(10)]
    await asyncio.sleep(0)
    await writer.close()
    await writer.close()
    assert rows(tmp_path) == list(range(10))
    assert [await task for task in queued] == list(range(1, 11))
    with pytest.raises(StoreUnavailableError):
        await writer.run(add(11))


async def test_a_thread_that_has_ended_is_a_store_that_cannot_be_used(writer: Writer) -> None:
    writer._thread.stop()
    with pytest.raises(StoreUnavailableError):
        await writer.run(add(1))
    writer._closed = True
    writer._connection.close()


@pytest.mark.parametrize("seed", range(8))
async def test_a_reserve_cancelled_at_any_moment_leaves_nothing_reserved(
    store: SqliteStore, seed: int
) -> None:
    await store.keys.create_pouch(pouch("app", 10**9))
    chance = random.Random(seed)
    callers: list[asyncio.Task[None]] = []

    async def call(number: int) -> None:
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        await store.ledger.reserve(hold(f"r{seed}.{number}", 1000))
        for other in chance.sample(callers, 4):
            if other is not asyncio.current_task():
                other.cancel()

    kept = 0
    for first in range(0, 200, 40):
        callers[:] = [asyncio.create_task(call(number)) for number in range(first, first + 40)]
        for hasty in chance.sample(callers, 8):
            asyncio.get_running_loop().call_later(chance.uniform(0, 0.003), hasty.cancel)
        ends = await asyncio.gather(*callers, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends)
        kept += ends.count(None)
    await store.set_setting("after", "all of them")
    assert 0 < kept < 200
    assert await balance(store) == (0, kept * 1000)
    assert await discrepancies(store) == []
