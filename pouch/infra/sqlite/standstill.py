"""A store that nobody can write for a while, as when another program has locked it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pouch.infra.sqlite.writer import unavailable


@contextmanager
def standstill(path: Path, *, wait_s: float) -> Iterator[None]:
    """Hold the write lock of the database at ``path``; nothing is written.

    Raises:
        StoreUnavailableError: the lock could not be had within ``wait_s`` seconds.
    """
    with closing(sqlite3.connect(path, timeout=wait_s, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise unavailable(error) from error
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
