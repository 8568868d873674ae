"""How money moves: the ledger's work inside the writer's transaction.

A transaction holds the movements of everybody who asked meanwhile. Nobody else can write while it
lasts, so they are worked out in memory, one after the other, against balances that are read once,
and their rows are written together at its end. The tables' CHECKs stand behind the arithmetic: what
breaks one breaks the whole transaction, and then each movement is tried by itself.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pouch.domain.errors import BudgetExceededError, ConflictError
from pouch.domain.ledger import (
    Evidence,
    Hold,
    RequestFacts,
    RequestOutcome,
    RequestRecord,
    Reservation,
    Settlement,
)
from pouch.domain.money import Money
from pouch.infra.sqlite import bulk
from pouch.infra.sqlite.balances import Balance, Balances, shortfall
from pouch.infra.sqlite.outbox import AlertWriter
from pouch.infra.sqlite.rows import micros, steps_text
from pouch.infra.sqlite.usage import UsageTally

_RELEASED: Final = frozenset({Evidence.NOT_SENT, Evidence.REFUSED})
_FOUND: Final = (
    "SELECT id, state, chain, amount_nanos, request_id, key_id, model, provider, endpoint, stream, "
    "started_at, price_source FROM reservations"
)
_NEWEST_ENTRY: Final = "SELECT coalesce(max(id), 0) FROM entries"
_LOGGED: Final = "SELECT id FROM requests"
_RESERVATIONS: Final = (
    "reservations (id, pouch_id, chain, holder_id, state, amount_nanos, "
    "request_id, key_id, model, provider, endpoint, stream, started_at, price_source)"
)
_ENDS: Final = ("state", "cost_nanos", "evidence", "ended_at", "ended_after_entry")
_ENTRIES: Final = (
    "entries (id, pouch_id, reservation_id, kind, spent_delta, reserved_delta, reason, created_at)"
)
_REQUESTS: Final = (
    "requests (id, key_id, model, provider, endpoint, stream, started_at, price_source, status, "
    "latency_ms, first_byte_ms, reserved_nanos, cost_nanos, input_tokens, cached_input_tokens, "
    "output_tokens, reasoning_tokens, evidence, error, reason, refused_by, steps)"
)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Logged:
    """A request that has ended, on its way into the log."""

    facts: Row
    outcome: RequestOutcome
    reserved: int | None
    cost: int


class Movements:
    """The movements of the transaction at hand. ``begin`` and ``write`` frame them.

    ``holder_id`` is the process whose reservations these are.
    """

    def __init__(self, holder_id: str, alerting: AlertWriter, tally: UsageTally) -> None:
        self._holder_id = holder_id
        self._alerting = alerting
        self._tally = tally
        self._balances = Balances()
        self._found: dict[str, Row | None] = {}
        self._newest_entry: int | None = None
        self._reserved: dict[str, Row] = {}
        self._ended: dict[str, Row] = {}
        self._entries: list[Row] = []
        self._requests: dict[str, _Logged] = {}

    def begin(self, connection: sqlite3.Connection, reservation_ids: Sequence[str]) -> None:
        """Forget an earlier transaction, which was rolled back; read what this one is about."""
        self._forget()
        self._tally.begin()
        self.look_up(connection, reservation_ids)

    def look_up(self, connection: sqlite3.Connection, reservation_ids: Sequence[str]) -> None:
        """Read reservations that are about to be made or ended, all at once."""
        if reservation_ids:
            self._found.update(dict.fromkeys(reservation_ids))
            for row in bulk.select(connection, _FOUND, reservation_ids):
                self._found[row[0]] = row

    def reserve(self, connection: sqlite3.Connection, hold: Hold, now: int) -> Reservation:
        """As much of ``hold.most`` as every pouch of the chain has room for.

        Raises:
            BudgetExceededError: that is less than ``hold.least``; nothing was changed.
            ConflictError: there is a reservation of this id.
            NotFoundError: there is no such pouch.
        """
        chain = self._balances.chain(connection, hold.pouch_id)
        tightest, room = _tightest(chain)
        amount = hold.most.nanos if room is None else min(hold.most.nanos, room)
        if amount < hold.least.nanos:
            raise BudgetExceededError(shortfall(tightest, hold))
        if hold.id in self._reserved or self._before(connection, hold.id) is not None:
            raise ConflictError(f"Reservation {hold.id!r} has been made before.")
        self._reserved[hold.id] = (
            hold.id,
            hold.pouch_id,
            " ".join([balance.id for balance in chain]),
            self._holder_id,
            "reserved",
            amount,
            *_facts_row(hold.facts),
        )
        for balance in chain:
            balance.reserve(amount)
            self._enter(connection, balance, hold.id, ("reserve", 0, amount, None, now))
        return Reservation(
            hold.id, hold.pouch_id, Money(amount), None if room is None else Money(room - amount)
        )

    def settle(self, connection: sqlite3.Connection, settlement: Settlement, now: int) -> bool:
        """End a reservation in every pouch it was set aside in, log its request, and write alerts.

        ``False`` if it had ended, or there is none.
        """
        cost, outcome = settlement.cost.nanos, settlement.outcome
        row = self._open(connection, settlement.reservation_id)
        if row is None:
            return False
        chain = self._end(connection, row, cost, outcome.evidence, now)
        self._log(_Logged(row[4:], outcome, row[3], cost))
        self._alerting.settled(connection, settlement, row[3:8], chain, now)
        return True

    def release(self, connection: sqlite3.Connection, reservation_id: str, now: int) -> None:
        """Undo what was reserved for a caller who is gone; there was no request to log."""
        row = self._open(connection, reservation_id)
        if row is not None:
            self._end(connection, row, 0, Evidence.NOT_SENT, now)

    def record(self, request: RequestRecord) -> None:
        """Log a request that reserved nothing; one that is logged already stays as it is."""
        facts = _facts_row(request.facts)
        self._log(_Logged(facts, request.outcome, None, request.cost.nanos))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write all of it, before anything else reads or changes the tables."""
        if self._reserved:
            bulk.insert(connection, _RESERVATIONS, list(self._reserved.values()))
        if self._ended:
            ended = list(self._ended.values())
            done = bulk.update(connection, "reservations", _ENDS, "state = 'reserved'", ended)
            assert done == len(ended), "a reservation ended in the writer's own transaction"
        if self._entries:
            bulk.insert(connection, _ENTRIES, self._entries)
        if self._requests:
            self._write_log(connection)
        self._balances.write(connection)
        self._tally.write(connection)
        self._forget()

    def _forget(self) -> None:
        self._balances.forget()
        self._found.clear()
        self._newest_entry = None
        self._reserved.clear()
        self._ended.clear()
        self._entries.clear()
        self._requests.clear()

    def _open(self, connection: sqlite3.Connection, reservation_id: str) -> Row | None:
        """The reservation's row, if it has not ended."""
        if reservation_id in self._ended:
            return None
        if reservation_id in self._reserved:
            self.write(connection)
        row = self._before(connection, reservation_id)
        return row if row is not None and row[1] == "reserved" else None

    def _before(self, connection: sqlite3.Connection, reservation_id: str) -> Row | None:
        """The reservation's row as it stood before the movements that are not written yet."""
        if reservation_id not in self._found:
            self.look_up(connection, [reservation_id])
        return self._found[reservation_id]

    def _end(
        self, connection: sqlite3.Connection, row: Row, cost: int, evidence: Evidence, now: int
    ) -> list[Balance]:
        """End an open reservation; the pouches that it was set aside in."""
        reservation_id, amount = row[0], row[3]
        released = evidence in _RELEASED
        assert not (released and cost)
        kind = "release" if released else "settle"
        newest = self._last_entry(connection)
        chain = [self._balances.of(connection, pouch_id) for pouch_id in row[2].split(" ")]
        self._ended[reservation_id] = (
            "released" if released else "settled",
            None if released else cost,
            evidence.value,
            now,
            newest,
            reservation_id,
        )
        for balance in chain:
            balance.settle(amount, cost)
            entry = (kind, cost, -amount, evidence.value, now)
            self._enter(connection, balance, reservation_id, entry)
        return chain

    def _enter(
        self, connection: sqlite3.Connection, balance: Balance, reservation_id: str, entry: Row
    ) -> None:
        self._newest_entry = self._last_entry(connection) + 1
        self._entries.append((self._newest_entry, balance.id, reservation_id, *entry))

    def _last_entry(self, connection: sqlite3.Connection) -> int:
        if self._newest_entry is None:
            [self._newest_entry] = connection.execute(_NEWEST_ENTRY).fetchone()
        return self._newest_entry

    def _log(self, logged: _Logged) -> None:
        self._requests.setdefault(logged.facts[0], logged)

    def _write_log(self, connection: sqlite3.Connection) -> None:
        known = list(bulk.select(connection, _LOGGED, list(self._requests)))
        for (request_id,) in known:
            del self._requests[request_id]
        for logged in self._requests.values():
            self._tally.add(logged.facts, logged.outcome, logged.cost)
        bulk.insert(connection, _REQUESTS, [_request_row(each) for each in self._requests.values()])


def _tightest(chain: Sequence[Balance]) -> tuple[Balance, int | None]:
    """The pouch that has the least room, and that room; ``None`` if none has a limit."""
    tightest, least = chain[0], None
    for balance in chain:
        room = balance.room
        if room is not None and (least is None or room < least):
            tightest, least = balance, room
    return tightest, least


def _facts_row(facts: RequestFacts) -> Row:
    """The columns ``request_id`` to ``price_source``, which reservations and requests share."""
    return (
        facts.request_id,
        facts.key_id,
        facts.model,
        facts.provider,
        facts.endpoint,
        int(facts.stream),
        micros(facts.started_at),
        facts.price_source,
    )


def _request_row(logged: _Logged) -> Row:
    outcome, usage = logged.outcome, logged.outcome.usage
    tokens: Row = (None, None, None, None)
    if usage is not None:
        tokens = (
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.output_tokens,
            usage.reasoning_tokens,
        )
    return (
        *logged.facts,
        outcome.status,
        outcome.latency_ms,
        outcome.first_byte_ms,
        logged.reserved,
        logged.cost,
        *tokens,
        outcome.evidence.value,
        outcome.error,
        outcome.reason,
        outcome.refused_by,
        steps_text(outcome.steps),
    )
