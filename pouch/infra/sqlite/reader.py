"""Reads, beside the writer and never in its way, through a connection of their own."""

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
    """Runs one query after the other; each sees one consistent state of the database."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, busy_timeout_s: float) -> "Reader":
        """Read the database at ``path``, which is there.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        connection = await aiosqlite.connect(
            path.as_uri() + "?mode=ro",
            uri=True,
            timeout=busy_timeout_s,
            isolation_level=None,
        )
        await connection.create_function("fold", 1, fold, deterministic=True)
        return cls(connection)

    async def rows(self, query: str, values: Values = ()) -> list[Sequence[Any]]:
        """All rows that ``query`` finds.

        Raises:
            StoreUnavailableError: the store cannot be read.
        """
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        try:
            return list(await self._connection.execute_fetchall(query, values))
        except sqlite3.Error as error:
            raise unavailable(error) from error

    async def row(self, query: str, values: Values = ()) -> Sequence[Any] | None:
        """The one row that ``query`` finds, or ``None``. Raises as ``rows`` does."""
        rows = await self.rows(query, values)
        assert len(rows) <= 1
        return rows[0] if rows else None

    async def close(self) -> None:
        """Let the thread and the connection go."""
        self._closed = True
        await self._connection.close()
