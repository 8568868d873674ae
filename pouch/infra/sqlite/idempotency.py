"""The ``IdempotencyStore`` port on SQLite. All records together take ``bytes_max`` at most."""

import json
import sqlite3
from datetime import datetime
from typing import Final

from pouch.domain.idempotency import Claim, KeptAnswer, Record
from pouch.domain.ports import Clock
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import micros, optional_money
from pouch.infra.sqlite.writer import Writer

# What a record takes beside its answer, about.
RECORD_BYTES: Final = 1024
# Records that one transaction forgets; so that no other write waits long for it.
PURGED_MAX: Final = 100

# A request at work is void as soon as its holder is: the ledger's recovery takes a dead holder's
# row away in the transaction that settles its reservations.
_VOID: Final = (
    "(expires_at <= ?1 OR (expires_at IS NULL AND holder_id NOT IN (SELECT id FROM holders)))"
)
_FORGET_VOID: Final = f"DELETE FROM idempotency WHERE key_id = ?2 AND name = ?3 AND {_VOID}"  # noqa: S608
_CLAIM: Final = (
    "INSERT INTO idempotency (key_id, name, fingerprint, request_id, holder_id, bytes) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_FIND: Final = (
    "SELECT fingerprint, request_id, expires_at IS NULL, "  # noqa: S608
    f"coalesce({_VOID}, 0), status, headers, body, "
    "(SELECT cost_nanos FROM requests WHERE id = request_id) "
    "FROM idempotency WHERE key_id = ?2 AND name = ?3"
)
_PENDING: Final = "WHERE key_id = ? AND name = ? AND request_id = ? AND expires_at IS NULL"
_COMPLETE: Final = (
    "UPDATE idempotency SET expires_at = ?, status = ?, headers = ?, body = ?, "  # noqa: S608
    f"bytes = ? {_PENDING}"
)
_DROP: Final = f"DELETE FROM idempotency {_PENDING}"  # noqa: S608
_TOTAL: Final = "SELECT bytes FROM idempotency_total"
# That a request was answered is remembered longer than what the answer was.
_FORGET_ANSWER: Final = (
    "UPDATE idempotency SET status = NULL, headers = NULL, body = NULL, bytes = ? WHERE rowid = "
    "(SELECT rowid FROM idempotency WHERE body IS NOT NULL ORDER BY expires_at LIMIT 1)"
)
_FORGET_RECORD: Final = (
    "DELETE FROM idempotency WHERE rowid = (SELECT rowid FROM idempotency "
    "WHERE expires_at IS NOT NULL ORDER BY expires_at LIMIT 1)"
)
_PURGE: Final = (
    "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency "  # noqa: S608
    f"WHERE {_VOID} LIMIT {PURGED_MAX})"
)


class SqliteIdempotency:
    """See ``pouch.domain.idempotency.IdempotencyStore``."""

    def __init__(
        self, writer: Writer, reader: Reader, clock: Clock, holder_id: str, *, bytes_max: int
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._holder_id = holder_id
        self._bytes_max = bytes_max

    async def claim(self, claim: Claim) -> bool:
        now = micros(self._clock.now())
        values = (claim.key_id, claim.name, claim.fingerprint, claim.request_id, self._holder_id)

        def take(connection: sqlite3.Connection) -> bool:
            connection.execute(_FORGET_VOID, (now, claim.key_id, claim.name))
            return connection.execute(_CLAIM, (*values, RECORD_BYTES)).rowcount == 1

        return await self._writer.run(take, undo=lambda connection: _drop(connection, claim))

    async def find(self, key_id: str, name: str) -> Record | None:
        row = await self._reader.row(_FIND, (micros(self._clock.now()), key_id, name))
        if row is None:
            return None
        kept = None
        if row[6] is not None:
            headers = tuple((header, value) for header, value in json.loads(row[5]))
            kept = KeptAnswer(row[4], headers, row[6])
        return Record(
            fingerprint=row[0],
            request_id=row[1],
            pending=bool(row[2]),
            void=bool(row[3]),
            answer=kept,
            cost=optional_money(row[7]),
        )

    async def complete(
        self, claim: Claim, answer: KeptAnswer | None, *, expires_at: datetime
    ) -> bool:
        until = micros(expires_at)

        def complete(connection: sqlite3.Connection) -> bool:
            kept: tuple[object, ...] = (None, None, None)
            size = RECORD_BYTES
            if answer is not None:
                headers = json.dumps(answer.headers)
                kept = (answer.status, headers, answer.body)
                size += len(headers) + len(answer.body)
            values = (until, *kept, size, claim.key_id, claim.name, claim.request_id)
            if connection.execute(_COMPLETE, values).rowcount != 1:
                return False
            self._make_room(connection)
            return True

        return await self._writer.run(complete)

    async def drop(self, claim: Claim) -> bool:
        return await self._writer.run(lambda connection: _drop(connection, claim))

    async def purge(self) -> int:
        now = micros(self._clock.now())

        def purge(connection: sqlite3.Connection) -> int:
            return connection.execute(_PURGE, (now,)).rowcount

        return await self._writer.run(purge)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        while connection.execute(_TOTAL).fetchone()[0] > self._bytes_max:
            forgotten = connection.execute(_FORGET_ANSWER, (RECORD_BYTES,)).rowcount
            if not forgotten and not connection.execute(_FORGET_RECORD).rowcount:
                return  # What is left is at work.


def _drop(connection: sqlite3.Connection, claim: Claim) -> bool:
    values = (claim.key_id, claim.name, claim.request_id)
    return connection.execute(_DROP, values).rowcount == 1
