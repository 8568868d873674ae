"""The file: who may read it, where it cannot be, what is set in it, and how it is closed."""

import asyncio
import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Literal

import aiosqlite
import pytest

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import RequestRecord
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.ledger import folder_of
from pouch.infra.sqlite.writer import Work
from tests.fakes.clock import FakeClock
from tests.infra.sqlite.books import balance, facts, hold, opened, outcome, pouch

LEVELS: tuple[tuple[Literal["full", "normal"], int], ...] = (("full", 2), ("normal", 1))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_files_are_for_their_owner_only(store: SqliteStore, path: Path) -> None:
    await store.set_setting("a", "b")
    assert mode(path.parent) == mode(folder_of(path)) == 0o700
    files = [*path.parent.glob("pouch.db*"), *folder_of(path).iterdir()]
    assert {file.name for file in files if file.is_file()} >= {
        "pouch.db",
        "pouch.db-wal",
        "pouch.db-shm",
    }
    assert {mode(file) for file in files if file.is_file()} == {0o600}


async def test_a_wide_umask_changes_nothing(path: Path, clock: FakeClock) -> None:
    before = os.umask(0)
    try:
        store = await SqliteStore.open(path, clock)
        await store.close()
    finally:
        os.umask(before)
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)


async def test_a_folder_in_the_place_of_the_file_is_refused(path: Path, clock: FakeClock) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        await SqliteStore.open(path, clock)


async def test_a_file_in_the_place_of_the_folder_is_refused(path: Path, clock: FakeClock) -> None:
    path.parent.write_text("no folder")
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        await SqliteStore.open(path, clock)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
async def test_a_folder_that_cannot_be_written_is_refused(path: Path, clock: FakeClock) -> None:
    path.parent.mkdir(mode=0o500)
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        await SqliteStore.open(path, clock)


async def test_locks_that_cannot_be_kept_are_a_refusal(path: Path, clock: FakeClock) -> None:
    path.parent.mkdir()
    folder_of(path).write_text("no folder")
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        await SqliteStore.open(path, clock)


async def test_a_holder_whose_lock_cannot_be_tried_is_not_recovered_and_the_others_are(
    store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await store.keys.create_pouch(pouch("app", 100))
    for name in ("a", "b", "c"):
        await store.ledger.reserve(hold(name, 10))
    with opened(path) as behind:
        behind.execute("UPDATE reservations SET holder_id = 'hld_gone_' || id")
    unlockable = folder_of(path) / "hld_gone_b.lock"
    unlockable.mkdir()
    assert sorted(await store.ledger.recover()) == ["a", "c"]
    assert "the lock of holder hld_gone_b cannot be tried" in caplog.text
    assert await balance(store) == (20, 10)
    unlockable.rmdir()
    assert await store.ledger.recover() == ["b"]


async def test_a_file_that_is_no_database_is_refused_and_left_alone(
    path: Path, clock: FakeClock
) -> None:
    path.parent.mkdir()
    path.write_text("Dear reader, " * 1000)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        await SqliteStore.open(path, clock)
    assert path.read_text().startswith("Dear reader")
    assert list(folder_of(path).glob("*.lock")) == []


async def test_a_store_whose_reader_cannot_be_opened_leaves_nothing_behind(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("no more files")

    monkeypatch.setattr(aiosqlite, "connect", refuse)
    with pytest.raises(StoreUnavailableError, match="no more files"):
        await SqliteStore.open(path, clock)
    assert list(folder_of(path).glob("*.lock")) == []


async def test_the_log_is_written_ahead_and_made_durable_at_each_commit(
    path: Path, clock: FakeClock
) -> None:
    for synchronous, level in LEVELS:
        store = await SqliteStore.open(path, clock, synchronous=synchronous)
        assert await store._writer.run(_pragma("journal_mode")) == "wal"
        assert await store._writer.run(_pragma("synchronous")) == level
        assert await store._writer.run(_pragma("foreign_keys")) == 1
        await store.close()


def _pragma(name: str) -> Work[object]:
    return lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0]


async def test_the_reader_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailableError) as refused:
        await store._reader.rows("DELETE FROM settings")
    assert "readonly" in str(refused.value.__cause__)
    assert "readonly" not in str(refused.value)


async def test_settings_are_kept_and_replaced(path: Path, clock: FakeClock) -> None:
    store = await SqliteStore.open(path, clock)
    assert await store.get_setting("colour") is None
    await store.set_setting("colour", "red")
    await store.set_setting("colour", "blue")
    await store.close()
    again = await SqliteStore.open(path, clock)
    assert await again.get_setting("colour") == "blue"
    await again.close()


async def test_closing_writes_what_is_queued(path: Path, clock: FakeClock) -> None:
    store = await SqliteStore.open(path, clock)
    await store.keys.create_pouch(pouch("app", 1000))
    reserving = [
        asyncio.create_task(store.ledger.reserve(hold(f"r{number}", 10))) for number in range(20)
    ]
    await asyncio.sleep(0)
    await store.close()
    assert len([await task for task in reserving]) == 20
    with opened(path) as behind:
        assert behind.execute("SELECT reserved_nanos FROM pouches").fetchone() == (200,)


async def test_a_closed_store_refuses_everything_and_can_be_closed_again(
    path: Path, clock: FakeClock
) -> None:
    others = set(threading.enumerate())
    store = await SqliteStore.open(path, clock)
    await store.keys.create_pouch(pouch("app", 1000))
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        await store.ledger.settle_all([RequestRecord(facts(), outcome())])
    with pytest.raises(StoreUnavailableError, match="closed"):
        await store.keys.pouches()
    for thread in set(threading.enumerate()) - others:
        if not thread.name.startswith("asyncio"):
            thread.join(5)
            assert not thread.is_alive(), thread.name
