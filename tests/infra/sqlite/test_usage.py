"""The sums stand and fall with the requests that they are of."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from pouch.domain.ledger import RequestRecord
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from tests.infra.sqlite.books import (
    discrepancies,
    facts,
    hold,
    opened,
    outcome,
    pouch,
    settlement,
)


def counted(path: Path) -> tuple[int, int, int]:
    """Requests and nano-dollars by hour and key, and nano-dollars that keys had cost in the end."""
    with opened(path) as behind:
        [requests, cost] = behind.execute(
            "SELECT coalesce(sum(requests), 0), coalesce(sum(cost_nanos), 0) FROM usage_hours"
        ).fetchone()
        [in_the_end] = behind.execute(
            "SELECT coalesce(max(cost_nanos), 0) FROM usage_costs"
        ).fetchone()
    return requests, cost, in_the_end


async def test_what_is_settled_together_is_summed_up_once(store: SqliteStore, path: Path) -> None:
    await store.keys.create_pouch(pouch("app"))
    names = [f"r{number}" for number in range(20)]
    await asyncio.gather(*(store.ledger.reserve(hold(name, 100)) for name in names))
    assert counted(path) == (0, 0, 0)

    await asyncio.gather(*(store.ledger.settle(settlement(name, 3)) for name in names))

    assert counted(path) == (20, 60, 60)
    assert await discrepancies(store) == []


async def test_what_is_written_twice_counts_once(store: SqliteStore, path: Path) -> None:
    await store.keys.create_pouch(pouch("app"))
    await store.ledger.reserve(hold("a", 100))
    record = RequestRecord(facts("req_b"), outcome(), Money(4))
    for _ in range(2):
        await store.ledger.settle(settlement("a", 3))
        await store.ledger.settle_all([record])
    assert counted(path) == (2, 7, 7)


async def test_a_batch_that_a_bug_breaks_up_is_counted_as_it_is_logged(
    store: SqliteStore, path: Path
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    records = [RequestRecord(facts(f"req_{n}"), outcome(), Money(5)) for n in range(3)]
    done = await asyncio.gather(
        store.ledger.settle_all([records[0]]),
        store.ledger.settle_all([records[1]]),
        store._writer.run(broken),
        store.ledger.settle_all([records[2]]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in done if outcome] == [ZeroDivisionError]
    assert counted(path) == (3, 15, 15)
    assert await discrepancies(store) == []


@pytest.mark.parametrize(
    ("statement", "seen"),
    [
        (
            "UPDATE usage_hours SET requests = 3",
            "usage of key key_1 in hour 491244, gpt-4o at openai: off its requests by 1, "
            "and 0 nano-USD",
        ),
        (
            "UPDATE usage_hours SET reasoning_tokens = 0",
            "usage of key key_1 in hour 491244, gpt-4o at openai: off its requests by 0, "
            "and 0 nano-USD",
        ),
        (
            "DELETE FROM usage_hours",
            "usage of key key_1 in hour 491244, gpt-4o at openai: off its requests by -2, "
            "and -7 nano-USD",
        ),
        (
            "UPDATE usage_models SET cost_nanos = 9",
            "usage in hour 491244, gpt-4o at openai: off that of the keys by 0 requests, "
            "and 2 nano-USD",
        ),
        (
            "DELETE FROM usage_models",
            "usage in hour 491244, gpt-4o at openai: off that of the keys by -2 requests, "
            "and -7 nano-USD",
        ),
        (
            "UPDATE usage_costs SET cost_nanos = 8",
            "usage of key key_1 in hour 491244: the cost so far is off by 1 nano-USD",
        ),
        (
            "DELETE FROM usage_costs",
            "usage of key key_1 in hour 491244: the cost so far is off by -7 nano-USD",
        ),
        (
            "INSERT INTO usage_costs VALUES ('key_2', 5, 0)",
            "usage of key key_2 in hour 5: the cost so far is off by 0 nano-USD",
        ),
        (
            "DELETE FROM requests WHERE id = 'req_0'",
            "usage of key key_1 in hour 491244, gpt-4o at openai: off its requests by 1, "
            "and 3 nano-USD",
        ),
    ],
)
async def test_sums_that_are_off_are_found(
    store: SqliteStore, path: Path, statement: str, seen: str
) -> None:
    for number, cost in enumerate((3, 4)):
        record = RequestRecord(facts(f"req_{number}"), outcome(), Money(cost))
        await store.ledger.settle_all([record])
    assert await discrepancies(store) == []
    with opened(path) as behind:
        assert behind.execute(statement).rowcount == 1
    assert seen in await discrepancies(store)
