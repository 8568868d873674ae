"""How every ledger gives money back and puts a balance right."""

from datetime import timedelta

import pytest

from pouch.domain.errors import ConflictError, NotFoundError
from pouch.domain.ledger import Evidence, RequestRecord
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START
from tests.infra.sqlite import test_ledger_contract as contract
from tests.infra.sqlite.books import facts, hold, outcome, pouch, settlement
from tests.infra.sqlite.test_ledger_contract import Books, refused

DAY = timedelta(days=1)
OF_A = "request of a"

books = contract.books


async def spend(books: Books, reservation_id: str, cost: int, *, of: str = "app") -> None:
    await books.reserve(hold(reservation_id, cost, of=of))
    await books.ledger.settle(settlement(reservation_id, cost))


async def nested(books: Books) -> None:
    await books.add(pouch("team", 1000, resets_at=START))
    await books.add(pouch("app", 100, inside="team"))
    await spend(books, "a", 60)


async def test_a_refund_gives_the_whole_cost_back_to_every_pouch(books: Books) -> None:
    await nested(books)
    await refused(books, hold("b", 41))
    assert await books.ledger.refund(OF_A, None, reason="wrong answer") == Money(60)
    assert [await books.balance(p) for p in ("app", "team")] == [(0, 0)] * 2
    assert (await books.reserve(hold("c", 100))).amount == Money(100)


async def test_parts_are_given_back_until_nothing_is_left(books: Books) -> None:
    await nested(books)
    assert await books.ledger.refund(OF_A, Money(20), reason="half") == Money(20)
    assert await books.balance() == (40, 0)
    with pytest.raises(ConflictError):
        await books.ledger.refund(OF_A, Money(41), reason="too much")
    assert await books.ledger.refund(OF_A, None, reason="the rest") == Money(40)
    for amount in (None, Money(1)):
        with pytest.raises(ConflictError):
            await books.ledger.refund(OF_A, amount, reason="twice")
    assert [await books.balance(p) for p in ("app", "team")] == [(0, 0)] * 2


async def test_what_is_reserved_is_left_alone(books: Books) -> None:
    await nested(books)
    await books.reserve(hold("b", 30))
    await books.ledger.refund(OF_A, None, reason="wrong")
    assert await books.balance() == (0, 30)


async def test_what_was_not_charged_is_not_given_back(books: Books) -> None:
    await nested(books)
    await books.reserve(hold("open", 1))
    await books.reserve(hold("released", 1))
    await books.ledger.settle(settlement("released", 0, Evidence.REFUSED))
    await books.reserve(hold("nothing", 1))
    await books.ledger.settle(settlement("nothing", 0))
    for request, refusal in (
        ("ghost", NotFoundError),
        ("request of open", NotFoundError),
        ("request of released", ConflictError),
        ("request of nothing", ConflictError),
    ):
        with pytest.raises(refusal):
            await books.ledger.refund(request, None, reason="why not")
    assert await books.balance() == (60, 1)


async def test_a_request_that_no_pouch_was_charged_for_is_not_refunded(store: SqliteStore) -> None:
    await store.ledger.settle_all([RequestRecord(facts(), outcome(Evidence.FREE), Money(7))])
    with pytest.raises(ConflictError):
        await store.ledger.refund("req_1", None, reason="unmetered")


async def test_a_pouch_that_has_started_afresh_gets_nothing_of_an_old_charge(books: Books) -> None:
    await nested(books)
    assert await books.ledger.roll_over("team", due=START, next_reset=START + DAY)
    await spend(books, "b", 30)
    assert await books.ledger.refund(OF_A, None, reason="last month") == Money(60)
    assert await books.balance("team") == (30, 0)
    assert await books.balance("app") == (30, 0)
    await books.ledger.refund("request of b", None, reason="this month")
    assert [await books.balance(p) for p in ("app", "team")] == [(0, 0)] * 2


async def test_a_charge_that_a_reset_took_away_is_not_taken_twice(books: Books) -> None:
    await nested(books)
    await books.ledger.reset("app", reason="asked")
    await spend(books, "b", 30)
    await books.ledger.refund(OF_A, None, reason="wrong")
    assert await books.balance("app") == (30, 0)
    assert await books.balance("team") == (30, 0)


async def test_a_charge_that_ends_after_a_roll_over_counts_in_the_new_period(books: Books) -> None:
    await nested(books)
    await books.reserve(hold("b", 30))
    await books.ledger.roll_over("team", due=START, next_reset=START + DAY)
    await books.ledger.settle(settlement("b", 30))
    await books.ledger.refund("request of b", None, reason="wrong")
    assert await books.balance("team") == (0, 0)


async def test_spending_never_falls_below_zero(books: Books) -> None:
    await nested(books)
    assert await books.ledger.adjust("app", Money(-50), reason="double bill")
    await books.ledger.refund(OF_A, None, reason="wrong")
    assert [await books.balance(p) for p in ("app", "team")] == [(0, 0)] * 2
    with pytest.raises(ConflictError):
        await books.ledger.adjust("app", Money(-1), reason="too much")


async def test_a_refunded_overrun_makes_room_again(books: Books) -> None:
    await books.add(pouch("app", 100))
    await books.reserve(hold("a", 60))
    await books.ledger.settle(settlement("a", 150, Evidence.OVERRUN))
    await books.ledger.refund(OF_A, Money(100), reason="the provider's mistake")
    assert await books.balance() == (50, 0)
    await refused(books, hold("b", 51))
    assert (await books.reserve(hold("c", 50))).remaining == Money(0)


async def test_an_adjustment_corrects_one_pouch_within_its_limit(books: Books) -> None:
    await nested(books)
    await books.reserve(hold("b", 10))
    assert await books.ledger.adjust("app", Money(30), reason="the invoice says so")
    assert await books.balance("app") == (90, 10)
    assert await books.balance("team") == (60, 10)
    with pytest.raises(ConflictError):
        await books.ledger.adjust("app", Money(1), reason="above the limit")
    assert await books.ledger.adjust("app", Money(-90), reason="all of it")
    assert await books.balance("app") == (0, 10)
    assert not await books.ledger.adjust("ghost", Money(1), reason="nowhere")
