"""Pouches, holds and settlements with what a test does not care about filled in."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import (
    Evidence,
    Hold,
    RequestFacts,
    RequestOutcome,
    Settlement,
)
from pouch.domain.money import Money
from pouch.domain.ports import NewPouch
from pouch.domain.pouch import Pouch
from pouch.domain.usage import Usage
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START


@contextmanager
def refused_because(word: str) -> Iterator[None]:
    """The store refuses, and knows why; what a client is told does not say it."""
    with pytest.raises(StoreUnavailableError) as refused:
        yield
    assert word in str(refused.value.__cause__)
    assert word not in str(refused.value)


USAGE = Usage(input_tokens=10, output_tokens=20, cached_input_tokens=4, reasoning_tokens=5)


def pouch(
    pouch_id: str,
    limit: int | None = None,
    *,
    inside: str | None = None,
    resets_at: datetime | None = None,
) -> NewPouch:
    """A pouch of ``limit`` nano-dollars."""
    return NewPouch(
        id=pouch_id,
        name=f"the {pouch_id} pouch",
        parent_id=inside,
        limit=None if limit is None else Money(limit),
        period=None,
        resets_at=resets_at,
    )


def facts(
    request_id: str = "req_1", *, key_id: str = "key_1", at: datetime = START
) -> RequestFacts:
    return RequestFacts(request_id, key_id, "gpt-4o", "openai", "/v1/chat", True, at, "yaml")


def hold(reservation_id: str, amount: int, *, least: int | None = None, of: str = "app") -> Hold:
    """To reserve ``amount`` nano-dollars, or down to ``least`` of them."""
    return Hold(
        id=reservation_id,
        pouch_id=of,
        least=Money(amount if least is None else least),
        most=Money(amount),
        facts=facts(f"request of {reservation_id}"),
    )


def settlement(
    reservation_id: str, cost: int, evidence: Evidence = Evidence.PROVIDER_USAGE
) -> Settlement:
    return Settlement(reservation_id, Money(cost), outcome(evidence))


def outcome(evidence: Evidence = Evidence.PROVIDER_USAGE, *, status: int = 200) -> RequestOutcome:
    return RequestOutcome(status, 120, 30, usage=USAGE, evidence=evidence)


async def pouch_in(store: SqliteStore, pouch_id: str = "app") -> Pouch:
    """The pouch as it stands now."""
    [found] = [pouch for pouch in await store.keys.pouches() if pouch.id == pouch_id]
    return found


async def balance(store: SqliteStore, pouch_id: str = "app") -> tuple[int, int]:
    """Nano-dollars spent and reserved."""
    found = await pouch_in(store, pouch_id)
    return found.spent.nanos, found.reserved.nanos


async def discrepancies(store: SqliteStore) -> list[str]:
    return [found.what for found in (await store.ledger.verify()).discrepancies]


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file behind the store's back; each statement is committed by itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def crash(store: SqliteStore) -> None:
    """Die as a process does: the kernel frees the lock, and nobody says goodbye."""
    await store._writer.close()
    await store._reader.close()
    await store._reports_reader.close()
    store._lock.release()
