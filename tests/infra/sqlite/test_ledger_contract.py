"""What every ledger does, whatever it keeps its books in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pouch.domain.errors import BudgetExceededError, ConflictError, NotFoundError, Shortfall
from pouch.domain.ledger import (
    Evidence,
    Hold,
    Ledger,
    RequestRecord,
    Reservation,
    Settlement,
)
from pouch.domain.money import Money
from pouch.domain.ports import NewPouch
from pouch.domain.pouch import Pouch
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START, FakeClock
from tests.fakes.ledger import FakeLedger
from tests.infra.sqlite.books import facts, hold, outcome, pouch, pouch_in, settlement

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Books:
    """A ledger, and its pouches as they stand."""

    ledger: Ledger
    add: Callable[[NewPouch], Coroutine[Any, Any, None]]
    see: Callable[[str], Coroutine[Any, Any, Pouch]]

    async def balance(self, pouch_id: str = "app") -> tuple[int, int]:
        """Nano-dollars spent and reserved."""
        found = await self.see(pouch_id)
        return found.spent.nanos, found.reserved.nanos

    async def reserve(self, reserved: Hold) -> Reservation:
        return await self.ledger.reserve(reserved)


@pytest.fixture(params=["fake", "sqlite"])
async def books(
    request: pytest.FixtureRequest, path: Path, clock: FakeClock
) -> AsyncIterator[Books]:
    """Each test's books balance in the end."""
    if request.param == "fake":
        fake = FakeLedger(clock)

        async def add(new: NewPouch) -> None:
            fake.add(new)

        async def see(pouch_id: str) -> Pouch:
            return fake.pouch(pouch_id)

        books = Books(fake, add, see)
        yield books
        assert (await fake.verify()).discrepancies == []
        return
    store = await SqliteStore.open(path, clock)
    yield Books(store.ledger, store.keys.create_pouch, lambda found: pouch_in(store, found))
    assert (await store.ledger.verify()).discrepancies == []
    await store.close()


async def refused(books: Books, wanted: Hold) -> Shortfall:
    with pytest.raises(BudgetExceededError) as refusal:
        await books.reserve(wanted)
    return refusal.value.shortfall


async def test_what_fits_is_reserved_and_the_rest_remains(books: Books) -> None:
    await books.add(pouch("app", 100))
    reservation = await books.reserve(hold("a", 60))
    assert reservation == Reservation("a", "app", Money(60), Money(40))
    assert await books.balance() == (0, 60)


async def test_the_last_nano_dollar_can_be_reserved_and_not_one_more(books: Books) -> None:
    await books.add(pouch("app", 100))
    assert (await books.reserve(hold("a", 100))).remaining == Money(0)
    await refused(books, hold("b", 1))
    assert await books.balance() == (0, 100)


async def test_a_refusal_says_which_pouch_has_how_much(books: Books) -> None:
    await books.add(pouch("app", 100, resets_at=START + DAY))
    await books.reserve(hold("a", 50))
    await books.ledger.settle(settlement("a", 20))
    await books.reserve(hold("b", 30))
    shortfall = await refused(books, hold("c", 60, least=51))
    assert shortfall == Shortfall(
        pouch_id="app",
        pouch_name="the app pouch",
        limit=Money(100),
        spent=Money(20),
        reserved=Money(30),
        required=Money(51),
        resets_at=START + DAY,
    )
    assert shortfall.remaining == Money(50)
    assert await books.balance() == (20, 30)


async def test_between_least_and_most_as_much_as_fits_is_reserved(books: Books) -> None:
    await books.add(pouch("app", 100))
    assert (await books.reserve(hold("a", 70, least=10))).amount == Money(70)
    assert (await books.reserve(hold("b", 70, least=30))).amount == Money(30)
    await refused(books, hold("c", 70, least=1))


async def test_a_reservation_fits_every_pouch_around_or_touches_none(books: Books) -> None:
    await books.add(pouch("company", 100))
    await books.add(pouch("team", 1000, inside="company"))
    await books.add(pouch("app", 500, inside="team"))
    reservation = await books.reserve(hold("a", 90))
    assert reservation.remaining == Money(10)
    assert [await books.balance(p) for p in ("app", "team", "company")] == [(0, 90)] * 3
    shortfall = await refused(books, hold("b", 20))
    assert (shortfall.pouch_id, shortfall.reserved) == ("company", Money(90))
    assert [await books.balance(p) for p in ("app", "team", "company")] == [(0, 90)] * 3
    assert (await books.reserve(hold("c", 20, least=5))).amount == Money(10)


async def test_siblings_draw_on_the_pouch_around_them(books: Books) -> None:
    await books.add(pouch("team", 100))
    await books.add(pouch("app", 80, inside="team"))
    await books.add(pouch("bot", 80, inside="team"))
    await books.reserve(hold("a", 70))
    assert (await refused(books, hold("b", 40, of="bot"))).pouch_id == "team"
    assert (await refused(books, hold("c", 20))).pouch_id == "app"
    await books.ledger.settle(settlement("a", 10))
    assert (await books.reserve(hold("d", 80, of="bot"))).remaining == Money(0)
    assert await books.balance("team") == (10, 80)


async def test_without_any_limit_nothing_is_refused(books: Books) -> None:
    await books.add(pouch("team"))
    await books.add(pouch("app", inside="team"))
    reservation = await books.reserve(hold("a", 10**15, least=1))
    assert (reservation.amount, reservation.remaining) == (Money(10**15), None)
    assert await books.balance("team") == (0, 10**15)


async def test_a_limit_of_zero_refuses_everything_but_nothing(books: Books) -> None:
    await books.add(pouch("app", 0))
    await refused(books, hold("a", 1))
    assert (await books.reserve(hold("b", 0))).amount == Money(0)
    assert await books.ledger.settle(settlement("b", 0))


async def test_a_reservation_is_made_once(books: Books) -> None:
    await books.add(pouch("app", 100))
    await books.reserve(hold("a", 10))
    with pytest.raises(ConflictError):
        await books.reserve(hold("a", 10))
    await books.ledger.settle(settlement("a", 1))
    with pytest.raises(ConflictError):
        await books.reserve(hold("a", 10))
    assert await books.balance() == (1, 0)


async def test_there_is_nothing_to_reserve_in_a_pouch_that_is_not(books: Books) -> None:
    with pytest.raises(NotFoundError):
        await books.reserve(hold("a", 10, of="nowhere"))


@pytest.mark.parametrize(
    "evidence", [Evidence.PROVIDER_USAGE, Evidence.COUNTED, Evidence.HELD_FULL]
)
async def test_a_settlement_replaces_the_reservation_once(books: Books, evidence: Evidence) -> None:
    await books.add(pouch("app", 100))
    await books.reserve(hold("a", 60))
    assert await books.ledger.settle(settlement("a", 25, evidence))
    assert not await books.ledger.settle(settlement("a", 30, evidence))
    assert not await books.ledger.settle(settlement("a", 0, Evidence.NOT_SENT))
    assert await books.balance() == (25, 0)


@pytest.mark.parametrize("evidence", [Evidence.NOT_SENT, Evidence.REFUSED])
async def test_a_release_gives_everything_back_once(books: Books, evidence: Evidence) -> None:
    await books.add(pouch("team", 100))
    await books.add(pouch("app", inside="team"))
    await books.reserve(hold("a", 60))
    assert await books.ledger.settle(settlement("a", 0, evidence))
    assert not await books.ledger.settle(settlement("a", 60, Evidence.HELD_FULL))
    assert [await books.balance(p) for p in ("app", "team")] == [(0, 0)] * 2


async def test_what_was_never_reserved_cannot_be_settled(books: Books) -> None:
    await books.add(pouch("app", 100))
    assert not await books.ledger.settle(settlement("ghost", 5))
    assert await books.balance() == (0, 0)


async def test_an_overrun_is_booked_in_full_and_blocks_what_follows(books: Books) -> None:
    await books.add(pouch("app", 100))
    await books.reserve(hold("a", 60))
    await books.reserve(hold("b", 40))
    assert await books.ledger.settle(settlement("a", 150, Evidence.OVERRUN))
    assert await books.balance() == (150, 40)
    shortfall = await refused(books, hold("c", 1))
    assert shortfall.remaining == Money(0)
    assert (await books.reserve(hold("d", 10, least=0))).amount == Money(0)
    assert await books.ledger.settle(settlement("b", 40))
    assert await books.balance() == (190, 0)


async def test_what_was_reserved_before_a_roll_over_is_charged_after_it(books: Books) -> None:
    await books.add(pouch("app", 100, resets_at=START))
    await books.reserve(hold("a", 30))
    await books.ledger.settle(settlement("a", 30))
    await books.reserve(hold("b", 60))
    assert await books.ledger.roll_over("app", due=START, next_reset=START + DAY)
    assert await books.balance() == (0, 60)
    assert await books.ledger.settle(settlement("b", 45))
    assert await books.balance() == (45, 0)
    assert (await refused(books, hold("c", 56))).resets_at == START + DAY


async def test_of_many_who_roll_a_period_over_one_does(books: Books) -> None:
    await books.add(pouch("app", 100, resets_at=START))
    done = await asyncio.gather(
        *(books.ledger.roll_over("app", due=START, next_reset=START + DAY) for _ in range(20))
    )
    assert sum(done) == 1
    assert (await books.see("app")).resets_at == START + DAY


async def test_a_roll_over_that_is_not_due_changes_nothing(books: Books) -> None:
    await books.add(pouch("app", 100))
    await books.reserve(hold("a", 10))
    await books.ledger.settle(settlement("a", 10))
    assert not await books.ledger.roll_over("app", due=START, next_reset=START + DAY)
    assert not await books.ledger.roll_over("ghost", due=START, next_reset=START + DAY)
    assert await books.balance() == (10, 0)


async def test_a_reset_zeroes_what_one_pouch_has_spent(books: Books) -> None:
    await books.add(pouch("team", 100))
    await books.add(pouch("app", 50, inside="team", resets_at=START + DAY))
    await books.reserve(hold("a", 50))
    await books.ledger.settle(settlement("a", 50))
    assert await books.ledger.reset("app", reason="paid by hand")
    assert await books.balance("app") == (0, 0)
    assert await books.balance("team") == (50, 0)
    assert (await books.see("app")).resets_at == START + DAY
    assert not await books.ledger.reset("ghost", reason="none")


async def test_ends_that_are_written_together_are_each_what_they_are_alone(books: Books) -> None:
    await books.add(pouch("team", 100))
    await books.add(pouch("app", 50, inside="team"))
    for name in ("a", "b", "c"):
        await books.reserve(hold(name, 10))
    await books.ledger.settle(settlement("b", 3))
    record = RequestRecord(facts("req_free"), outcome(Evidence.FREE), Money(7))
    ends: list[Settlement | RequestRecord] = [
        settlement("a", 4),
        record,
        settlement("b", 9),
        settlement("ghost", 9),
    ]
    for _ in range(2):
        await books.ledger.settle_all([*ends, settlement("a", 8)])
        assert await books.balance("app") == (7, 10)
        assert await books.balance("team") == (7, 10)
    await books.ledger.settle_all([])
    await books.ledger.settle_all([settlement("c", 10)])
    assert await books.balance("app") == (17, 0)


async def test_a_record_charges_no_pouch(books: Books) -> None:
    await books.add(pouch("app", 100))
    await books.ledger.settle_all([RequestRecord(facts(), outcome(Evidence.FREE), Money(7))])
    assert await books.balance() == (0, 0)


async def test_a_living_holder_is_not_recovered(books: Books) -> None:
    await books.add(pouch("app", 100))
    await books.reserve(hold("a", 10))
    assert await books.ledger.recover() == []
    audit = await books.ledger.verify()
    assert (audit.pouches, audit.reservations, audit.open_reservations) == (1, 1, 1)
