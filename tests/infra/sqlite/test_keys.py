"""What keys and pouches in a file have beyond the contract: limits that move, depth, use."""

from datetime import timedelta

import pytest

from pouch.domain.errors import BudgetExceededError, ConflictError
from pouch.domain.ledger import Evidence, RequestRecord
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.balances import DEPTH_MAX
from tests.fakes.clock import START
from tests.infra.sqlite.books import (
    balance,
    discrepancies,
    facts,
    hold,
    outcome,
    pouch,
    settlement,
)
from tests.infra.sqlite.test_keys_contract import create


async def test_a_limit_lowered_below_what_is_spent_blocks_until_there_is_room(
    store: SqliteStore,
) -> None:
    await store.keys.create_pouch(pouch("app", 100))
    await store.ledger.reserve(hold("a", 40))
    await store.ledger.settle(settlement("a", 40))
    await store.ledger.reserve(hold("b", 50))
    assert await store.keys.change_pouch("app", {"limit": Money(60)})
    assert await balance(store) == (40, 50)
    assert await discrepancies(store) == []
    with pytest.raises(BudgetExceededError):
        await store.ledger.reserve(hold("c", 1))
    await store.ledger.settle(settlement("b", 50))
    assert await balance(store) == (90, 0)
    assert await store.keys.change_pouch("app", {"limit": Money(91)})
    assert (await store.ledger.reserve(hold("d", 9, least=1))).amount == Money(1)
    assert await store.keys.change_pouch("app", {"limit": None})
    await store.ledger.reserve(hold("e", 10**6))
    assert await store.keys.change_pouch("app", {"limit": Money(0)})
    assert await discrepancies(store) == []


async def test_a_pouch_that_moves_takes_along_what_is_asked_next_and_nothing_before(
    store: SqliteStore,
) -> None:
    await store.keys.create_pouch(pouch("old", 1000))
    await store.keys.create_pouch(pouch("new", 1000))
    await store.keys.create_pouch(pouch("app", inside="old"))
    await store.ledger.reserve(hold("before", 100))
    await store.keys.change_pouch("app", {"parent_id": "new"})
    await store.ledger.reserve(hold("after", 10))
    await store.ledger.settle(settlement("before", 70))
    await store.ledger.settle(settlement("after", 0, Evidence.NOT_SENT))
    assert [await balance(store, name) for name in ("app", "old", "new")] == [
        (70, 0),
        (70, 0),
        (0, 0),
    ]
    assert await discrepancies(store) == []


async def test_pouches_lie_inside_one_another_only_so_deep(store: SqliteStore) -> None:
    await store.keys.create_pouch(pouch("p1"))
    for depth in range(2, DEPTH_MAX + 1):
        await store.keys.create_pouch(pouch(f"p{depth}", inside=f"p{depth - 1}"))
    with pytest.raises(ConflictError, match="16 deep"):
        await store.keys.create_pouch(pouch("one more", inside=f"p{DEPTH_MAX}"))
    await store.ledger.reserve(hold("a", 10, of=f"p{DEPTH_MAX}"))
    assert await balance(store, "p1") == (0, 10)


async def test_a_pouch_moves_with_all_that_lies_inside_it_or_not_at_all(
    store: SqliteStore,
) -> None:
    for name in ("a", "b", "c"):
        await store.keys.create_pouch(pouch(f"{name}1"))
        for depth in range(2, 8):
            await store.keys.create_pouch(pouch(f"{name}{depth}", inside=f"{name}{depth - 1}"))
    assert await store.keys.change_pouch("a1", {"parent_id": "b7"})
    with pytest.raises(ConflictError, match="16 deep"):
        await store.keys.change_pouch("b1", {"parent_id": "c7"})
    assert await store.keys.change_pouch("b1", {"parent_id": "c2"})
    await store.ledger.reserve(hold("a", 10, of="a7"))
    assert await balance(store, "c1") == (0, 10)
    assert await balance(store, "c3") == (0, 0)


async def test_a_key_tells_when_it_was_last_used(store: SqliteStore) -> None:
    await create(store.keys)
    await create(store.keys, "key_2")
    for number, minute in enumerate((10, 30, 20)):
        at = START + timedelta(minutes=minute)
        record = RequestRecord(facts(f"req_{number}", at=at), outcome(Evidence.FREE))
        await store.ledger.settle_all([record])
    stored = await store.keys.get("key_1")
    assert stored is not None
    assert stored.last_used_at == START + timedelta(minutes=30)
    page = await store.keys.page(cursor=None, limit=9)
    assert [item.last_used_at for item in page.items] == [None, stored.last_used_at]


async def test_names_may_hold_what_sql_would_read(store: SqliteStore) -> None:
    name = "'; DROP TABLE keys; --"
    await create(store.keys)
    assert await store.keys.change("key_1", {"name": name})
    stored = await store.keys.get("key_1")
    assert stored is not None
    assert stored.key.name == name


async def test_pouches_come_in_the_order_of_their_ids_with_their_balances(
    store: SqliteStore,
) -> None:
    for name in ("c", "a", "b"):
        await store.keys.create_pouch(pouch(name, 100))
    await store.ledger.reserve(hold("x", 30, of="a"))
    found = await store.keys.pouches()
    assert [(p.id, p.reserved.nanos) for p in found] == [("a", 30), ("b", 0), ("c", 0)]
