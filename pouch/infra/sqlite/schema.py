"""The tables, as numbered migrations. Amounts are nano-dollars, times microseconds since 1970."""

import sqlite3
from typing import Final

from pouch.domain.errors import StoreUnavailableError
from pouch.infra.sqlite.schema_by_number import BY_NUMBER
from pouch.infra.sqlite.schema_of_reports import REPORTS

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
        -- The highest threshold that its period has been told of.
        alerted_percent INTEGER NOT NULL DEFAULT 0,
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
        -- A freeze that is over stays; without an end it holds until an administrator sets one.
        frozen_at INTEGER,
        frozen_until INTEGER,
        frozen_reason TEXT CHECK ((frozen_reason IS NULL) = (frozen_at IS NULL)),
        pouch_id TEXT NOT NULL REFERENCES pouches (id),
        -- The key that minted it.
        parent_key_id TEXT REFERENCES keys (id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keys_by_parent ON keys (parent_key_id, id) WHERE parent_key_id IS NOT NULL;
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
        -- The newest entry when it ended: what zeroed a pouch later zeroed this charge with it.
        ended_after_entry INTEGER,
        CHECK ((state = 'reserved') = (ended_at IS NULL)),
        CHECK ((state = 'settled') = (cost_nanos IS NOT NULL)),
        CHECK ((state = 'reserved') = (evidence IS NULL)),
        CHECK (cost_nanos IS NULL OR cost_nanos <= amount_nanos OR evidence = 'overrun')
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX reservations_open ON reservations (holder_id, id) WHERE state = 'reserved';
    CREATE INDEX reservations_by_request ON reservations (request_id);
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
    CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
        BEGIN SELECT RAISE (ABORT, 'an entry is never changed'); END;
    CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
        BEGIN SELECT RAISE (ABORT, 'an entry is never deleted'); END;
    -- REPLACE deletes without asking the trigger above.
    CREATE TRIGGER entries_are_never_replaced BEFORE INSERT ON entries
        WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)
        BEGIN SELECT RAISE (ABORT, 'an entry is never replaced'); END;
    CREATE INDEX entries_by_pouch ON entries (pouch_id);
    CREATE INDEX entries_that_zero ON entries (pouch_id) WHERE kind IN ('rollover', 'reset');
    CREATE TABLE refunds (
        id INTEGER PRIMARY KEY,
        request_id TEXT NOT NULL,
        reservation_id TEXT NOT NULL REFERENCES reservations (id),
        amount_nanos INTEGER NOT NULL CHECK (amount_nanos > 0),
        reason TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX refunds_by_request ON refunds (request_id);
    CREATE INDEX refunds_by_reservation ON refunds (reservation_id);
    CREATE TRIGGER refunds_are_never_changed BEFORE UPDATE ON refunds
        BEGIN SELECT RAISE (ABORT, 'a refund is never changed'); END;
    CREATE TRIGGER refunds_are_never_deleted BEFORE DELETE ON refunds
        BEGIN SELECT RAISE (ABORT, 'a refund is never deleted'); END;
    CREATE TRIGGER refunds_are_never_replaced BEFORE INSERT ON refunds
        WHEN EXISTS (SELECT 1 FROM refunds WHERE id = NEW.id)
        BEGIN SELECT RAISE (ABORT, 'a refund is never replaced'); END;
    CREATE TRIGGER refunds_never_exceed_the_charge BEFORE INSERT ON refunds
        WHEN NEW.amount_nanos + (SELECT coalesce(sum(amount_nanos), 0) FROM refunds
            WHERE reservation_id = NEW.reservation_id) > (SELECT coalesce(max(cost_nanos), 0)
            FROM reservations WHERE id = NEW.reservation_id)
        BEGIN SELECT RAISE (ABORT, 'more is given back than was charged'); END;
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
    -- One for each filter of the log; what is rare among statuses is what is looked for.
    CREATE INDEX requests_by_time ON requests (started_at);
    CREATE INDEX requests_by_key ON requests (key_id, started_at);
    CREATE INDEX requests_by_model ON requests (model, started_at);
    CREATE INDEX requests_by_provider ON requests (provider, started_at);
    CREATE INDEX requests_by_status ON requests (status, started_at) WHERE status <> 200;
    CREATE TABLE idempotency (
        key_id TEXT NOT NULL,
        name TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        request_id TEXT NOT NULL,
        holder_id TEXT NOT NULL,
        -- NULL while the request is at work.
        expires_at INTEGER,
        status INTEGER,
        headers TEXT,
        body BLOB,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (key_id, name),
        CHECK ((status IS NULL) = (body IS NULL) AND (headers IS NULL) = (body IS NULL)),
        CHECK (expires_at IS NOT NULL OR body IS NULL)
    ) STRICT;
    CREATE INDEX idempotency_at_work ON idempotency (holder_id) WHERE expires_at IS NULL;
    CREATE INDEX idempotency_by_expiry ON idempotency (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX idempotency_kept ON idempotency (expires_at) WHERE body IS NOT NULL;
    -- What the table above holds in all; its triggers keep it.
    CREATE TABLE idempotency_total (bytes INTEGER NOT NULL CHECK (bytes >= 0)) STRICT;
    INSERT INTO idempotency_total VALUES (0);
    CREATE TRIGGER idempotency_grows AFTER INSERT ON idempotency
        BEGIN UPDATE idempotency_total SET bytes = bytes + NEW.bytes; END;
    CREATE TRIGGER idempotency_changes AFTER UPDATE OF bytes ON idempotency
        BEGIN UPDATE idempotency_total SET bytes = bytes + NEW.bytes - OLD.bytes; END;
    CREATE TRIGGER idempotency_shrinks AFTER DELETE ON idempotency
        BEGIN UPDATE idempotency_total SET bytes = bytes - OLD.bytes; END;
    CREATE TABLE alerts (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        facts TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE alert_deliveries (
        id INTEGER PRIMARY KEY,
        alert_number INTEGER NOT NULL REFERENCES alerts (number) ON DELETE CASCADE,
        target TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
        attempts INTEGER NOT NULL,
        -- When to try next; while a holder tries, when its lease ends.
        due_at INTEGER NOT NULL,
        holder_id TEXT,
        error TEXT
    ) STRICT;
    CREATE INDEX alert_deliveries_by_alert ON alert_deliveries (alert_number);
    CREATE INDEX alert_deliveries_due ON alert_deliveries (due_at) WHERE state = 'pending';
    INSERT INTO settings (key, value) VALUES ('keys_version', '0');
    """,
    REPORTS,
    BY_NUMBER,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version; processes that start together take turns.

    Foreign keys must not be enforced yet: a migration may put another table in the place of one
    that others point into.

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
    """The statements of a script, which end with their lines; a trigger's body holds semicolons."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    assert not pending.strip(), "a migration ends amid a statement"
    return statements
