"""The database file of a gateway, opened: its ledger, its keys, its reports, its settings."""

import asyncio
import os
import sqlite3
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pouch.domain.alerts import AlertPolicy
from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ports import Clock, StoreFacts
from pouch.infra.sqlite.freezes import SqliteFreezes
from pouch.infra.sqlite.holder import HolderLock, turn
from pouch.infra.sqlite.idempotency import SqliteIdempotency
from pouch.infra.sqlite.keys import SqliteKeys
from pouch.infra.sqlite.ledger import SqliteLedger, folder_of, new_holder_id
from pouch.infra.sqlite.outbox import AlertWriter, SqliteOutbox
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.reports import SqliteReports
from pouch.infra.sqlite.rows import micros
from pouch.infra.sqlite.schema import migrate
from pouch.infra.sqlite.stops import SqliteStops
from pouch.infra.sqlite.turnstile import Turnstile
from pouch.infra.sqlite.writer import Writer

# The write-ahead log is copied into the database when it has so many pages of 4 KiB. By itself
# SQLite does that after a thousand, so that one lone request in fifty would wait for it.
LOG_PAGES: Final = 4000
# Of what the dashboard asks, so much is answered at once.
REPORTS_AT_ONCE: Final = 2


class SqliteStore:
    """One process's view of the file; several processes may have one each."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        reports: Reader,
        path: Path,
        clock: Clock,
        lock: HolderLock,
        holder: str,
        alerts: AlertPolicy = AlertPolicy(),  # noqa: B008 - it is immutable
    ) -> None:
        self._writer = writer
        self._reader = reader
        # A report may take seconds; no key that is looked up shall wait for it.
        self._reports_reader = reports
        self._lock = lock
        self._holder = holder
        self._path = path
        self._clock = clock
        alerting = AlertWriter(alerts)
        self.ledger = SqliteLedger(writer, path, clock, holder, alerting)
        self.freezes = SqliteFreezes(writer, reader, clock, alerting)
        self.outbox = SqliteOutbox(writer, reader, clock, alerts, holder)
        self.keys = SqliteKeys(writer, reader, clock)
        self.reports = SqliteReports(reports)
        self.stops = SqliteStops(writer, reader, clock)

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Clock,
        *,
        busy_timeout_s: float = 5,
        synchronous: Literal["full", "normal"] = "full",
        alerts: AlertPolicy = AlertPolicy(),  # noqa: B008 - it is immutable
    ) -> "SqliteStore":
        """Open the file, make it if there is none, and bring it to the newest version.

        Raises:
            StoreUnavailableError: it cannot be opened or written, or a newer Pouch has made it.
        """
        # Whatever name the file goes by, its holders find each other.
        real = Path(await asyncio.to_thread(os.path.realpath, path))
        opening = _Opening(real, clock, busy_timeout_s, synchronous)
        opened = await asyncio.to_thread(opening.open)
        try:
            reader, reports = await _readers(opening.path, busy_timeout_s)
        except sqlite3.Error as error:
            opened.give_up()
            raise opening.refusal(error) from error
        writer = Writer(opened.connection, opened.turnstile)
        return cls(writer, reader, reports, opening.path, clock, opened.lock, opened.holder, alerts)

    def idempotency(self, *, bytes_max: int) -> SqliteIdempotency:
        """The records of requests that may be sent again, ``bytes_max`` of them in all."""
        return SqliteIdempotency(
            self._writer, self._reader, self._clock, self._holder, bytes_max=bytes_max
        )

    async def facts(self) -> StoreFacts:
        """See ``pouch.domain.ports.StoreInspection``; the write-ahead log counts as well."""
        row = await self._reader.row("SELECT max(number) FROM migrations")
        assert row is not None
        files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        size_bytes = sum(file.stat().st_size for file in files if file.exists())
        return StoreFacts("sqlite", self._path.name, size_bytes, row[0])

    async def get_setting(self, key: str) -> str | None:
        """The text kept under ``key``; ``None`` if there is none."""
        row = await self._reader.row("SELECT value FROM settings WHERE key = ?", (key,))
        return None if row is None else str(row[0])

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

    async def replace_setting(self, key: str, old: str, new: str) -> bool:
        """See ``pouch.domain.ports.SettingStore``."""
        return await self._writer.run(
            lambda connection: (
                connection.execute(
                    "UPDATE settings SET value = ? WHERE key = ? AND value = ?", (new, key, old)
                ).rowcount
                == 1
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
        await self._reports_reader.close()
        if clean:
            self._lock.remove()
        else:
            self._lock.release()


async def _readers(path: Path, busy_timeout_s: float) -> tuple[Reader, Reader]:
    first = await Reader.open(path, busy_timeout_s=busy_timeout_s)
    try:
        reports = await Reader.open(path, busy_timeout_s=busy_timeout_s, at_once=REPORTS_AT_ONCE)
    except sqlite3.Error:
        await first.close()
        raise
    return first, reports


@dataclass(frozen=True, slots=True)
class _Opened:
    """The file, ready to be written by the holder that has the lock."""

    connection: sqlite3.Connection
    turnstile: Turnstile
    lock: HolderLock
    holder: str

    def give_up(self) -> None:
        self.connection.close()
        self.turnstile.close()
        self.lock.remove()


@dataclass(frozen=True, slots=True)
class _Opening:
    """What is blocking about opening, for a thread. Raises ``StoreUnavailableError``."""

    path: Path
    clock: Clock
    busy_timeout_s: float
    synchronous: str

    def open(self) -> _Opened:
        try:
            self._make_private()
            with turn(folder_of(self.path)):
                return self._open()
        except OSError as error:
            raise self.refusal(error.strerror or error) from error
        except sqlite3.Error as error:
            raise self.refusal(error) from error

    def refusal(self, why: object) -> StoreUnavailableError:
        return StoreUnavailableError(f"The store at {self.path} cannot be opened: {why}")

    def _make_private(self) -> None:
        """The file is there before SQLite would make it for everyone to read.

        One that is there is let be: to open and close it here would drop the locks of all this
        process's connections to it.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def _open(self) -> _Opened:
        with ExitStack() as unfinished:
            holder = new_holder_id(self.clock)
            lock = HolderLock.take(folder_of(self.path), holder)
            assert lock is not None
            unfinished.callback(lock.remove)
            turnstile = Turnstile(folder_of(self.path))
            unfinished.callback(turnstile.close)
            connection = sqlite3.connect(
                self.path,
                timeout=self.busy_timeout_s,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            unfinished.callback(connection.close)
            [mode] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise self.refusal(f"its folder allows no write-ahead log, only {mode!r}")
            connection.execute(f"PRAGMA synchronous = {self.synchronous.upper()}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
            connection.execute("PRAGMA foreign_keys = OFF")
            migrate(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(
                "INSERT INTO holders VALUES (?, ?, ?)",
                (holder, os.getpid(), micros(self.clock.now())),
            )
            unfinished.pop_all()
        return _Opened(connection, turnstile, lock, holder)
