"""Locks, full disks and damage: refused in words, nothing half-done, and well again afterwards."""

import asyncio
import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import Evidence
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import FakeClock
from tests.infra.sqlite.books import (
    balance,
    crash,
    discrepancies,
    hold,
    opened,
    pouch,
    refused_because,
    settlement,
)

PAGE_BYTES = 4096


async def test_a_store_that_another_keeps_locked_refuses_and_works_again(
    store: SqliteStore, path: Path
) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    await store.ledger.reserve(hold("a", 100))
    with opened(path) as other:
        other.execute("BEGIN IMMEDIATE")
        calls = (
            store.ledger.reserve(hold("b", 100)),
            store.ledger.settle(settlement("a", 10)),
            store.ledger.recover(),
            store.keys.change_pouch("app", {"name": "other"}),
            store.set_setting("a", "b"),
        )
        refused = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in refused] == [StoreUnavailableError] * 5
        assert "locked" in str(getattr(refused[0], "__cause__", None))
        assert await balance(store) == (0, 100)
        other.execute("ROLLBACK")
    await store.ledger.reserve(hold("b", 100))
    assert await store.ledger.settle(settlement("a", 10))
    assert await balance(store) == (10, 100)
    assert await discrepancies(store) == []


async def test_reads_do_not_wait_for_a_writer(store: SqliteStore, path: Path) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    with opened(path) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE pouches SET name = 'unseen'")
        assert [found.name for found in await store.keys.pouches()] == ["the app pouch"]
        assert await discrepancies(store) == []


@contextmanager
def no_more_bytes(path: Path) -> Iterator[None]:
    """No file of this process may grow beyond the write-ahead log's present size."""
    written = path.with_name(path.name + "-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_refuses_and_works_again_when_there_is_room(
    store: SqliteStore, path: Path
) -> None:
    await store.keys.create_pouch(pouch("team", 10**6))
    await store.keys.create_pouch(pouch("app", 10**6, inside="team"))
    await store.ledger.reserve(hold("a", 100))
    with no_more_bytes(path):
        for turn in range(3):
            refused = await asyncio.gather(
                *(store.ledger.reserve(hold(f"r{turn}.{i}", 10)) for i in range(20)),
                store.ledger.settle(settlement("a", 10)),
                return_exceptions=True,
            )
            assert {type(error) for error in refused} == {StoreUnavailableError}
        assert await balance(store) == await balance(store, "team") == (0, 100)
    assert await store.ledger.settle(settlement("a", 10))
    await store.ledger.reserve(hold("r0.0", 10))
    assert await balance(store) == await balance(store, "team") == (10, 10)
    assert await discrepancies(store) == []


async def test_a_full_database_gives_in_at_some_write_and_the_books_balance(
    store: SqliteStore,
) -> None:
    await store.keys.create_pouch(pouch("app", 10**9))
    [pages] = await store._writer.run(lambda c: c.execute("PRAGMA page_count").fetchone())
    await store._writer.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 6}").fetchone())
    made = 0
    with refused_because("full"):
        for made in range(10_000):
            await store.ledger.reserve(hold(f"r{made}", 10))
    assert made > 0
    assert await balance(store) == (0, made * 10)
    assert await discrepancies(store) == []
    await store._writer.run(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    assert await store.ledger.settle(settlement("r0", 3))
    assert await balance(store) == (3, made * 10 - 10)


async def _filled(path: Path, clock: FakeClock) -> tuple[int, int]:
    """A store of some hundred requests, closed; what its pouch has spent and reserved."""
    store = await SqliteStore.open(path, clock, synchronous="normal")
    await store.keys.create_pouch(pouch("app", 10**9))
    await asyncio.gather(*(store.ledger.reserve(hold(f"r{i}", 10)) for i in range(300)))
    await asyncio.gather(
        *(store.ledger.settle(settlement(f"r{i}", 7, Evidence.COUNTED)) for i in range(290))
    )
    filled = await balance(store)
    await store._writer.run(lambda c: None)
    await crash(store)
    with opened(path) as behind:
        behind.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return filled


async def test_damage_is_refused_or_reported_and_never_becomes_a_wrong_number(
    path: Path, clock: FakeClock, tmp_path: Path
) -> None:
    filled = await _filled(path, clock)
    chance = random.Random(7)
    found = {"refused": 0, "reported": 0, "harmless": 0}
    pages = path.stat().st_size // PAGE_BYTES
    for page in range(pages):
        damaged = tmp_path / f"{page}" / "pouch.db"
        damaged.parent.mkdir()
        shutil.copy(path, damaged)
        with damaged.open("r+b") as file:
            file.seek(page * PAGE_BYTES)
            file.write(chance.randbytes(PAGE_BYTES))
        found[await _diagnosis(damaged, clock, filled)] += 1
    assert found["refused"] >= 1
    assert found["reported"] > pages / 2
    assert found["harmless"] <= 2


async def _diagnosis(path: Path, clock: FakeClock, filled: tuple[int, int]) -> str:
    try:
        store = await SqliteStore.open(path, clock)
    except StoreUnavailableError:
        return "refused"
    try:
        audit = await store.ledger.verify()
        try:
            assert await balance(store) == filled
        except StoreUnavailableError:
            assert audit.discrepancies
        return "reported" if audit.discrepancies else "harmless"
    finally:
        await store.close()


@pytest.mark.parametrize("cost", [2**63 - 5, 2**63, 2**70])
async def test_what_the_columns_cannot_hold_is_refused_and_stays_reserved(
    store: SqliteStore, cost: int
) -> None:
    await store.keys.create_pouch(pouch("app"))
    await store.ledger.reserve(hold("a", 20))
    await store.ledger.settle(settlement("a", 20))
    await store.ledger.reserve(hold("b", 5))
    with pytest.raises(StoreUnavailableError):
        await store.ledger.reserve(hold("c", cost))
    with pytest.raises(StoreUnavailableError):
        await store.ledger.settle(settlement("b", cost, Evidence.OVERRUN))
    assert await balance(store) == (20, 5)
    assert await store.ledger.settle(settlement("b", 5, Evidence.HELD_FULL))
    assert await discrepancies(store) == []
