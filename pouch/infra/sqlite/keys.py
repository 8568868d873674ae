"""The ``KeyStore`` port on SQLite: writes through the one writer, reads beside it."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pouch.domain.errors import ConflictError, NotFoundError
from pouch.domain.key import Key
from pouch.domain.money import Money
from pouch.domain.period import Period
from pouch.domain.ports import Clock, NewPouch, Page, StoredKey
from pouch.domain.pouch import Pouch
from pouch.infra.sqlite.movements import DEPTH_MAX, chain_of
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import (
    KEY_COLUMNS,
    POUCH_COLUMNS,
    insert,
    key_columns,
    key_of,
    micros,
    moment,
    optional_micros,
    period_columns,
    pouch_of,
    update,
)
from pouch.infra.sqlite.version import bump
from pouch.infra.sqlite.writer import Work, Writer

_FIND: Final = (
    f"SELECT {KEY_COLUMNS} FROM keys WHERE revoked_at IS NULL AND id = "  # noqa: S608
    "(SELECT key_id FROM key_secrets WHERE hash = ? "
    "AND (valid_until IS NULL OR valid_until > ?))"
)
_GET: Final = f"SELECT {KEY_COLUMNS} FROM keys WHERE id = ? AND revoked_at IS NULL"  # noqa: S608
_PAGE: Final = (
    f"SELECT {KEY_COLUMNS} FROM keys WHERE revoked_at IS NULL AND id < ? "  # noqa: S608
    "ORDER BY id DESC LIMIT ?"
)
_LAST_USED: Final = "SELECT started_at FROM requests WHERE key_id = ? ORDER BY id DESC LIMIT 1"
_POUCHES: Final = f"SELECT {POUCH_COLUMNS} FROM pouches ORDER BY id"  # noqa: S608
_VERSION: Final = "SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'keys_version'"
# Sorts after every id.
_NO_CURSOR: Final = "~"
_KEY_IS_THERE: Final = "SELECT 1 FROM keys WHERE id = ? AND revoked_at IS NULL"


class SqliteKeys:
    """See ``pouch.domain.ports.KeyStore``."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock

    async def find(self, secret_hash: str) -> Key | None:
        now = micros(self._clock.now())

        def find(connection: sqlite3.Connection) -> Key | None:
            row = connection.execute(_FIND, (secret_hash, now)).fetchone()
            return None if row is None else key_of(row, chain_of(connection, row[13]))

        return await self._reader.run(find)

    async def get(self, key_id: str) -> StoredKey | None:
        def get(connection: sqlite3.Connection) -> StoredKey | None:
            row = connection.execute(_GET, (key_id,)).fetchone()
            return None if row is None else _stored(connection, row)

        return await self._reader.run(get)

    async def page(self, *, cursor: str | None, limit: int) -> Page:
        def page(connection: sqlite3.Connection) -> Page:
            rows = connection.execute(_PAGE, (cursor or _NO_CURSOR, limit + 1)).fetchall()
            items = [_stored(connection, row) for row in rows[:limit]]
            return Page(items, items[-1].key.id if len(rows) > limit else None)

        return await self._reader.run(page)

    async def create(self, key: Key, *, secret_hash: str, pouch: NewPouch) -> None:
        columns = {
            "id": key.id,
            "prefix": key.prefix,
            "created_at": micros(key.created_at),
            "pouch_id": pouch.id,
        } | key_columns(
            {
                "name": key.name,
                "expires_at": key.expires_at,
                "auto_renew": key.auto_renew,
                "lifetime": key.lifetime,
                "disabled": key.disabled,
                "models": key.models,
                "provider": key.provider,
                "rate_limit": key.rate_limit,
                "stream_cost": key.stream_cost,
            }
        )
        now = micros(self._clock.now())

        def create(connection: sqlite3.Connection) -> None:
            _insert_pouch(connection, pouch, now)
            insert(connection, "keys", columns)
            insert(connection, "key_secrets", {"hash": secret_hash, "key_id": key.id})
            bump(connection)

        await self._writer.run(create)

    async def change(self, key_id: str, fields: Mapping[str, object]) -> bool:
        columns = key_columns(dict(fields))

        def change(connection: sqlite3.Connection) -> bool:
            if connection.execute(_KEY_IS_THERE, (key_id,)).fetchone() is None:
                return False
            if columns:
                update(connection, "keys", key_id, columns)
                bump(connection)
            return True

        return await self._writer.run(change)

    async def change_pouch(self, pouch_id: str, fields: Mapping[str, object]) -> bool:
        columns = _pouch_columns(fields)

        def change(connection: sqlite3.Connection) -> bool:
            try:
                pouch = chain_of(connection, pouch_id)[0]
            except NotFoundError:
                return False
            parent = fields.get("parent_id")
            if isinstance(parent, str):
                _check_parent(connection, pouch_id, parent)
            if "limit" in fields:
                columns["excess_nanos"] = _excess(pouch, columns["limit_nanos"])
            if columns:
                update(connection, "pouches", pouch_id, columns)
                bump(connection)
            return True

        return await self._writer.run(change)

    async def rotate(
        self, key_id: str, *, secret_hash: str, prefix: str, old_until: datetime
    ) -> bool:
        until = micros(old_until)

        def rotate(connection: sqlite3.Connection) -> bool:
            if connection.execute(_KEY_IS_THERE, (key_id,)).fetchone() is None:
                return False
            connection.execute(
                "UPDATE key_secrets SET valid_until = ?1 "
                "WHERE key_id = ?2 AND (valid_until IS NULL OR valid_until > ?1)",
                (until, key_id),
            )
            insert(connection, "key_secrets", {"hash": secret_hash, "key_id": key_id})
            update(connection, "keys", key_id, {"prefix": prefix})
            bump(connection)
            return True

        return await self._writer.run(rotate)

    async def revoke(self, key_id: str) -> bool:
        now = micros(self._clock.now())
        return await self._writer.run(
            _bumped(
                "UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, key_id)
            )
        )

    async def renew(self, key_id: str, *, expired: datetime, expires_at: datetime) -> bool:
        return await self._writer.run(
            _bumped(
                "UPDATE keys SET expires_at = ? "
                "WHERE id = ? AND expires_at = ? AND revoked_at IS NULL",
                (micros(expires_at), key_id, micros(expired)),
            )
        )

    async def create_pouch(self, pouch: NewPouch) -> None:
        now = micros(self._clock.now())

        def create(connection: sqlite3.Connection) -> None:
            _insert_pouch(connection, pouch, now)
            bump(connection)

        await self._writer.run(create)

    async def pouches(self) -> Sequence[Pouch]:
        return await self._reader.run(
            lambda connection: [pouch_of(row) for row in connection.execute(_POUCHES)]
        )

    async def version(self) -> int:
        return await self._reader.run(
            lambda connection: int(connection.execute(_VERSION).fetchone()[0])
        )


def _stored(connection: sqlite3.Connection, row: Sequence[Any]) -> StoredKey:
    pouches = tuple(chain_of(connection, row[13]))
    used = connection.execute(_LAST_USED, (row[0],)).fetchone()
    return StoredKey(key_of(row, pouches), pouches, moment(used[0]) if used else None)


def _bumped(statement: str, values: tuple[object, ...]) -> Work[bool]:
    """An update of at most one row, that other processes hear of; whether there was one."""

    def work(connection: sqlite3.Connection) -> bool:
        changed = connection.execute(statement, values).rowcount == 1
        if changed:
            bump(connection)
        return changed

    return work


def _insert_pouch(connection: sqlite3.Connection, pouch: NewPouch, now: int) -> None:
    if pouch.parent_id is not None:
        _check_depth(chain_of(connection, pouch.parent_id))
    columns: dict[str, object] = {
        "id": pouch.id,
        "name": pouch.name,
        "parent_id": pouch.parent_id,
        "limit_nanos": None if pouch.limit is None else pouch.limit.nanos,
        "resets_at": optional_micros(pouch.resets_at),
        "created_at": now,
    }
    insert(connection, "pouches", columns | period_columns(pouch.period))


def _check_parent(connection: sqlite3.Connection, pouch_id: str, parent: str) -> None:
    around = chain_of(connection, parent)
    if any(pouch.id == pouch_id for pouch in around):
        raise ConflictError("A pouch cannot lie inside itself.")
    _check_depth(around)


def _check_depth(around: Sequence[Pouch]) -> None:
    # Half of the depth for what is around a pouch leaves the other half for what is inside.
    if len(around) >= DEPTH_MAX // 2:
        raise ConflictError(f"Pouches lie inside one another at most {DEPTH_MAX // 2} deep.")


def _pouch_columns(fields: Mapping[str, object]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for name, value in fields.items():
        if name == "limit":
            assert value is None or isinstance(value, Money)
            columns["limit_nanos"] = value.nanos if value is not None else None
        elif name == "period":
            assert value is None or isinstance(value, Period)
            columns |= period_columns(value)
        elif isinstance(value, datetime):
            columns[name] = micros(value)
        else:
            columns[name] = value
    return columns


def _excess(pouch: Pouch, limit_nanos: object) -> int:
    """By how much a pouch stands above a limit that an administrator lowers."""
    if limit_nanos is None:
        return 0
    assert isinstance(limit_nanos, int)
    return max(0, pouch.spent.nanos + pouch.reserved.nanos - limit_nanos)
