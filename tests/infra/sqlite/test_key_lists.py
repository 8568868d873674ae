"""Keys and pouches in every order, of every status, by any part of their names."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pouch.domain.errors import InvalidRequestError
from pouch.domain.key import Key, KeyStatus
from pouch.domain.key_report import KeyFilter, KeySort, PouchFilter, PouchSort, PouchView
from pouch.domain.ledger import RequestRecord
from pouch.domain.ports import StoredKey
from pouch.infra.sqlite import SqliteStore
from pouch.service.keys import status_of
from tests.fakes.clock import START
from tests.infra.sqlite.books import facts, hold, outcome, pouch, settlement
from tests.infra.sqlite.known_keys import make_key

NOW = START + timedelta(hours=1)
PAST, FUTURE = START + timedelta(minutes=5), NOW + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class House:
    """A store with keys and pouches of every kind."""

    store: SqliteStore

    async def keys(self, limit: int = 100, **wanted: Any) -> list[StoredKey]:
        """All pages."""
        found: list[StoredKey] = []
        cursor = None
        while True:
            page = await self.store.reports.keys(
                KeyFilter(**wanted), now=NOW, cursor=cursor, limit=limit
            )
            found += page.items
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor

    async def pouches(self, limit: int = 100, **wanted: Any) -> list[PouchView]:
        """All pages."""
        found: list[PouchView] = []
        cursor = None
        while True:
            page = await self.store.reports.pouches(
                PouchFilter(**wanted), cursor=cursor, limit=limit
            )
            found += page.items
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor


def ids(keys: list[StoredKey]) -> list[str]:
    return [stored.key.id for stored in keys]


@pytest.fixture
async def house(store: SqliteStore) -> House:
    async def make(key_id: str, **fields: Any) -> Key:
        return await make_key(store, key_id, **fields)

    async def spend(key_id: str, cost: int) -> None:
        of = f"own_{key_id}"
        await store.ledger.reserve(hold(f"{key_id} spends", cost, of=of))
        await store.ledger.settle(settlement(f"{key_id} spends", cost))

    await store.keys.create_pouch(pouch("team", 100))
    await store.keys.create_pouch(pouch("due", 10, resets_at=PAST))
    await make("k01", name="Zoë", limit=100)
    disabled = await make("k02", name="zoe\u0308 2")
    expired = await make("k03", name="<b>bot</b>", expires_at=PAST)
    await make("k04", name="ÄRGER", expires_at=PAST, auto_renew=True, lifetime=timedelta(1))
    frozen = await make("k05", name="früh", frozen=True, limit=1000)
    await make("k06", name="Σίσυφος", inside="team")
    await make("k07", name="full", limit=40)
    await make("k08", name="in due", inside="due")
    for parent, name in ((disabled, "k09"), (expired, "k10"), (frozen, "k11")):
        await make(name, name=f"child of {parent.name}", minted_by=parent)
    await make("k12", name="revoked")
    await store.keys.change("k02", {"disabled": True})
    await store.keys.change("k05", {"disabled": False})
    await spend("k06", 100)
    await spend("k07", 40)
    await spend("k01", 30)
    await spend("k08", 10)
    await store.ledger.reserve(hold("held", 900, of="own_k05"))
    for key_id, minutes in (("k03", 7), ("k01", 5), ("k12", 6)):
        at = START + timedelta(minutes=minutes)
        await store.ledger.settle_all(
            [RequestRecord(facts(key_id, key_id=key_id, at=at), outcome())]
        )
    await store.keys.revoke("k12")
    return House(store)


@pytest.mark.parametrize("status", list(KeyStatus))
async def test_the_keys_of_a_status_are_those_that_have_it(house: House, status: KeyStatus) -> None:
    every = await house.keys()
    having = [stored for stored in every if status_of(stored, NOW) is status]
    assert having, "the house has keys of every status"
    assert ids(await house.keys(status=status)) == ids(having)
    assert ids(await house.keys(status=status, limit=1)) == ids(having)


def fullness(stored: StoredKey) -> float:
    own = stored.pouches[0]
    if own.limit is None:
        return -1
    return (own.spent.nanos + own.reserved.nanos) / own.limit.nanos


ORDER: dict[KeySort, Callable[[StoredKey], Any]] = {
    KeySort.NEWEST: lambda stored: 0,
    KeySort.LAST_USED: lambda stored: stored.last_used_at.timestamp() if stored.last_used_at else 0,
    KeySort.SPENT: lambda stored: stored.pouches[0].spent.nanos,
    KeySort.FULLEST: fullness,
}


@pytest.mark.parametrize("sort", ORDER)
@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_keys_come_in_the_order_that_is_asked_for(
    house: House, sort: KeySort, limit: int
) -> None:
    every = await house.keys()
    assert ids(every) == [f"k{number:02}" for number in range(11, 0, -1)]
    ordered = sorted(every, key=ORDER[sort], reverse=True)
    assert ids(await house.keys(sort=sort, limit=limit)) == ids(ordered)


async def test_names_are_in_order_whatever_their_case_and_accents_written(house: House) -> None:
    named = [stored.key.name for stored in await house.keys(sort=KeySort.NAME, limit=2)]
    assert named[0] == "<b>bot</b>"
    assert named[-4:] == ["Zoë", "zoe\u0308 2", "ÄRGER", "Σίσυφος"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ZOË", ["k09", "k02", "k01"]),
        ("ärger", ["k04"]),
        ("σίσυφοσ", ["k06"]),
        ("<B>", ["k10", "k03"]),
        ("FRÜ", ["k11", "k05"]),
        ("ch-K07", ["k07"]),
        ("%", []),
        ("_", []),
        ("revoked", []),
    ],
)
async def test_a_part_of_a_name_or_prefix_finds_a_key_in_any_case_and_script(
    house: House, text: str, found: list[str]
) -> None:
    assert ids(await house.keys(text=text)) == found


@pytest.mark.parametrize("sort", list(KeySort))
async def test_a_list_goes_on_behind_a_key_that_was_revoked_meanwhile(
    house: House, sort: KeySort
) -> None:
    every = ids(await house.keys(sort=sort))
    place = every.index("k06")
    await house.store.keys.revoke("k06")
    page = await house.store.reports.keys(KeyFilter(sort=sort), now=NOW, cursor="k06", limit=100)
    assert ids(list(page.items)) == every[place + 1 :]


@pytest.mark.parametrize("sort", [KeySort.NAME, KeySort.SPENT])
async def test_a_list_that_begins_nowhere_is_refused(house: House, sort: KeySort) -> None:
    with pytest.raises(InvalidRequestError, match="no cursor of this list"):
        await house.store.reports.keys(KeyFilter(sort=sort), now=NOW, cursor="k99", limit=100)
    with pytest.raises(InvalidRequestError, match="no cursor of this list"):
        await house.store.reports.pouches(PouchFilter(sort=PouchSort.NAME), cursor="x", limit=9)


async def test_pouches_tell_what_draws_on_them_and_what_lies_in_them(store: SqliteStore) -> None:
    house = House(store)
    await store.keys.create_pouch(pouch("org"))
    await store.keys.create_pouch(pouch("team", inside="org"))
    for key_id in ("k1", "k2"):
        await make_key(store, key_id, inside="team")
    await make_key(store, "k3", inside="org")
    await store.keys.revoke("k2")
    counts = {view.pouch.id: (view.keys, view.children) for view in await house.pouches()}
    assert counts == {
        "org": (2, 2),
        "team": (1, 2),
        "own_k1": (1, 0),
        "own_k2": (0, 0),
        "own_k3": (1, 0),
    }
    org = await store.reports.pouch("org")
    assert org is not None
    assert (org.keys, org.children) == (2, 2)
    assert await store.reports.pouch("none") is None


async def test_the_pouches_of_a_pouch_are_those_that_lie_directly_in_it(house: House) -> None:
    assert [view.pouch.id for view in await house.pouches(parent_id="team")] == ["own_k06"]
    assert await house.pouches(parent_id="own_k06") == []


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize("sort", list(PouchSort))
async def test_pouches_come_in_the_order_that_is_asked_for(
    house: House, sort: PouchSort, limit: int
) -> None:
    every = [view.pouch for view in await house.pouches()]

    def full(number: int) -> float:
        limit = every[number].limit
        used = every[number].spent.nanos + every[number].reserved.nanos
        return -1 if limit is None else used / limit.nanos

    order: dict[PouchSort, Callable[[int], Any]] = {
        PouchSort.NEWEST: lambda number: 0,
        PouchSort.NAME: lambda number: every[number].name.casefold(),
        PouchSort.SPENT: lambda number: every[number].spent.nanos,
        PouchSort.FULLEST: full,
    }
    rising = sort is PouchSort.NAME
    numbers = sorted(range(len(every)), key=order[sort], reverse=not rising)
    found = [view.pouch.id for view in await house.pouches(sort=sort, limit=limit)]
    assert found == [every[number].id for number in numbers]


async def test_a_part_of_its_name_finds_a_pouch(house: House) -> None:
    assert [view.pouch.id for view in await house.pouches(text="TEAM P")] == ["team"]
