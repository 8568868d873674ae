"""The tables, as numbered migrations. Amounts are nano-dollars, times microseconds since 1970."""

import sqlite3
from typing import Final

from pouch.domain.errors import StoreUnavailableError

MIGRATIONS: Final = (
    """
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE pouches (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        parent_id TEXT REFERENCES pouches (id),
        limit_nanos INTEGER CHECK (limit_nanos >= 0),
        period_unit TEXT CHECK (period_unit IN ('day', 'week', 'month')),
        period_seconds INTEGER CHECK (period_seconds > 0),
        time_zone TEXT NOT NULL DEFAULT 'UTC',
        resets_at INTEGER,
        spent_nanos INTEGER NOT NULL DEFAULT 0 CHECK (spent_nanos >= 0),
        reserved_nanos INTEGER NOT NULL DEFAULT 0 CHECK (reserved_nanos >= 0),
        -- By how much an overrun, or a limit that was lowered, stands above the limit.
        excess_nanos INTEGER NOT NULL DEFAULT 0 CHECK (excess_nanos >= 0),
        created_at INTEGER NOT NULL,
        CHECK (limit_nanos IS NULL OR spent_nanos + reserved_nanos <= limit_nanos + excess_nanos),
        CHECK (period_unit IS NULL OR period_seconds IS NULL)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        auto_renew INTEGER NOT NULL,
        lifetime_us INTEGER,
        disabled INTEGER NOT NULL,
        revoked_at INTEGER,
        models TEXT,
        provider TEXT,
        rate_requests INTEGER,
        rate_per_s REAL,
        stream_cost INTEGER NOT NULL,
        pouch_id TEXT NOT NULL REFERENCES pouches (id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE key_secrets (
        hash TEXT PRIMARY KEY,
        key_id TEXT NOT NULL REFERENCES keys (id),
        valid_until INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX key_secrets_by_key ON key_secrets (key_id);
    CREATE TABLE holders (
        id TEXT PRIMARY KEY,
        pid INTEGER NOT NULL,
        started_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE reservations (
        id TEXT PRIMARY KEY,
        request_id TEXT NOT NULL,
        key_id TEXT NOT NULL,
        pouch_id TEXT NOT NULL REFERENCES pouches (id),
        -- Every pouch that it is set aside in, own first, separated by blanks.
        chain TEXT NOT NULL,
        holder_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'released')),
        amount_nanos INTEGER NOT NULL CHECK (amount_nanos >= 0),
        cost_nanos INTEGER CHECK (cost_nanos >= 0),
        evidence TEXT,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        stream INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        price_source TEXT NOT NULL,
        ended_at INTEGER,
        CHECK ((state = 'reserved') = (ended_at IS NULL)),
        CHECK ((state = 'settled') = (cost_nanos IS NOT NULL)),
        CHECK ((state = 'reserved') = (evidence IS NULL)),
        CHECK (cost_nanos IS NULL OR cost_nanos <= amount_nanos OR evidence = 'overrun')
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX reservations_open ON reservations (holder_id, id) WHERE state = 'reserved';
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        pouch_id TEXT NOT NULL REFERENCES pouches (id),
        reservation_id TEXT REFERENCES reservations (id),
        kind TEXT NOT NULL,
        spent_delta INTEGER NOT NULL,
        reserved_delta INTEGER NOT NULL,
        reason TEXT,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX entries_by_reservation ON entries (reservation_id)
        WHERE reservation_id IS NOT NULL;
    CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
        BEGIN SELECT RAISE (ABORT, 'an entry is never changed'); END;
    CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
        BEGIN SELECT RAISE (ABORT, 'an entry is never deleted'); END;
    CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        key_id TEXT NOT NULL,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        stream INTEGER NOT NULL,
        status INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        latency_ms INTEGER NOT NULL,
        first_byte_ms INTEGER,
        reserved_nanos INTEGER,
        cost_nanos INTEGER NOT NULL,
        input_tokens INTEGER,
        cached_input_tokens INTEGER,
        output_tokens INTEGER,
        reasoning_tokens INTEGER,
        evidence TEXT NOT NULL,
        price_source TEXT NOT NULL,
        error TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX requests_by_key ON requests (key_id, id);
    INSERT INTO settings (key, value) VALUES ('keys_version', '0');
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version; processes that start together take turns.

    Raises:
        StoreUnavailableError: a newer Pouch has made it.
        sqlite3.Error: it cannot be written.
    """
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY) STRICT"
            )
            [done] = connection.execute(
                "SELECT coalesce(max(number), 0) FROM migrations"
            ).fetchone()
            if done < len(MIGRATIONS):
                for statement in _statements(MIGRATIONS[done]):
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?)", (done + 1,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if done > len(MIGRATIONS):
            raise StoreUnavailableError(
                f"The store is of version {done}, and this Pouch knows {len(MIGRATIONS)}: "
                "it was made by a newer one."
            )
        if done >= len(MIGRATIONS) - 1:
            return


def _statements(script: str) -> list[str]:
    """The single statements of a script; a trigger's body holds semicolons of its own."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            if pending.strip():
                statements.append(pending)
            pending = ""
    return statements
