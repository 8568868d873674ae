"""The database file of a gateway, opened: its ledger, its keys, its reports, its settings."""

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Literal

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ports import Clock
from pouch.infra.sqlite.holder import HolderLock
from pouch.infra.sqlite.keys import SqliteKeys
from pouch.infra.sqlite.ledger import SqliteLedger, folder_of, new_holder_id
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.reports import SqliteReports
from pouch.infra.sqlite.rows import micros
from pouch.infra.sqlite.schema import migrate
from pouch.infra.sqlite.writer import Writer


class SqliteStore:
    """One process's view of the file; several processes may have one each."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        path: Path,
        clock: Clock,
        lock: HolderLock,
        holder: str,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._lock = lock
        self._holder = holder
        self.ledger = SqliteLedger(writer, path, clock, holder)
        self.keys = SqliteKeys(writer, reader, clock)
        self.reports = SqliteReports(reader)

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Clock,
        *,
        busy_timeout_s: float = 5,
        synchronous: Literal["full", "normal"] = "full",
    ) -> "SqliteStore":
        """Open the file, make it if there is none, and bring it to the newest version.

        Raises:
            StoreUnavailableError: it cannot be opened or written, or a newer Pouch has made it.
        """
        opening = _Opening(path, clock, busy_timeout_s, synchronous)
        return await asyncio.to_thread(opening.open)

    async def get_setting(self, key: str) -> str | None:
        """The text kept under ``key``; ``None`` if there is none."""

        def read(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return await self._reader.run(read)

    async def set_setting(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``, in the place of what was there."""
        await self._writer.run(
            lambda connection: (
                connection.execute(
                    "INSERT INTO settings VALUES (?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (key, value),
                ).rowcount
            )
        )

    async def close(self) -> None:
        """Write what is queued and let go of the file. Open reservations stay for recovery."""

        def leave(connection: sqlite3.Connection) -> bool:
            return (
                connection.execute(
                    "DELETE FROM holders WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM reservations "
                    "WHERE state = 'reserved' AND holder_id = ?1)",
                    (self._holder,),
                ).rowcount
                == 1
            )

        clean = False
        try:
            clean = await self._writer.run(leave)
        except StoreUnavailableError:
            # The next one to open the store finds this holder dead, and recovers it.
            clean = False
        await self._writer.close()
        await self._reader.close()
        if clean:
            self._lock.remove()
        else:
            self._lock.release()


class _Opening:
    """What is blocking about opening, for a thread."""

    def __init__(self, path: Path, clock: Clock, busy_timeout_s: float, synchronous: str) -> None:
        self._path = path
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        self._synchronous = synchronous

    def open(self) -> SqliteStore:
        holder = new_holder_id(self._clock)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file is there, and private, before SQLite would make it for everyone to read.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            lock = HolderLock.take(folder_of(self._path), holder)
        except OSError as error:
            raise StoreUnavailableError(
                f"The store at {self._path} cannot be opened: {error.strerror or error}"
            ) from error
        assert lock is not None
        connections: list[sqlite3.Connection] = []
        try:
            return self._connected(connections, lock, holder)
        except (sqlite3.Error, StoreUnavailableError) as error:
            for connection in connections:
                connection.close()
            lock.remove()
            if isinstance(error, StoreUnavailableError):
                raise
            raise StoreUnavailableError(
                f"The store at {self._path} cannot be opened: {error}"
            ) from error

    def _connected(
        self, connections: list[sqlite3.Connection], lock: HolderLock, holder: str
    ) -> SqliteStore:
        writing = self._connect(connections)
        migrate(writing)
        writing.execute(
            "INSERT INTO holders VALUES (?, ?, ?)",
            (holder, os.getpid(), micros(self._clock.now())),
        )
        reading = self._connect(connections)
        reading.execute("PRAGMA query_only = ON")
        return SqliteStore(Writer(writing), Reader(reading), self._path, self._clock, lock, holder)

    def _connect(self, connections: list[sqlite3.Connection]) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connections.append(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous.upper()}")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection
