"""How money moves: the work of the ledger, each inside the writer's transaction.

Every update of a pouch carries the guard in its own condition, and the table's CHECKs stand behind
it. Each movement leaves an entry in every pouch that it touches.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from pouch.domain.errors import BudgetExceededError, ConflictError, NotFoundError, Shortfall
from pouch.domain.ledger import (
    Evidence,
    Hold,
    RequestOutcome,
    RequestRecord,
    Reservation,
    Settlement,
)
from pouch.domain.money import Money
from pouch.domain.pouch import Pouch
from pouch.infra.sqlite.outbox import AlertWriter
from pouch.infra.sqlite.rows import POUCH_COLUMNS, micros, pouch_of

# Pouches inside pouches, at most.
DEPTH_MAX: Final = 16

_RELEASED: Final = frozenset({Evidence.NOT_SENT, Evidence.REFUSED})
_SELECT_POUCH: Final = f"SELECT {POUCH_COLUMNS} FROM pouches WHERE id = ?"  # noqa: S608
_BALANCE: Final = (
    "SELECT id, parent_id, limit_nanos, spent_nanos + reserved_nanos FROM pouches WHERE id = ?"
)
# Nothing fits into a pouch that an overrun has filled, but for nothing.
_RESERVE: Final = (
    "UPDATE pouches SET reserved_nanos = reserved_nanos + ?1 WHERE id = ?2 AND (?1 = 0 "
    "OR limit_nanos IS NULL OR spent_nanos + reserved_nanos + ?1 <= limit_nanos)"
)
# An overrun may raise the excess; whatever lowers the total lowers the excess with it.
_SETTLE: Final = (
    "UPDATE pouches SET reserved_nanos = reserved_nanos - ?1, spent_nanos = spent_nanos + ?2, "
    "excess_nanos = max(0, spent_nanos + reserved_nanos - ?1 + ?2 "
    "- coalesce(limit_nanos, spent_nanos + reserved_nanos - ?1 + ?2)) WHERE id = ?3"
)
_ZERO: Final = (
    "UPDATE pouches SET spent_nanos = 0, resets_at = ?1, alerted_percent = 0, "
    "excess_nanos = max(0, reserved_nanos - coalesce(limit_nanos, reserved_nanos)) WHERE id = ?2"
)
_ENTRY: Final = (
    "INSERT INTO entries (pouch_id, reservation_id, kind, spent_delta, reserved_delta, reason, "
    "created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_RESERVATION: Final = (
    "INSERT INTO reservations (id, request_id, key_id, pouch_id, chain, holder_id, state, "
    "amount_nanos, model, provider, endpoint, stream, started_at, price_source) "
    "VALUES (?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)
_END: Final = (
    "UPDATE reservations SET state = ?, cost_nanos = ?, evidence = ?, ended_at = ?, "
    "ended_after_entry = (SELECT max(id) FROM entries) "
    "WHERE id = ? AND state = 'reserved' RETURNING chain, amount_nanos, "
    "request_id, key_id, model, provider, endpoint, stream, started_at, price_source"
)
_REQUEST: Final = (
    "INSERT INTO requests (id, key_id, model, provider, endpoint, stream, started_at, "
    "price_source, status, latency_ms, first_byte_ms, reserved_nanos, cost_nanos, input_tokens, "
    "cached_input_tokens, output_tokens, reasoning_tokens, evidence, error) VALUES "
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
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
    chain, room, tightest = _room(connection, hold.pouch_id)
    amount = hold.most.nanos if room is None else min(hold.most.nanos, room)
    if amount < hold.least.nanos:
        raise BudgetExceededError(_shortfall(chain_of(connection, tightest)[0], hold))
    inserted = connection.execute(
        _RESERVATION,
        (
            hold.id,
            hold.facts.request_id,
            hold.facts.key_id,
            hold.pouch_id,
            " ".join(chain),
            holder_id,
            amount,
            hold.facts.model,
            hold.facts.provider,
            hold.facts.endpoint,
            int(hold.facts.stream),
            micros(hold.facts.started_at),
            hold.facts.price_source,
        ),
    )
    if inserted.rowcount != 1:
        raise ConflictError(f"Reservation {hold.id!r} has been made before.")
    for pouch_id in chain:
        updated = connection.execute(_RESERVE, (amount, pouch_id))
        assert updated.rowcount == 1, "a pouch changed inside the writer's own transaction"
        connection.execute(_ENTRY, (pouch_id, hold.id, "reserve", 0, amount, None, now))
    remaining = None if room is None else Money(room - amount)
    return Reservation(hold.id, hold.pouch_id, Money(amount), remaining)


def _room(connection: sqlite3.Connection, pouch_id: str) -> tuple[list[str], int | None, str]:
    """The chain's ids, own first; the least that any of them has left; and which one that is."""
    chain: list[str] = []
    room, tightest = None, pouch_id
    following: str | None = pouch_id
    while following is not None:
        row = connection.execute(_BALANCE, (following,)).fetchone()
        if row is None:
            raise NotFoundError(f"There is no pouch {following!r}.")
        chain.append(row[0])
        assert len(chain) <= DEPTH_MAX, "pouches lie in a circle"
        if row[2] is not None:
            left = max(row[2] - row[3], 0)
            if room is None or left < room:
                room, tightest = left, row[0]
        following = row[1]
    return chain, room, tightest


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


def settle(
    connection: sqlite3.Connection, settlement: Settlement, now: int, alerting: AlertWriter
) -> bool:
    """End a reservation in every pouch it was set aside in, log its request, and write alerts."""
    cost, outcome = settlement.cost.nanos, settlement.outcome
    row = _end(connection, settlement.reservation_id, cost, outcome.evidence, now)
    if row is None:
        return False
    _log_request(connection, row[2:], outcome, row[1], cost)
    alerting.settled(connection, settlement, row, now)
    return True


def undo_reserve(connection: sqlite3.Connection, hold: Hold, now: int) -> None:
    """Release what was reserved for a caller who is gone; there was no request to log."""
    _end(connection, hold.id, 0, Evidence.NOT_SENT, now)


def _end(
    connection: sqlite3.Connection, reservation_id: str, cost: int, evidence: Evidence, now: int
) -> tuple[Any, ...] | None:
    """End a reservation: its chain, its amount and its request's facts; ``None`` if it had."""
    released = evidence in _RELEASED
    assert not (released and cost)
    end = ("released", None) if released else ("settled", cost)
    cursor = connection.execute(_END, (*end, evidence.value, now, reservation_id))
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        return None
    kind, amount = "release" if released else "settle", row[1]
    for pouch_id in row[0].split(" "):
        connection.execute(_SETTLE, (amount, cost, pouch_id))
        entry = (pouch_id, reservation_id, kind, cost, -amount, evidence.value, now)
        connection.execute(_ENTRY, entry)
    return row


def record(connection: sqlite3.Connection, request: RequestRecord) -> None:
    """Log a request that reserved nothing."""
    facts = request.facts
    columns = (
        facts.request_id,
        facts.key_id,
        facts.model,
        facts.provider,
        facts.endpoint,
        int(facts.stream),
        micros(facts.started_at),
        facts.price_source,
    )
    _log_request(connection, columns, request.outcome, None, request.cost.nanos)


def _log_request(
    connection: sqlite3.Connection,
    facts: tuple[Any, ...],
    outcome: RequestOutcome,
    reserved: int | None,
    cost: int,
) -> None:
    """Write the request's row; one that is there stays as it is."""
    usage = outcome.usage
    connection.execute(
        _REQUEST,
        (
            *facts,
            outcome.status,
            outcome.latency_ms,
            outcome.first_byte_ms,
            reserved,
            cost,
            usage.input_tokens if usage else None,
            usage.cached_input_tokens if usage else None,
            usage.output_tokens if usage else None,
            usage.reasoning_tokens if usage else None,
            outcome.evidence.value,
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
