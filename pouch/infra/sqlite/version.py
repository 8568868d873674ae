"""The number that grows with every change of a key or of a pouch's terms."""

import sqlite3


def bump(connection: sqlite3.Connection) -> None:
    """Tell every process, in the same transaction, that keys have changed."""
    connection.execute(
        "UPDATE settings SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) "
        "WHERE key = 'keys_version'"
    )
