"""How money moves: the work of the ledger, each inside the writer's transaction.

Every update of a pouch carries the guard in its own condition, and the table's CHECKs stand behind
it. Each movement leaves an entry in every pouch that it touches.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pouch.domain.errors import BudgetExceededError, ConflictError, NotFoundError, Shortfall
from pouch.domain.ledger import (
    Evidence,
    Hold,
    RequestFacts,
    RequestOutcome,
    RequestRecord,
    Reservation,
    Settlement,
)
from pouch.domain.money import ZERO, Money
from pouch.domain.pouch import Pouch
from pouch.infra.sqlite.rows import POUCH_COLUMNS, micros, moment, pouch_of

# Pouches inside pouches, at most.
DEPTH_MAX: Final = 16

_RELEASED: Final = frozenset({Evidence.NOT_SENT, Evidence.REFUSED})
_SELECT_POUCH: Final = f"SELECT {POUCH_COLUMNS} FROM pouches WHERE id = ?"  # noqa: S608
_RESERVE: Final = (
    "UPDATE pouches SET reserved_nanos = reserved_nanos + ?1 WHERE id = ?2 "
    "AND (limit_nanos IS NULL OR spent_nanos + reserved_nanos + ?1 <= limit_nanos)"
)
# An overrun may raise the excess; whatever lowers the total lowers the excess with it.
_SETTLE: Final = (
    "UPDATE pouches SET reserved_nanos = reserved_nanos - ?1, spent_nanos = spent_nanos + ?2, "
    "excess_nanos = max(0, spent_nanos + reserved_nanos - ?1 + ?2 "
    "- coalesce(limit_nanos, spent_nanos + reserved_nanos - ?1 + ?2)) WHERE id = ?3"
)
_ZERO: Final = (
    "UPDATE pouches SET spent_nanos = 0, resets_at = ?1, "
    "excess_nanos = max(0, reserved_nanos - coalesce(limit_nanos, reserved_nanos)) WHERE id = ?2"
)
_ENTRY: Final = (
    "INSERT INTO entries (pouch_id, reservation_id, kind, spent_delta, reserved_delta, reason, "
    "created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_RESERVATION: Final = (
    "INSERT INTO reservations (id, request_id, key_id, pouch_id, chain, holder_id, state, "
    "amount_nanos, model, provider, endpoint, stream, started_at, price_source) "
    "VALUES (?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?, ?, ?)"
)
_OPEN: Final = (
    "SELECT chain, amount_nanos, request_id, key_id, model, provider, endpoint, stream, "
    "started_at, price_source FROM reservations WHERE id = ? AND state = 'reserved'"
)
_END: Final = (
    "UPDATE reservations SET state = ?, cost_nanos = ?, evidence = ?, ended_at = ? "
    "WHERE id = ? AND state = 'reserved'"
)
_REQUEST: Final = (
    "INSERT OR IGNORE INTO requests VALUES "
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def chain_of(connection: sqlite3.Connection, pouch_id: str) -> list[Pouch]:
    """The pouch and every pouch around it, own first.

    Raises:
        NotFoundError: there is no such pouch.
    """
    chain: list[Pouch] = []
    following: str | None = pouch_id
    while following is not None:
        row = connection.execute(_SELECT_POUCH, (following,)).fetchone()
        if row is None:
            raise NotFoundError(f"There is no pouch {following!r}.")
        chain.append(pouch_of(row))
        assert len(chain) <= DEPTH_MAX, "pouches lie in a circle"
        following = chain[-1].parent_id
    return chain


def reserve(connection: sqlite3.Connection, hold: Hold, holder_id: str, now: int) -> Reservation:
    """As much of ``hold.most`` as every pouch of the chain has room for.

    Raises:
        BudgetExceededError: that is less than ``hold.least``; nothing was changed.
        ConflictError: there is a reservation of this id.
    """
    if connection.execute("SELECT 1 FROM reservations WHERE id = ?", (hold.id,)).fetchone():
        raise ConflictError(f"Reservation {hold.id!r} has been made before.")
    chain = chain_of(connection, hold.pouch_id)
    limited = [pouch for pouch in chain if pouch.limit is not None]
    tightest = min(limited, key=lambda pouch: (pouch.remaining or ZERO).nanos, default=None)
    room = tightest.remaining if tightest else None
    amount = hold.most if room is None else min(hold.most, room)
    if amount < hold.least:
        assert tightest is not None
        raise BudgetExceededError(_shortfall(tightest, hold))
    facts = hold.facts
    connection.execute(
        _RESERVATION,
        (
            hold.id,
            facts.request_id,
            facts.key_id,
            hold.pouch_id,
            " ".join(pouch.id for pouch in chain),
            holder_id,
            amount.nanos,
            facts.model,
            facts.provider,
            facts.endpoint,
            int(facts.stream),
            micros(facts.started_at),
            facts.price_source,
        ),
    )
    for pouch in chain:
        updated = connection.execute(_RESERVE, (amount.nanos, pouch.id))
        assert updated.rowcount == 1, "a pouch changed inside the writer's own transaction"
        entry = (pouch.id, hold.id, "reserve", 0, amount.nanos, None, now)
        connection.execute(_ENTRY, entry)
    return Reservation(hold.id, hold.pouch_id, amount, None if room is None else room - amount)


def _shortfall(pouch: Pouch, hold: Hold) -> Shortfall:
    assert pouch.limit is not None
    return Shortfall(
        pouch_id=pouch.id,
        pouch_name=pouch.name,
        limit=pouch.limit,
        spent=pouch.spent,
        reserved=pouch.reserved,
        required=hold.least,
        resets_at=pouch.resets_at,
    )


def settle(connection: sqlite3.Connection, settlement: Settlement, now: int) -> bool:
    """End a reservation in every pouch it was set aside in, and log its request."""
    row = connection.execute(_OPEN, (settlement.reservation_id,)).fetchone()
    if row is None:
        return False
    amount, cost = row[1], settlement.cost.nanos
    evidence = settlement.outcome.evidence
    assert cost <= amount or evidence is Evidence.OVERRUN
    released = evidence in _RELEASED
    assert not (released and cost)
    kind = "release" if released else "settle"
    for pouch_id in row[0].split(" "):
        connection.execute(_SETTLE, (amount, cost, pouch_id))
        entry = (pouch_id, settlement.reservation_id, kind, cost, -amount, evidence.value, now)
        connection.execute(_ENTRY, entry)
    end = ("released", None) if released else ("settled", cost)
    connection.execute(_END, (*end, evidence.value, now, settlement.reservation_id))
    log_request(connection, _facts(row), settlement.outcome, Money(amount), settlement.cost)
    return True


def _facts(row: Sequence[Any]) -> RequestFacts:
    return RequestFacts(
        request_id=row[2],
        key_id=row[3],
        model=row[4],
        provider=row[5],
        endpoint=row[6],
        stream=bool(row[7]),
        started_at=moment(row[8]),
        price_source=row[9],
    )


def record(connection: sqlite3.Connection, request: RequestRecord) -> None:
    """Log a request that reserved nothing."""
    log_request(connection, request.facts, request.outcome, None, request.cost)


def log_request(
    connection: sqlite3.Connection,
    facts: RequestFacts,
    outcome: RequestOutcome,
    reserved: Money | None,
    cost: Money,
) -> None:
    """Write the request's row; one that is there stays as it is."""
    usage = outcome.usage
    connection.execute(
        _REQUEST,
        (
            facts.request_id,
            facts.key_id,
            facts.model,
            facts.provider,
            facts.endpoint,
            int(facts.stream),
            outcome.status,
            micros(facts.started_at),
            outcome.latency_ms,
            outcome.first_byte_ms,
            reserved.nanos if reserved else None,
            cost.nanos,
            usage.input_tokens if usage else None,
            usage.cached_input_tokens if usage else None,
            usage.output_tokens if usage else None,
            usage.reasoning_tokens if usage else None,
            outcome.evidence.value,
            facts.price_source,
            outcome.error,
        ),
    )


@dataclass(frozen=True, slots=True)
class Zeroing:
    """Why a pouch's spending returns to zero, and when it will next."""

    kind: str
    resets_at: int | None
    reason: str | None


def zero(connection: sqlite3.Connection, pouch: Pouch, zeroing: Zeroing, now: int) -> None:
    """Take what a pouch has spent out of it, as an entry; what is reserved stays."""
    connection.execute(_ZERO, (zeroing.resets_at, pouch.id))
    entry = (pouch.id, None, zeroing.kind, -pouch.spent.nanos, 0, zeroing.reason, now)
    connection.execute(_ENTRY, entry)


def undo_reserve(connection: sqlite3.Connection, hold: Hold, now: int) -> None:
    """Release what was reserved for a caller who is gone; there was no request to log."""
    row = connection.execute(_OPEN, (hold.id,)).fetchone()
    if row is None:
        return
    for pouch_id in row[0].split(" "):
        connection.execute(_SETTLE, (row[1], 0, pouch_id))
        entry = (pouch_id, hold.id, "release", 0, -row[1], Evidence.NOT_SENT.value, now)
        connection.execute(_ENTRY, entry)
    connection.execute(_END, ("released", None, Evidence.NOT_SENT.value, now, hold.id))
