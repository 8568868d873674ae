"""Every way the books can be wrong is seen, and said with names and numbers."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import Evidence
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.verify import audit
from tests.fakes.clock import FakeClock
from tests.infra.sqlite.books import discrepancies, hold, opened, pouch, refused_because, settlement


@pytest.fixture
async def kept(store: SqliteStore) -> SqliteStore:
    """A settled, a released and an open reservation, an overrun and a reset, in nested pouches."""
    await store.keys.create_pouch(pouch("team", 1000))
    await store.keys.create_pouch(pouch("app", 500, inside="team"))
    await store.keys.create_pouch(pouch("other"))
    for name in ("settled", "released", "open", "over"):
        await store.ledger.reserve(hold(name, 100))
    await store.ledger.settle(settlement("settled", 40))
    await store.ledger.settle(settlement("released", 0, Evidence.REFUSED))
    await store.ledger.settle(settlement("over", 900, Evidence.OVERRUN))
    await store.ledger.reset("app", reason="asked")
    assert await discrepancies(store) == []
    return store


def tamper(path: Path, *statements: str) -> None:
    """Change the file as no program of this house could."""
    with opened(path) as behind:
        behind.execute("PRAGMA ignore_check_constraints = ON")
        for (trigger,) in behind.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            behind.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            assert behind.execute(statement).rowcount == 1, statement


@pytest.mark.parametrize(
    ("statement", "seen"),
    [
        (
            "UPDATE pouches SET spent_nanos = 7 WHERE id = 'app'",
            "pouch app: spent 7 and reserved 100 nano-USD, but its entries sum to 0 and 100",
        ),
        (
            "UPDATE pouches SET reserved_nanos = 0 WHERE id = 'app'",
            "pouch app: 0 nano-USD are reserved, but its open reservations sum to 100",
        ),
        (
            "DELETE FROM entries WHERE kind = 'reset'",
            "pouch app: spent 0 and reserved 100 nano-USD, but its entries sum to 940 and 100",
        ),
        (
            "DELETE FROM entries WHERE kind = 'settle' AND pouch_id = 'app' "
            "AND reservation_id = 'settled'",
            "reservation settled (settled): 2 beginnings and 1 ends in its pouches, "
            "100 nano-USD still held",
        ),
        (
            "DELETE FROM entries WHERE kind = 'reserve' AND pouch_id = 'team' "
            "AND reservation_id = 'open'",
            "reservation open (reserved): 1 beginnings and 0 ends in its pouches, "
            "100 nano-USD still held",
        ),
        (
            "INSERT INTO entries SELECT 99, pouch_id, reservation_id, kind, spent_delta, "
            "reserved_delta, reason, created_at FROM entries WHERE kind = 'release' "
            "AND pouch_id = 'app'",
            "reservation released (released): 2 beginnings and 3 ends in its pouches, "
            "-100 nano-USD still held",
        ),
        (
            "UPDATE reservations SET state = 'settled', cost_nanos = 9, evidence = 'counted', "
            "ended_at = 1 WHERE id = 'open'",
            "reservation open (settled): 2 beginnings and 0 ends in its pouches, "
            "200 nano-USD still held",
        ),
        (
            "UPDATE reservations SET state = 'reserved', cost_nanos = NULL, evidence = NULL, "
            "ended_at = NULL WHERE id = 'settled'",
            "reservation settled (reserved): 2 beginnings and 2 ends in its pouches, "
            "0 nano-USD still held",
        ),
        (
            "UPDATE reservations SET amount_nanos = 90 WHERE id = 'open'",
            "reservation open (reserved): 2 beginnings and 0 ends in its pouches, "
            "200 nano-USD still held",
        ),
        (
            "UPDATE reservations SET cost_nanos = 41 WHERE id = 'settled'",
            "reservation settled: charged 41 nano-USD, but pouch app was charged 40",
        ),
        (
            "UPDATE entries SET spent_delta = 1 WHERE kind = 'release' AND pouch_id = 'team'",
            "reservation released: charged 0 nano-USD, but pouch team was charged 1",
        ),
        (
            "UPDATE entries SET pouch_id = 'other' WHERE kind = 'reserve' "
            "AND reservation_id = 'open' AND pouch_id = 'app'",
            "entry 5: a reserve in pouch other, where nothing of reservation open was set aside",
        ),
        (
            "UPDATE pouches SET limit_nanos = 90 WHERE id = 'app'",
            "pouch app: 100 nano-USD spent and reserved exceed its limit of 90 by more than 0",
        ),
        (
            "UPDATE pouches SET excess_nanos = 0 WHERE id = 'team'",
            "pouch team: 1040 nano-USD spent and reserved exceed its limit of 1000 by more than 0",
        ),
        (
            "UPDATE reservations SET evidence = 'counted' WHERE id = 'over'",
            "reservation over: charged 900 of 100 nano-USD on the evidence counted",
        ),
        (
            "DELETE FROM pouches WHERE id = 'app'",
            "table entries: row 1 points into pouches, where there is nothing",
        ),
        (
            "DELETE FROM reservations WHERE id = 'settled'",
            "table entries: row 1 points into reservations, where there is nothing",
        ),
    ],
)
async def test_tampering_is_seen(kept: SqliteStore, path: Path, statement: str, seen: str) -> None:
    tamper(path, statement)
    found = await discrepancies(kept)
    assert seen in found


async def test_an_audit_counts_what_it_looked_at(kept: SqliteStore) -> None:
    audited = await kept.ledger.verify()
    assert (audited.pouches, audited.reservations, audited.open_reservations) == (3, 4, 1)
    # Four beginnings and three ends in two pouches each, and a reset.
    assert audited.entries == 15


async def test_verifying_goes_beside_writing(kept: SqliteStore) -> None:
    async def write() -> None:
        for number in range(30):
            await kept.ledger.reserve(hold(f"w{number}", 1, of="other"))

    async def look() -> list[str]:
        return [what for _ in range(10) for what in await discrepancies(kept)]

    _, found = await asyncio.gather(write(), look())
    assert found == []


async def test_a_path_with_signs_of_an_address_is_a_path(tmp_path: Path, clock: FakeClock) -> None:
    store = await SqliteStore.open(tmp_path / "a?b#c%20d" / "pouch.db", clock)
    await store.keys.create_pouch(pouch("app", 1))
    assert (await store.ledger.verify()).pouches == 1
    await store.close()


async def test_a_store_that_cannot_be_read_now_says_nothing_of_its_books(
    store: SqliteStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreUnavailableError):
        audit(tmp_path / "nothing.db")
    await store.close()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.01}))
    with opened(path) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("INSERT INTO settings VALUES ('a', 'b')")
        with refused_because("locked"):
            audit(path)


async def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear reader, " * 1000)
    [found] = audit(tmp_path / "letter.db").discrepancies
    assert found.what == "the database cannot be read: file is not a database"
