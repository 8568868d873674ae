"""Reads, beside the writer and never in its way, through connections of their own."""

import asyncio
import sqlite3
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import aiosqlite

from pouch.domain.errors import StoreUnavailableError
from pouch.infra.sqlite.writer import unavailable

Values: TypeAlias = Sequence[object] | Mapping[str, object]


def fold(text: str) -> str:
    """``text`` as it is compared where case, and the way a letter is written, do not matter.

    Queries know it by the same name.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class Reader:
    """Runs a query at once on each connection; each sees one consistent state of the database."""

    def __init__(self, connections: Sequence[aiosqlite.Connection]) -> None:
        self._connections = connections
        # The one that was used last has read the most already.
        self._idle: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        for connection in connections:
            self._idle.put_nowait(connection)
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, busy_timeout_s: float, at_once: int = 1) -> "Reader":
        """Read the database at ``path``, which is there, with ``at_once`` connections.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        connections: list[aiosqlite.Connection] = []
        try:
            for _ in range(at_once):
                connection = await aiosqlite.connect(
                    path.as_uri() + "?mode=ro",
                    uri=True,
                    timeout=busy_timeout_s,
                    isolation_level=None,
                )
                connections.append(connection)
                await connection.create_function("fold", 1, fold, deterministic=True)
        except sqlite3.Error:
            for connection in connections:
                await connection.close()
            raise
        return cls(connections)

    async def rows(self, query: str, values: Values = ()) -> list[Sequence[Any]]:
        """All rows that ``query`` finds.

        Raises:
            StoreUnavailableError: the store cannot be read.
        """
        connection = await self._idle.get()
        try:
            # Also for one who has waited for a connection while the store was closed.
            if self._closed:
                raise StoreUnavailableError("The store is closed.")
            return list(await connection.execute_fetchall(query, values))
        except sqlite3.Error as error:
            raise unavailable(error) from error
        finally:
            self._idle.put_nowait(connection)

    async def row(self, query: str, values: Values = ()) -> Sequence[Any] | None:
        """The one row that ``query`` finds, or ``None``. Raises as ``rows`` does."""
        rows = await self.rows(query, values)
        assert len(rows) <= 1
        return rows[0] if rows else None

    async def close(self) -> None:
        """Let the threads and the connections go."""
        self._closed = True
        for connection in self._connections:
            await connection.close()
