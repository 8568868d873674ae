"""The ``StopRequests`` port on SQLite: a row for each wish, until a process takes it."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from pouch.domain.ports import Clock
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import micros
from pouch.infra.sqlite.writer import Writer

# A wish that nobody has taken in this time is void: its request has ended, or its process died.
VOID_AFTER_S: Final = 60
WISHES_MAX: Final = 1000

_VOID: Final = "DELETE FROM stop_requests WHERE asked_at < ?"
_ASK: Final = (
    "INSERT INTO stop_requests (request_id, asked_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
)
_TAKE: Final = "DELETE FROM stop_requests WHERE request_id = ?"
_WISHES: Final = "SELECT request_id FROM stop_requests LIMIT ?"


class SqliteStops:
    """See ``pouch.domain.live.StopRequests``."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock

    async def ask(self, request_id: str) -> None:
        now = micros(self._clock.now())

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_VOID, (now - VOID_AFTER_S * 1_000_000,))
            connection.execute(_ASK, (request_id, now))

        await self._writer.run(work)

    async def wishes(self) -> Sequence[str]:
        return [row[0] for row in await self._reader.rows(_WISHES, (WISHES_MAX,))]

    async def take(self, request_id: str) -> bool:
        return await self._writer.run(
            lambda connection: connection.execute(_TAKE, (request_id,)).rowcount == 1
        )
