"""A clock, and stores on files of their own."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.writer import Writer
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pouch.db"


@pytest.fixture
async def store(path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(path, clock, busy_timeout_s=0.2)
    yield store
    await store.close()


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    """A writer of a table of numbers, in ``w.db``."""
    connection = sqlite3.connect(
        tmp_path / "w.db", isolation_level=None, check_same_thread=False, timeout=0.05
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x INTEGER PRIMARY KEY) STRICT")
    writer = Writer(connection)
    yield writer
    await writer.close()
