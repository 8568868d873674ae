"""The ``Ledger`` port on SQLite."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from pouch.domain.alerts import charged_in_full
from pouch.domain.errors import NotFoundError
from pouch.domain.ids import new_id
from pouch.domain.ledger import (
    Audit,
    Evidence,
    Hold,
    RequestOutcome,
    RequestRecord,
    Reservation,
    Settlement,
)
from pouch.domain.money import Money
from pouch.domain.ports import Clock
from pouch.infra.sqlite import corrections
from pouch.infra.sqlite.holder import HolderLock
from pouch.infra.sqlite.movements import Movements
from pouch.infra.sqlite.outbox import AlertWriter
from pouch.infra.sqlite.pouch_rows import Zeroing, pouch_at, zero
from pouch.infra.sqlite.rows import micros, optional_micros
from pouch.infra.sqlite.usage import UsageTally
from pouch.infra.sqlite.verify import audit
from pouch.infra.sqlite.version import bump
from pouch.infra.sqlite.writer import Movement, Writer

# What the log says of a request whose process died before it could say anything else.
DIED_STATUS: Final = 500
DIED_ERROR: Final = "gateway_stopped"

LEFT: Final = "SELECT id, amount_nanos FROM reservations WHERE state = 'reserved' AND holder_id = ?"
OWNERS: Final = (
    "SELECT id FROM holders UNION SELECT holder_id FROM reservations WHERE state = 'reserved'"
)

_log = logging.getLogger("pouch.store")


class SqliteLedger:
    """Writes through the process's one writer; each method is one piece of its work."""

    def __init__(
        self,
        writer: Writer,
        path: Path,
        clock: Clock,
        holder_id: str,
        alerting: AlertWriter,
    ) -> None:
        self._writer = writer
        self._path = path
        self._clock = clock
        self._holder_id = holder_id
        self._alerting = alerting
        self._movements = Movements(holder_id, alerting, UsageTally())
        writer.keep(self._movements)

    async def reserve(self, hold: Hold) -> Reservation:
        """See ``pouch.domain.ledger.Ledger``."""
        now = micros(self._clock.now())
        movements, about = self._movements, [hold.id]
        # Streams that begin in step are also read in step, a few events at a time: with 64 at once
        # that costs more than the commits that it saves.
        joins = not hold.facts.stream
        return await self._writer.run(
            Movement(lambda connection: movements.reserve(connection, hold, now), about, joins),
            undo=Movement(lambda connection: movements.release(connection, hold.id, now), about),
        )

    async def settle(self, settlement: Settlement) -> bool:
        """See ``pouch.domain.ledger.Ledger``."""
        now = micros(self._clock.now())
        movements, about = self._movements, [settlement.reservation_id]
        return await self._writer.run(
            Movement(lambda connection: movements.settle(connection, settlement, now), about),
            patient=True,
        )

    async def settle_all(self, ends: Sequence[Settlement | RequestRecord]) -> None:
        """See ``pouch.domain.ledger.Ledger``."""
        now = micros(self._clock.now())
        movements = self._movements
        about = [end.reservation_id for end in ends if isinstance(end, Settlement)]

        def apply(connection: sqlite3.Connection) -> None:
            for end in ends:
                if isinstance(end, Settlement):
                    movements.settle(connection, end, now)
                else:
                    movements.record(end)

        await self._writer.run(Movement(apply, about), patient=True)

    async def roll_over(self, pouch_id: str, *, due: datetime, next_reset: datetime) -> bool:
        """See ``pouch.domain.ledger.Ledger``."""
        zeroing = Zeroing("rollover", micros(next_reset), None)
        return await self._writer.run(partial(self._zero, pouch_id, zeroing, due))

    async def reset(self, pouch_id: str, *, reason: str) -> bool:
        """See ``pouch.domain.ledger.Ledger``."""
        zeroing = Zeroing("reset", None, reason)
        return await self._writer.run(partial(self._zero, pouch_id, zeroing, None))

    async def refund(self, request_id: str, amount: Money | None, *, reason: str) -> Money:
        """See ``pouch.domain.ledger.Ledger``."""
        nanos = None if amount is None else amount.nanos
        now = micros(self._clock.now())
        return await self._writer.run(
            lambda connection: corrections.refund(connection, request_id, nanos, reason, now)
        )

    async def adjust(self, pouch_id: str, spent: Money, *, reason: str) -> bool:
        """See ``pouch.domain.ledger.Ledger``."""
        now = micros(self._clock.now())
        return await self._writer.run(
            lambda connection: corrections.adjust(connection, pouch_id, spent.nanos, reason, now)
        )

    async def recover(self) -> Sequence[str]:
        """See ``pouch.domain.ledger.Ledger``."""
        return await self._writer.run(self._recover)

    async def verify(self) -> Audit:
        """See ``pouch.domain.ledger.Ledger``."""
        return await asyncio.to_thread(audit, self._path)

    def _zero(
        self,
        pouch_id: str,
        zeroing: Zeroing,
        due: datetime | None,
        connection: sqlite3.Connection,
    ) -> bool:
        try:
            pouch = pouch_at(connection, pouch_id)
        except NotFoundError:
            return False
        if due is None:
            resets_at = optional_micros(pouch.resets_at)
            zeroing = Zeroing(zeroing.kind, resets_at, zeroing.reason)
        elif pouch.resets_at != due:
            return False
        zero(connection, pouch, zeroing, micros(self._clock.now()))
        bump(connection)
        return True

    def _recover(self, connection: sqlite3.Connection) -> list[str]:
        recovered: list[str] = []
        for (owner,) in connection.execute(OWNERS).fetchall():
            if owner == self._holder_id:
                continue
            try:
                lock = HolderLock.take(folder_of(self._path), owner)
            except OSError:
                # It is not surely dead; the others do not wait for it.
                _log.exception("the lock of holder %s cannot be tried", owner)
                continue
            if lock is None:
                continue
            try:
                recovered += self._charge_in_full(connection, owner)
            finally:
                lock.remove()
        return recovered

    def _charge_in_full(self, connection: sqlite3.Connection, owner: str) -> list[str]:
        left = connection.execute(LEFT, (owner,)).fetchall()
        now = micros(self._clock.now())
        outcome = RequestOutcome(
            DIED_STATUS, 0, None, usage=None, evidence=Evidence.HELD_FULL, error=DIED_ERROR
        )
        self._movements.look_up(connection, [reservation_id for reservation_id, _ in left])
        for reservation_id, amount in left:
            settlement = Settlement(reservation_id, Money(amount), outcome)
            self._movements.settle(connection, settlement, now)
        if left:
            whole = Money(sum(amount for _, amount in left))
            alert = charged_in_full(reservations=len(left), amount=whole)
            self._alerting.write(connection, alert, now)
        connection.execute("DELETE FROM holders WHERE id = ?", (owner,))
        return [reservation_id for reservation_id, _ in left]


def folder_of(path: Path) -> Path:
    """Where the holders of the database at ``path`` keep their locks."""
    return path.with_name(path.name + ".holders")


def new_holder_id(clock: Clock) -> str:
    """An id that no holder has had."""
    return new_id("hld", int(clock.now().timestamp() * 1000))
