"""What an administrator puts right: money given back, a balance corrected; new entries, no edits.

A refund is recorded whole, and taken out of each pouch as far as that still counts the charge. A
pouch that has started afresh since does not, so that last month's refund makes no room this month;
its entry is there all the same, of zero.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from pouch.domain.errors import ConflictError, NotFoundError
from pouch.domain.money import Money

# Spending never falls below zero, and no correction raises it above the limit.
_MOVE: Final = (
    "UPDATE pouches SET spent_nanos = spent_nanos + ?1, "
    "excess_nanos = max(0, spent_nanos + ?1 + reserved_nanos "
    "- coalesce(limit_nanos, spent_nanos + ?1 + reserved_nanos)) "
    "WHERE id = ?2 AND spent_nanos + ?1 >= 0 AND (?1 <= 0 OR limit_nanos IS NULL "
    "OR spent_nanos + reserved_nanos + ?1 <= limit_nanos)"
)
_CHARGES: Final = (
    "SELECT id, chain, ended_after_entry, cost_nanos - (SELECT coalesce(sum(amount_nanos), 0) "
    "FROM refunds WHERE reservation_id = reservations.id) FROM reservations "
    "WHERE request_id = ? AND state = 'settled' ORDER BY id"
)
_REFUND: Final = (
    "INSERT INTO refunds (request_id, reservation_id, amount_nanos, reason, created_at) "
    "VALUES (?, ?, ?, ?, ?)"
)
# Of a charge, what a pouch still counts: nothing once it has been zeroed, else what it has left.
_COUNTED: Final = (
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM entries WHERE pouch_id = ?1 "
    "AND kind IN ('rollover', 'reset') AND id > ?2) THEN 0 ELSE min(spent_nanos, ?3) END "
    "FROM pouches WHERE id = ?1"
)
_ENTRY: Final = (
    "INSERT INTO entries (pouch_id, reservation_id, kind, spent_delta, reserved_delta, reason, "
    "created_at) VALUES (?, ?, ?, ?, 0, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class _Charge:
    """A settled reservation of a request: where it was charged, and what is not yet given back."""

    reservation_id: str
    chain: tuple[str, ...]
    ended_after_entry: int
    left: int


def refund(
    connection: sqlite3.Connection, request_id: str, amount: int | None, reason: str, now: int
) -> Money:
    """Give ``amount`` nano-dollars of what a request cost back, all that is left without one.

    Raises:
        NotFoundError: no such request has ended.
        ConflictError: that much was not charged, or has been given back.
    """
    charges = [
        _Charge(row[0], tuple(row[1].split(" ")), row[2], row[3])
        for row in connection.execute(_CHARGES, (request_id,)).fetchall()
    ]
    if not charges:
        _refuse_uncharged(connection, request_id)
    left = sum(charge.left for charge in charges)
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise ConflictError(
            f"Of what request {request_id!r} was charged, {Money(left)} USD can be given back."
        )
    owed = wanted
    for charge in charges:
        given = min(owed, charge.left)
        if given:
            connection.execute(_REFUND, (request_id, charge.reservation_id, given, reason, now))
            _take_out(connection, charge, given, reason, now)
            owed -= given
    return Money(wanted)


def _refuse_uncharged(connection: sqlite3.Connection, request_id: str) -> None:
    known = connection.execute("SELECT 1 FROM requests WHERE id = ?", (request_id,)).fetchone()
    if known is None:
        raise NotFoundError(f"No request {request_id[:64]!r} has ended.")
    raise ConflictError(f"Request {request_id!r} was charged to no pouch.")


def _take_out(
    connection: sqlite3.Connection, charge: _Charge, given: int, reason: str, now: int
) -> None:
    for pouch_id in charge.chain:
        [counted] = connection.execute(
            _COUNTED, (pouch_id, charge.ended_after_entry, given)
        ).fetchone()
        moved = connection.execute(_MOVE, (-counted, pouch_id))
        assert moved.rowcount == 1, "a pouch changed inside the writer's own transaction"
        entry = (pouch_id, charge.reservation_id, "refund", -counted, reason, now)
        connection.execute(_ENTRY, entry)


def adjust(
    connection: sqlite3.Connection, pouch_id: str, spent_delta: int, reason: str, now: int
) -> bool:
    """Add to what one pouch has spent, or take from it; ``False`` if there is no such pouch.

    Raises:
        ConflictError: it would have spent less than nothing, or stand above its limit.
    """
    known = "SELECT spent_nanos FROM pouches WHERE id = ?"
    row = connection.execute(known, (pouch_id,)).fetchone()
    if row is None:
        return False
    if connection.execute(_MOVE, (spent_delta, pouch_id)).rowcount != 1:
        raise ConflictError(
            f"The pouch has spent {Money(row[0])} USD; it cannot be corrected by "
            f"{Money(spent_delta)}, for it must stay between nothing and its limit."
        )
    connection.execute(_ENTRY, (pouch_id, None, "adjust", spent_delta, reason, now))
    return True
