"""What is asked for together comes out as if it had been asked for one by one.

Any operations, of requests and of administrators, are applied to two copies of one store: many
awaited at once, so that the writer commits them together, and each by itself. The answers and
every table have to be the same.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings

from pouch.domain.alerts import AlertKind, AlertPolicy, AlertTarget
from pouch.domain.errors import PouchError, StoreUnavailableError
from pouch.domain.ledger import Evidence
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.writer import Work
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite.books import crash, discrepancies, hold, pouch
from tests.infra.sqlite.known_keys import make_key
from tests.infra.sqlite.operations import (
    BATCHES,
    LEFT_BY_THE_DEAD,
    PARENTS,
    Operation,
    adjust,
    change_limit,
    record,
    recover,
    reserve,
    settle,
    undo,
)

ALERTS: Final = AlertPolicy(targets=(AlertTarget("hook", frozenset(AlertKind)),))
# Whatever two stores may differ in (ids drawn at random) is left out.
TABLES: Final = (
    "SELECT * FROM pouches ORDER BY id",
    "SELECT id, revoked_at, pouch_id FROM keys ORDER BY id",
    "SELECT id, request_id, key_id, pouch_id, chain, state, amount_nanos, cost_nanos, evidence, "
    "model, provider, endpoint, stream, started_at, price_source, ended_at, ended_after_entry "
    "FROM reservations ORDER BY id",
    "SELECT * FROM entries ORDER BY id",
    "SELECT * FROM refunds ORDER BY id",
    "SELECT * FROM requests ORDER BY id",
    "SELECT number, kind, text, facts, created_at FROM alerts ORDER BY number",
    "SELECT alert_number, target, state, attempts, due_at FROM alert_deliveries ORDER BY id",
    "SELECT * FROM usage_hours ORDER BY 1, 2, 3, 4",
    "SELECT * FROM usage_models ORDER BY 1, 2, 3",
    "SELECT * FROM usage_costs ORDER BY 1, 2",
    "SELECT * FROM settings ORDER BY key",
    "SELECT count(*) FROM holders",
)

# So many a batch of one of each takes at the very least.
STATEMENTS_LEAST: Final = 20


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with pouches and keys, whose process died with open reservations."""
    path = tmp_path_factory.mktemp("begun") / "pouch.db"

    async def begin() -> None:
        store = await SqliteStore.open(path, FakeClock(), synchronous="normal")
        for name, parent in PARENTS.items():
            limit = None if name == "free" else 100
            await store.keys.create_pouch(pouch(name, limit, inside=parent, resets_at=START))
        for name in ("app", "bot"):
            await make_key(store, f"key_{name}", limit=50, inside=name)
        for reservation, name in zip(LEFT_BY_THE_DEAD, ("app", "bot", "free"), strict=True):
            await store.ledger.reserve(hold(reservation, 10, of=name))
        await crash(store)

    asyncio.run(begin())
    return path


@asynccontextmanager
async def copied(begun: Path, folder: Path) -> AsyncIterator[SqliteStore]:
    """A copy of the store, for as long as it lasts."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(begun.parent, folder)
    store = await SqliteStore.open(
        folder / begun.name, FakeClock(), synchronous="normal", alerts=ALERTS
    )
    try:
        yield store
    finally:
        await store.close()


async def outcome_of(answer: Awaitable[object]) -> object:
    """What was answered, or the refusal in words."""
    try:
        return await answer
    except StoreUnavailableError as error:
        return type(error)
    except PouchError as error:
        return type(error), str(error)


async def together(store: SqliteStore, batch: Sequence[Operation]) -> list[object]:
    return await asyncio.gather(*[outcome_of(operation(store)) for operation in batch])


async def one_by_one(store: SqliteStore, batch: Sequence[Operation]) -> list[object]:
    return [await outcome_of(operation(store)) for operation in batch]


def works_applied_alone(store: SqliteStore) -> list[object]:
    """Grows by each work for which the writer falls back to a transaction of its own."""
    alone: list[object] = []
    apply = store._writer._alone

    def watched(work: Work[object]) -> object:
        alone.append(work)
        return apply(work)

    store._writer._alone = watched  # type: ignore[method-assign]
    return alone


class Failing:
    """A connection of which one statement breaks, the first if ``fails_at`` is 0."""

    def __init__(self, connection: sqlite3.Connection, error: sqlite3.Error, fails_at: int) -> None:
        self._connection = connection
        self._error = error
        self._left = fails_at

    @property
    def has_failed(self) -> bool:
        return self._left < 0

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        if statement != "ROLLBACK" and not self.has_failed:
            self._left -= 1
            if self.has_failed:
                raise self._error
        return self._connection.execute(statement, values)

    def close(self) -> None:
        self._connection.close()


def tables(store: SqliteStore) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(store._path)) as connection:
        return [connection.execute(query).fetchall() for query in TABLES]


@given(batches=BATCHES)
@settings(max_examples=150)
async def test_a_batch_leaves_the_books_as_its_operations_one_by_one_would(
    begun: Path, tmp_path_factory: pytest.TempPathFactory, batches: Sequence[Sequence[Operation]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    async with copied(begun, folder / "b") as batched, copied(begun, folder / "s") as single:
        applied_alone = works_applied_alone(batched)
        for batch in batches:
            applied_alone.clear()
            outcomes = await together(batched, batch)
            assert outcomes == await one_by_one(single, batch)
            assert tables(batched) == tables(single)
            # One at fault breaks the transaction of all; without one, it is never tried again.
            assert bool(applied_alone) == (StoreUnavailableError in outcomes)
        assert await discrepancies(batched) == []


ONE_OF_EACH: Final = (
    reserve("r1", "app", 40, 0, "q1", 0),
    reserve("r2", "free", 2**63 - 1 - 10, 0, "q2", 1),
    settle("r1", 40, Evidence.PROVIDER_USAGE, 31),
    change_limit("app", 60),
    record("q3", "key_app", 402, 0, 0),
    reserve("r3", "bot", 20, 0, "q4", 2),
    settle("r2", 7, Evidence.COUNTED, 0),
    undo("r3"),
    adjust("app", -5),
    recover(),
    settle("r1", 40, Evidence.PROVIDER_USAGE, 0),
)


@pytest.mark.parametrize("kind", [sqlite3.OperationalError, sqlite3.IntegrityError])
async def test_a_batch_that_fails_at_any_statement_leaves_nothing_or_what_it_should(
    begun: Path, tmp_path: Path, kind: type[sqlite3.Error]
) -> None:
    async with copied(begun, tmp_path / "expected") as expected:
        before = tables(expected)
        answers, after = await one_by_one(expected, ONE_OF_EACH), tables(expected)
    fails_at, failed = 0, True
    while failed:
        async with copied(begun, tmp_path / "failing") as store:
            connection = Failing(store._writer._connection, kind("broken"), fails_at)
            store._writer._connection = connection  # type: ignore[assignment]
            outcomes = await together(store, ONE_OF_EACH)
            failed = connection.has_failed
            if failed and kind is sqlite3.OperationalError:
                assert outcomes == [StoreUnavailableError] * len(ONE_OF_EACH)
                assert tables(store) == before
                outcomes = await together(store, ONE_OF_EACH)
            assert outcomes == answers
            assert tables(store) == after
            assert await discrepancies(store) == []
        fails_at += 1
    assert fails_at > STATEMENTS_LEAST


@pytest.mark.parametrize(
    "batch",
    [
        (reserve("r1", "free", 2**63 - 10, 0, "q1", 0), settle("d1", 7, Evidence.COUNTED, 0)),
        (
            reserve("r1", "free", 2**63 - 11, 0, "q1", 0),
            reserve("r2", "free", 1, 0, "q2", 0),
            settle("r1", 2**63 - 11, Evidence.COUNTED, 0),
        ),
        (settle("d1", 2**63, Evidence.OVERRUN, 0), settle("d2", 2**63 - 200, Evidence.OVERRUN, 0)),
    ],
)
async def test_what_no_column_can_hold_is_refused_to_those_who_ask_for_it_alone(
    begun: Path, tmp_path: Path, batch: Sequence[Operation]
) -> None:
    async with copied(begun, tmp_path / "b") as batched, copied(begun, tmp_path / "s") as single:
        outcomes = await together(batched, batch)
        assert outcomes == await one_by_one(single, batch)
        assert outcomes.count(StoreUnavailableError) == 1
        assert tables(batched) == tables(single)
        assert await discrepancies(batched) == []
