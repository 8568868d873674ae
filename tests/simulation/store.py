"""A real SQLite file behind a connection that fails when it is told to, and dies with its process.

No thread takes part, so that a run depends on nothing but its plan.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import aiosqlite

from pouch.domain.ports import Clock
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.store import _Opening
from pouch.infra.sqlite.writer import Writer

# How long a transaction takes, half of it before the commit and half after: whoever goes away
# meanwhile goes at either moment.
TRANSACTION_S: Final = 0.002

P = ParamSpec("P")
T = TypeVar("T")


class Fault(StrEnum):
    """What the store does not take."""

    EVERYTHING = "unable to open database file"
    COMMITS = "database or disk is full"
    WRITES = "disk I/O error"


class FaultyConnection:
    """What the writer uses in the place of ``sqlite3.Connection``."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real
        self.fault: Fault | None = None
        self.dead = False
        self.statements_left: int | None = None
        """So many more statements are executed; then the process dies in the midst of them."""

    @property
    def in_transaction(self) -> bool:
        return self._real.in_transaction and not self.dead

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        self._count_down()
        if self.dead:
            raise sqlite3.OperationalError("the process is dead")
        if self.fault is not None and _hits(self.fault, statement):
            raise sqlite3.OperationalError(self.fault.value)
        return self._real.execute(statement, values)

    def _count_down(self) -> None:
        if self.statements_left is not None:
            self.statements_left -= 1
            self.dead = self.dead or self.statements_left < 0

    def die(self) -> None:
        """As at SIGKILL: what is committed stays, what is not was never there."""
        self.dead = True
        self._real.close()

    def close(self) -> None:
        self._real.close()


def _hits(fault: Fault, statement: str) -> bool:
    if statement == "ROLLBACK":
        return False
    if fault is Fault.COMMITS:
        return statement == "COMMIT"
    if fault is Fault.WRITES:
        return statement.startswith("INSERT INTO entries")
    return True


class _WriterThread:
    """Takes the loop's time for what the writer's thread does."""

    def do(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        loop = asyncio.get_running_loop()

        def apply() -> None:
            loop.call_later(TRANSACTION_S / 2, then, work())

        loop.call_later(TRANSACTION_S / 2, apply)

    def stop(self) -> None:
        """It has nothing to end."""


class _Reads:
    """What the reader uses in the place of ``aiosqlite.Connection``."""

    def __init__(self, path: Path, writes: FaultyConnection) -> None:
        self._real = sqlite3.connect(path.as_uri() + "?mode=ro", uri=True, isolation_level=None)
        self._writes = writes

    async def execute_fetchall(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        if self._writes.dead or self._writes.fault is Fault.EVERYTHING:
            raise sqlite3.OperationalError(Fault.EVERYTHING.value)
        return self._real.execute(query, values).fetchall()

    async def close(self) -> None:
        self._real.close()

    def drop(self) -> None:
        self._real.close()


class MortalStore:
    """One process's store, with the means to make it fail and to kill it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        opened = _Opening(path, clock, 5, "normal").open()
        self._lock = opened.lock
        self.connection = FaultyConnection(opened.connection)
        self._reads = _Reads(path, self.connection)
        writer = Writer(cast(sqlite3.Connection, self.connection))
        writer._thread = _WriterThread()  # type: ignore[assignment]
        reader = Reader([cast(aiosqlite.Connection, self._reads)])
        self.store = SqliteStore(writer, reader, reader, path, clock, opened.lock, opened.holder)

    def die(self) -> None:
        """The kernel closes what a killed process had open, and so frees its lock."""
        self.connection.die()
        self._reads.drop()
        self._lock.release()
