"""Alerts in the database: written inside the transaction that causes them, delivered from there.

The table keeps the newest ``ALERTS_MAX``; what is older goes, delivered or not.
"""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pouch.domain import alerts
from pouch.domain.alerts import (
    DELAY_S,
    Alert,
    AlertKind,
    AlertPolicy,
    Delivery,
    DeliveryReport,
    DeliveryState,
    LoggedAlert,
    NewAlert,
)
from pouch.domain.ids import new_id
from pouch.domain.ledger import Evidence, Settlement
from pouch.domain.money import Money
from pouch.domain.ports import Clock
from pouch.infra.sqlite.balances import Balance
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import micros, moment
from pouch.infra.sqlite.writer import Writer

ALERTS_MAX: Final = 10_000

_PURGE: Final = "DELETE FROM alerts WHERE number <= (SELECT max(number) FROM alerts) - ?"
_TOLD: Final = "UPDATE pouches SET alerted_percent = ? WHERE id = ?"
# ``target`` is one of those that are configured now; a list of them fills the gap.
_DUE: Final = "state = 'pending' AND due_at <= ? AND target IN (SELECT value FROM json_each(?))"
_ANY_DUE: Final = f"SELECT 1 FROM alert_deliveries WHERE {_DUE} LIMIT 1"  # noqa: S608
# A claim moves the moment at which the delivery is due to the end of its lease.
_CLAIM: Final = (
    "UPDATE alert_deliveries SET holder_id = ?, due_at = ?, attempts = attempts + 1 "  # noqa: S608
    f"WHERE id IN (SELECT id FROM alert_deliveries WHERE {_DUE} ORDER BY due_at, id LIMIT ?) "
    "RETURNING alert_number, target, attempts"
)
_ALERT_COLUMNS: Final = "id, kind, text, facts, created_at"
_ALERT: Final = f"SELECT {_ALERT_COLUMNS} FROM alerts WHERE number = ?"  # noqa: S608
_END: Final = (
    "UPDATE alert_deliveries SET state = ?, error = ?, due_at = coalesce(?, due_at), "
    "holder_id = NULL WHERE target = ? AND holder_id = ? AND attempts = ? AND state = 'pending' "
    "AND alert_number = (SELECT number FROM alerts WHERE id = ?)"
)
_RECENT: Final = (
    f"SELECT {_ALERT_COLUMNS}, (SELECT json_group_array(json_array("  # noqa: S608
    "target, state, attempts, error)) FROM alert_deliveries WHERE alert_number = alerts.number) "
    "FROM alerts ORDER BY number DESC LIMIT ?"
)


class AlertWriter:
    """Writes alerts, with a delivery for each webhook that wants them, in others' transactions."""

    def __init__(self, policy: AlertPolicy) -> None:
        self.policy = policy

    def write(self, connection: sqlite3.Connection, alert: NewAlert, now: int) -> None:
        """Keep ``alert``; ``now`` is in microseconds since 1970."""
        [number] = connection.execute(
            "INSERT INTO alerts (id, kind, text, facts, created_at) VALUES (?, ?, ?, ?, ?) "
            "RETURNING number",
            (
                new_id("alert", now // 1000),
                alert.kind.value,
                alert.text,
                json.dumps(alert.facts),
                now,
            ),
        ).fetchone()
        for target in self.policy.targets:
            if alert.kind in target.kinds:
                connection.execute(
                    "INSERT INTO alert_deliveries (alert_number, target, state, attempts, due_at) "
                    "VALUES (?, ?, 'pending', 0, ?)",
                    (number, target.id, now),
                )
        connection.execute(_PURGE, (ALERTS_MAX,))

    def settled(
        self,
        connection: sqlite3.Connection,
        settlement: Settlement,
        ended: Sequence[Any],
        chain: Sequence[Balance],
        now: int,
    ) -> None:
        """Tell of what a settlement has brought about.

        ``ended`` is ``(amount_nanos, request_id, key_id, model, provider)``, ``chain`` what the
        pouches that it drew on have spent now.
        """
        amount, request_id, key_id, model, provider = ended
        cost = settlement.cost
        if settlement.outcome.evidence is Evidence.OVERRUN:
            alert = alerts.overrun(
                request_id=request_id,
                key_id=key_id,
                model=model,
                provider=provider,
                reserved=Money(amount),
                cost=cost,
            )
            self.write(connection, alert, now)
        if settlement.delay_s >= DELAY_S:
            alert = alerts.settlement_delayed(
                request_id=request_id, key_id=key_id, delay_s=settlement.delay_s, cost=cost
            )
            self.write(connection, alert, now)
        if cost.nanos > 0:
            for balance in chain:
                if balance.limit is not None:
                    self._spent(connection, balance, balance.limit, now)

    def _spent(
        self, connection: sqlite3.Connection, balance: Balance, limit: int, now: int
    ) -> None:
        """Tell of each threshold that a pouch has reached for the first time in its period."""
        told = balance.alerted_percent
        for percent in self.policy.crossed(spent=balance.spent, limit=limit, told=told):
            alert = alerts.threshold_reached(
                pouch_id=balance.id,
                pouch_name=balance.name,
                percent=percent,
                spent=Money(balance.spent),
                limit=Money(limit),
            )
            self.write(connection, alert, now)
            balance.alerted_percent = percent
        if balance.alerted_percent != told:
            connection.execute(_TOLD, (balance.alerted_percent, balance.id))


class SqliteOutbox:
    """See ``pouch.domain.alerts.AlertOutbox``. Claims only for the targets of its policy."""

    def __init__(
        self, writer: Writer, reader: Reader, clock: Clock, policy: AlertPolicy, holder_id: str
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._targets = json.dumps([target.id for target in policy.targets])
        self._holder_id = holder_id

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Delivery]:
        now = self._clock.now()
        due = (micros(now), self._targets)
        # Most of the time nothing is due, and to learn that takes no transaction.
        if await self._reader.row(_ANY_DUE, due) is None:
            return []
        until = micros(now + timedelta(seconds=lease_s))

        def claim(connection: sqlite3.Connection) -> list[Delivery]:
            claimed = connection.execute(_CLAIM, (self._holder_id, until, *due, limit)).fetchall()
            return [
                Delivery(_alert(connection.execute(_ALERT, (number,)).fetchone()), target, attempt)
                for number, target, attempt in sorted(claimed)
            ]

        return await self._writer.run(claim)

    async def delivered(self, delivery: Delivery) -> bool:
        return await self._end(delivery, DeliveryState.DELIVERED, None, None)

    async def failed(self, delivery: Delivery, *, error: str, retry_at: datetime | None) -> bool:
        state = DeliveryState.FAILED if retry_at is None else DeliveryState.PENDING
        return await self._end(delivery, state, error, retry_at)

    async def recent(self, *, limit: int) -> Sequence[LoggedAlert]:
        return [
            LoggedAlert(
                _alert(row),
                [
                    DeliveryReport(target, DeliveryState(state), attempts, error)
                    for target, state, attempts, error in json.loads(row[5])
                ],
            )
            for row in await self._reader.rows(_RECENT, (limit,))
        ]

    async def purge(self, *, before: datetime) -> int:
        moment_before = micros(before)
        return await self._writer.run(
            lambda connection: (
                connection.execute(
                    "DELETE FROM alerts WHERE created_at < ?", (moment_before,)
                ).rowcount
            )
        )

    async def _end(
        self,
        delivery: Delivery,
        state: DeliveryState,
        error: str | None,
        due_at: datetime | None,
    ) -> bool:
        values = (
            state.value,
            error,
            None if due_at is None else micros(due_at),
            delivery.target,
            self._holder_id,
            delivery.attempt,
            delivery.alert.id,
        )
        return await self._writer.run(
            lambda connection: connection.execute(_END, values).rowcount == 1
        )


def _alert(row: Sequence[Any]) -> Alert:
    return Alert(row[0], AlertKind(row[1]), row[2], json.loads(row[3]), moment(row[4]))
