"""Reads, beside the writer and never in its way: a thread and a connection of their own."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pouch.domain.errors import StoreUnavailableError
from pouch.infra.sqlite.writer import unavailable

T = TypeVar("T")


class Reader:
    """Runs one read after the other, each on one consistent state of the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pouch-reader")
        self._closed = False

    async def run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What ``read`` returns.

        Raises:
            StoreUnavailableError: the store cannot be read.
        """
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, read)

    async def close(self) -> None:
        """Let the thread and the connection go."""
        self._closed = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection
        try:
            connection.execute("BEGIN")
            try:
                return read(connection)
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise unavailable(error) from error
