"""A clock, and stores on files of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pouch.infra.sqlite import SqliteStore
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
