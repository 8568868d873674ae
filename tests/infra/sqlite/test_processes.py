"""Several processes on one file: races, deaths, and who looks after what the dead left."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pouch.domain.errors import BudgetExceededError
from pouch.domain.ledger import Evidence
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.ledger import folder_of
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
from tests.infra.sqlite.holder_process import HolderProcess

Start = Callable[[], HolderProcess]


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Start a process on the store, and kill it in the end."""
    started: list[HolderProcess] = []

    def start() -> HolderProcess:
        started.append(HolderProcess(path))
        return started[-1]

    yield start
    for process in started:
        process.kill()


async def test_of_eight_at_once_four_find_room_for_four(store: SqliteStore) -> None:
    await store.keys.create_pouch(pouch("app", 400))
    together = asyncio.Barrier(8)

    async def one(number: int) -> bool:
        await together.wait()
        try:
            await store.ledger.reserve(hold(f"r{number}", 100))
        except BudgetExceededError:
            return False
        return True

    assert sum(await asyncio.gather(*(one(number) for number in range(8)))) == 4
    assert await balance(store) == (0, 400)
    assert await discrepancies(store) == []


async def test_of_two_processes_that_ask_at_once_no_more_is_admitted_than_fits(
    store: SqliteStore, start: Start
) -> None:
    await store.keys.create_pouch(pouch("app", 4000))
    processes = [start(), start()]
    assert [process.answer() for process in processes] == ["open", "open"]
    admitted: list[str] = []
    for turn in range(10):
        for name, process in zip("ab", processes, strict=True):
            process.tell("reserve", f"{name}{turn}.", 40, 10)
        for process in processes:
            admitted += process.answer()
    assert len(admitted) == len(set(admitted)) == 400
    assert await balance(store) == (0, 4000)
    assert await discrepancies(store) == []


async def test_what_a_killed_process_had_reserved_is_charged_in_full_at_once(
    store: SqliteStore, start: Start
) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    doomed, living = start(), start()
    assert [doomed.answer(), living.answer()] == ["open", "open"]
    assert doomed.ask("reserve", "doomed", 3, 100) == ["doomed0", "doomed1", "doomed2"]
    assert doomed.ask("settle", "doomed1", 40) is True
    assert living.ask("reserve", "living", 2, 100) == ["living0", "living1"]
    await store.ledger.reserve(hold("own", 50))
    assert await store.ledger.recover() == []
    doomed.kill()
    assert await store.ledger.recover() == ["doomed0", "doomed2"]
    assert await store.ledger.recover() == []
    assert living.ask("recover") == []
    assert await balance(store) == (240, 250)
    for name in ("doomed0", "doomed2"):
        logged = await store.reports.request(f"request of {name}")
        assert logged is not None
        assert (logged.evidence, logged.cost.nanos) == (Evidence.HELD_FULL, 100)
        assert (logged.status, logged.error) == (500, "gateway_stopped")
    assert not await store.ledger.settle(settlement("doomed0", 10))
    assert living.ask("settle", "living0", 10) is True
    assert await discrepancies(store) == []


async def test_two_siblings_that_recover_at_once_share_the_dead_one_s_reservations(
    store: SqliteStore, start: Start
) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    doomed, one, other = start(), start(), start()
    assert [process.answer() for process in (doomed, one, other)] == ["open"] * 3
    assert len(doomed.ask("reserve", "doomed", 10, 100)) == 10
    doomed.kill()
    one.tell("recover")
    other.tell("recover")
    recovered = sorted([*one.answer(), *other.answer()])
    assert recovered == [f"doomed{number}" for number in range(10)]
    assert await balance(store) == (1000, 0)
    assert await discrepancies(store) == []


@pytest.mark.parametrize("turn", range(3))
async def test_a_process_killed_amid_its_writes_leaves_whole_writes(
    store: SqliteStore, start: Start, turn: int
) -> None:
    await store.keys.create_pouch(pouch("team", 10**9))
    await store.keys.create_pouch(pouch("app", 10**9, inside="team"))
    doomed = start()
    assert doomed.answer() == "open"
    doomed.tell("reserve", "first", 1, 10)
    doomed.tell("reserve", "r", 5000, 10)
    assert doomed.answer() == ["first0"]
    await asyncio.to_thread(lambda: [None for _ in range(turn * 200_000)])
    doomed.kill()
    recovered = await store.ledger.recover()
    assert "first0" in recovered
    assert await balance(store) == await balance(store, "team") == (len(recovered) * 10, 0)
    assert await discrepancies(store) == []


async def test_a_recovery_that_breaks_off_is_done_by_the_next(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    dead = await SqliteStore.open(path, clock)
    for number in range(3):
        await dead.ledger.reserve(hold(f"r{number}", 100))
    await crash(dead)
    with opened(path) as behind:
        behind.execute(
            "CREATE TRIGGER no_room BEFORE UPDATE ON reservations WHEN old.id = 'r2' "
            "BEGIN SELECT RAISE (ABORT, 'cut off'); END"
        )
        broken = await SqliteStore.open(path, clock)
        with refused_because("cut off"):
            await broken.ledger.recover()
        assert await balance(store) == (0, 300)
        await crash(broken)
        behind.execute("DROP TRIGGER no_room")
    assert sorted(await store.ledger.recover()) == ["r0", "r1", "r2"]
    assert await balance(store) == (300, 0)
    assert await discrepancies(store) == []


async def test_a_reservation_of_a_holder_that_nobody_knows_is_recovered(
    store: SqliteStore, path: Path
) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    await store.ledger.reserve(hold("a", 100))
    with opened(path) as behind:
        behind.execute("UPDATE reservations SET holder_id = 'hld_unknown'")
    assert await store.ledger.recover() == ["a"]
    assert await balance(store) == (100, 0)


async def test_closing_leaves_open_reservations_to_the_next_and_no_trace_without_any(
    path: Path, clock: FakeClock
) -> None:
    first = await SqliteStore.open(path, clock)
    await first.keys.create_pouch(pouch("app", 1000))
    await first.ledger.reserve(hold("a", 100))
    await first.close()
    second = await SqliteStore.open(path, clock)
    assert await second.ledger.recover() == ["a"]
    await second.close()
    assert list(folder_of(path).glob("*.lock")) == []
    with opened(path) as behind:
        assert behind.execute("SELECT count(*) FROM holders").fetchone() == (0,)


async def test_a_store_opened_by_another_name_is_the_same_store(
    store: SqliteStore, path: Path, clock: FakeClock, tmp_path: Path
) -> None:
    await store.keys.create_pouch(pouch("app", 1000))
    await store.ledger.reserve(hold("a", 100))
    link = tmp_path / "link.db"
    link.symlink_to(path)
    other = await SqliteStore.open(link, clock)
    assert await other.ledger.recover() == []
    assert await balance(other) == (0, 100)
    await other.close()


async def test_many_processes_that_open_a_new_store_at_once_all_get_it(
    start: Start, path: Path, clock: FakeClock
) -> None:
    processes = [start() for _ in range(6)]
    assert [process.answer() for process in processes] == ["open"] * 6
    for process in processes:
        process.tell("close")
    assert [process.end() for process in processes] == [0] * 6
    store = await SqliteStore.open(path, clock)
    assert await discrepancies(store) == []
    assert await store.keys.version() == 0
    await store.close()
