"""What is asked for together comes out as if it had been asked for one by one.

Any operations, of requests and of administrators, are applied to two copies of one store: many
awaited at once, so that the writer commits them together, and each by itself. The answers and
every table have to be the same.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pouch.domain.alerts import AlertKind, AlertPolicy, AlertTarget
from pouch.domain.errors import PouchError, StoreUnavailableError
from pouch.domain.ledger import Evidence, Hold, RequestOutcome, RequestRecord, Settlement
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.rows import micros
from pouch.infra.sqlite.writer import Movement, Work
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite.books import USAGE, crash, discrepancies, facts, hold, pouch
from tests.infra.sqlite.known_keys import make_key

PARENTS: Final = {"company": None, "team": "company", "app": "team", "bot": "team", "free": None}
LEFT_BY_THE_DEAD: Final = ("d1", "d2", "d3")
ALERTS: Final = AlertPolicy(targets=(AlertTarget("hook", frozenset(AlertKind)),))
NEXT_RESET: Final = START + timedelta(days=1)
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

Operation: TypeAlias = Callable[[SqliteStore], Awaitable[object]]


def reserve(reservation: str, of: str, least: int, more: int, request: str, hour: int) -> Operation:
    about = facts(request, key_id=f"key_{of}", at=START - timedelta(hours=hour))
    wanted = Hold(reservation, of, Money(least), Money(least + more), about)
    return lambda store: store.ledger.reserve(wanted)


def settle(reservation: str, cost: int, evidence: Evidence, delay_s: float) -> Operation:
    free = evidence in {Evidence.NOT_SENT, Evidence.REFUSED}
    outcome = RequestOutcome(200, 120, 30, usage=None if free else USAGE, evidence=evidence)
    ending = Settlement(reservation, Money(0 if free else cost), outcome, delay_s)
    return lambda store: store.ledger.settle(ending)


def undo(reservation: str) -> Operation:
    """What the writer does for a caller who was cancelled when it had reserved."""

    def release(store: SqliteStore) -> Awaitable[object]:
        movements, now = store.ledger._movements, micros(store._clock.now())
        work = Movement(lambda connection: movements.release(connection, reservation, now))
        work.reservation_id = reservation
        return store._writer.run(work)

    return release


def record(request: str, key: str, status: int, cost: int, hour: int) -> Operation:
    about = facts(request, key_id=key, at=START - timedelta(hours=hour))
    outcome = RequestOutcome(status, 1, None, usage=None, evidence=Evidence.FREE)
    logged = RequestRecord(about, outcome, Money(cost))
    return lambda store: store.ledger.record(logged)


def refund(request: str, amount: int | None) -> Operation:
    given = None if amount is None else Money(amount)
    return lambda store: store.ledger.refund(request, given, reason="asked")


def roll_over(name: str, *, late: bool) -> Operation:
    due = START - timedelta(hours=1) if late else START
    return lambda store: store.ledger.roll_over(name, due=due, next_reset=NEXT_RESET)


def change_limit(name: str, limit: int | None) -> Operation:
    fields = {"limit": None if limit is None else Money(limit)}
    return lambda store: store.keys.change_pouch(name, fields)


def reset(name: str) -> Operation:
    return lambda store: store.ledger.reset(name, reason="asked")


def adjust(name: str, amount: int) -> Operation:
    return lambda store: store.ledger.adjust(name, Money(amount), reason="asked")


def move(name: str, parent: str | None) -> Operation:
    return lambda store: store.keys.change_pouch(name, {"parent_id": parent})


def revoke(key: str) -> Operation:
    return lambda store: store.keys.revoke(key)


def keep_setting(value: str) -> Operation:
    return lambda store: store.set_setting("colour", value)


def recover() -> Operation:
    return lambda store: store.ledger.recover()


RESERVATIONS: Final = st.sampled_from(["r1", "r2", "r3", "r4", "r5", *LEFT_BY_THE_DEAD])
REQUESTS: Final = st.sampled_from(["q1", "q2", "q3", "q4", "q\"5' é", "request of d1"])
POUCHES: Final = st.sampled_from([*PARENTS, "none"])
KEYS: Final = st.sampled_from(["key_app", "key_bot"])
AMOUNTS: Final = st.integers(0, 60)
HOURS: Final = st.integers(0, 2)
MOVEMENTS: Final = (
    st.builds(reserve, RESERVATIONS, POUCHES, AMOUNTS, AMOUNTS, REQUESTS, HOURS),
    # Some cost more than was reserved on evidence that does not allow it, which the tables refuse.
    st.builds(
        settle,
        RESERVATIONS,
        st.integers(0, 90),
        st.sampled_from(Evidence),
        st.sampled_from([0, 31]),
    ),
    st.builds(undo, RESERVATIONS),
    st.builds(record, REQUESTS, KEYS, st.sampled_from([200, 402]), AMOUNTS, HOURS),
)
ADMINISTRATION: Final = (
    st.builds(refund, REQUESTS, st.none() | st.integers(1, 60)),
    st.builds(roll_over, POUCHES, late=st.booleans()),
    st.builds(change_limit, POUCHES, st.none() | st.integers(0, 200)),
    st.builds(reset, POUCHES),
    st.builds(adjust, POUCHES, st.integers(-60, 60)),
    st.builds(move, POUCHES, st.none() | POUCHES),
    st.builds(revoke, KEYS),
    st.builds(keep_setting, st.text(max_size=3)),
    st.builds(recover),
)
BATCHES: Final = st.lists(
    st.lists(st.one_of(*MOVEMENTS, *MOVEMENTS, *ADMINISTRATION), min_size=1, max_size=12),
    min_size=1,
    max_size=5,
)


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


async def copied(begun: Path, folder: Path) -> SqliteStore:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(begun.parent, folder)
    return await SqliteStore.open(
        folder / begun.name, FakeClock(), synchronous="normal", alerts=ALERTS
    )


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


def tables(store: SqliteStore) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(store._path)) as connection:
        return [connection.execute(query).fetchall() for query in TABLES]


@given(batches=BATCHES)
@settings(max_examples=150)
async def test_a_batch_leaves_the_books_as_its_operations_one_by_one_would(
    begun: Path, tmp_path_factory: pytest.TempPathFactory, batches: Sequence[Sequence[Operation]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    batched = await copied(begun, folder / "batched")
    single = await copied(begun, folder / "single")
    applied_alone = works_applied_alone(batched)
    try:
        for batch in batches:
            applied_alone.clear()
            outcomes = await together(batched, batch)
            assert outcomes == await one_by_one(single, batch)
            assert tables(batched) == tables(single)
            # One at fault breaks the transaction of all; without one, it is never tried again.
            assert bool(applied_alone) == (StoreUnavailableError in outcomes)
        assert await discrepancies(batched) == []
    finally:
        await batched.close()
        await single.close()
