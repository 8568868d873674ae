"""The ``FreezeStore`` port on SQLite: freezes are columns of the key, so every process has them."""

import sqlite3
from datetime import datetime
from typing import Final

from pouch.domain import alerts
from pouch.domain.key import Freeze, Key
from pouch.domain.money import Money
from pouch.domain.ports import Clock
from pouch.infra.sqlite.outbox import AlertWriter
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import micros, optional_micros
from pouch.infra.sqlite.version import bump
from pouch.infra.sqlite.writer import Writer

_FREEZE: Final = (
    "UPDATE keys SET frozen_at = ?, frozen_until = ?, frozen_reason = ? WHERE id = ? "
    "AND revoked_at IS NULL AND frozen_at IS ? AND frozen_until IS ? RETURNING name"
)
# The freeze stays with the key, over now: what was before it is not held against the key again.
_THAW: Final = (
    "UPDATE keys SET frozen_until = ?1 WHERE id = ?2 AND revoked_at IS NULL "
    "AND frozen_at IS NOT NULL AND (frozen_until IS NULL OR frozen_until > ?1)"
)
# What has ended is in the log of requests; what has not is a reservation. Both have an index.
_SPENT: Final = (
    "SELECT (SELECT coalesce(sum(cost_nanos), 0) FROM requests "
    "WHERE key_id = ?1 AND started_at >= ?2) + (SELECT coalesce(sum(amount_nanos), 0) "
    "FROM reservations WHERE state = 'reserved' AND key_id = ?1 AND started_at >= ?2)"
)


class SqliteFreezes:
    """See ``pouch.domain.ports.FreezeStore``."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock, alerting: AlertWriter) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._alerting = alerting

    async def freeze(self, key: Key, freeze: Freeze) -> bool:
        now = micros(self._clock.now())
        seen = key.freeze
        values = (
            micros(freeze.at),
            optional_micros(freeze.until),
            freeze.reason,
            key.id,
            None if seen is None else micros(seen.at),
            None if seen is None else optional_micros(seen.until),
        )

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(_FREEZE, values).fetchone()
            if row is None:
                return False
            alert = alerts.key_frozen(
                key_id=key.id, key_name=row[0], reason=freeze.reason, until=freeze.until
            )
            self._alerting.write(connection, alert, now)
            bump(connection)
            return True

        return await self._writer.run(work)

    async def thaw(self, key_id: str, *, now: datetime) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            thawed = connection.execute(_THAW, (micros(now), key_id)).rowcount == 1
            if thawed:
                bump(connection)
            return thawed

        return await self._writer.run(work)

    async def spent_since(self, key_id: str, since: datetime) -> Money:
        row = await self._reader.row(_SPENT, (key_id, micros(since)))
        assert row is not None
        return Money(row[0])
