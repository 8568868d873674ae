from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pouch.infra.clock import SystemClock
from pouch.infra.sqlite import SqliteStore
from tests.benchmarks.bulk import fill
from tests.infra.sqlite.books import balance, discrepancies, hold, pouch, settlement


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store in which one request was charged 400 nano-dollars."""
    store = await SqliteStore.open(tmp_path / "pouch.db", SystemClock())
    try:
        await store.keys.create_pouch(pouch("app", 1_000_000))
        await store.ledger.reserve(hold("rsv_1", 1000))
        await store.ledger.settle(settlement("rsv_1", 400))
        yield store
    finally:
        await store.close()


async def test_a_past_that_was_copied_is_counted_and_balances(
    store: SqliteStore, tmp_path: Path
) -> None:
    fill(tmp_path / "pouch.db", 250)

    audit = await store.ledger.verify()
    assert (audit.reservations, audit.entries) == (251, 502)
    assert await balance(store) == (251 * 400, 0)
    assert await discrepancies(store) == []


async def test_what_is_written_after_a_copied_past_balances_too(
    store: SqliteStore, tmp_path: Path
) -> None:
    fill(tmp_path / "pouch.db", 20)

    await store.ledger.reserve(hold("rsv_2", 1000))
    await store.ledger.settle(settlement("rsv_2", 300))

    assert await balance(store) == (21 * 400 + 300, 0)
    assert await discrepancies(store) == []
