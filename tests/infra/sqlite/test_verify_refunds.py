"""A refund that does not agree with its entries or its charge is seen."""

from pathlib import Path

import pytest

from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from tests.infra.sqlite.books import discrepancies, hold, pouch, settlement
from tests.infra.sqlite.test_verify import tamper

ONE_ENTRY = "kind = 'refund' AND pouch_id = 'team' AND spent_delta = -10"


@pytest.fixture
async def kept(store: SqliteStore) -> SqliteStore:
    """A charge of 40 of which 10 and 20 were given back, in two pouches; one was adjusted."""
    await store.keys.create_pouch(pouch("team", 1000))
    await store.keys.create_pouch(pouch("app", 500, inside="team"))
    await store.ledger.reserve(hold("a", 100))
    await store.ledger.settle(settlement("a", 40))
    await store.ledger.refund("request of a", Money(10), reason="asked")
    await store.ledger.refund("request of a", Money(20), reason="asked again")
    await store.ledger.adjust("team", Money(5), reason="an invoice")
    assert await discrepancies(store) == []
    return store


@pytest.mark.parametrize(
    ("statement", "seen"),
    [
        (
            "UPDATE refunds SET amount_nanos = 31 WHERE amount_nanos = 10",
            "reservation a: charged 40 nano-USD, of which 51 were given back",
        ),
        (
            f"DELETE FROM entries WHERE {ONE_ENTRY}",
            "reservation a: pouch team has 1 entries of its 2 refunds, of -20 to -20 nano-USD",
        ),
        (
            f"UPDATE entries SET spent_delta = 1 WHERE {ONE_ENTRY}",
            "reservation a: pouch team has 2 entries of its 2 refunds, of -20 to 1 nano-USD",
        ),
        (
            f"UPDATE entries SET spent_delta = -21 WHERE {ONE_ENTRY}",
            "reservation a: pouch team has 2 entries of its 2 refunds, of -21 to -20 nano-USD",
        ),
        (
            "DELETE FROM entries WHERE kind = 'adjust'",
            "pouch team: spent 15 and reserved 0 nano-USD, but its entries sum to 10 and 0",
        ),
    ],
)
async def test_tampering_is_seen(kept: SqliteStore, path: Path, statement: str, seen: str) -> None:
    tamper(path, statement)
    assert seen in await discrepancies(kept)


async def test_an_entry_of_a_refund_that_is_gone_is_seen(kept: SqliteStore, path: Path) -> None:
    tamper(
        path,
        "DELETE FROM refunds WHERE amount_nanos = 10",
        "DELETE FROM refunds WHERE amount_nanos = 20",
    )
    [first, *_] = await discrepancies(kept)
    assert (
        first == "entry 5: a refund in pouch app of reservation a, of which nothing was given back"
    )
