"""The ``KeyStore`` port on SQLite: writes through the one writer, reads beside it."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pouch.domain.errors import ConflictError, NotFoundError
from pouch.domain.key import Key
from pouch.domain.money import Money
from pouch.domain.period import Period
from pouch.domain.ports import Clock, NewPouch, Page, StoredKey
from pouch.domain.pouch import Pouch
from pouch.infra.sqlite.balances import DEPTH_MAX
from pouch.infra.sqlite.families import admit_child, revoke
from pouch.infra.sqlite.key_rows import KEYS, stored_keys
from pouch.infra.sqlite.pouch_rows import chain_of, pouch_at
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import (
    POUCH_COLUMNS,
    insert,
    key_columns,
    micros,
    optional_micros,
    period_columns,
    pouch_of,
    update,
)
from pouch.infra.sqlite.version import bump
from pouch.infra.sqlite.writer import Work, Writer

_FIND: Final = KEYS.format(
    where="id = (SELECT key_id FROM key_secrets WHERE hash = ? "
    "AND (valid_until IS NULL OR valid_until > ?))"
)
_GET: Final = KEYS.format(where="id = ?")
_PAGE: Final = KEYS.format(where="id < ? ORDER BY id DESC LIMIT ?")
_CHILDREN: Final = KEYS.format(where="parent_key_id = ? AND id < ? ORDER BY id DESC LIMIT ?")
_POUCHES: Final = f"SELECT {POUCH_COLUMNS} FROM pouches ORDER BY id"  # noqa: S608
_VERSION: Final = "SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'keys_version'"
_INSIDE: Final = (
    "WITH RECURSIVE inside (id, depth) AS (SELECT ?, 1 UNION ALL "  # noqa: S608
    "SELECT pouches.id, depth + 1 "
    f"FROM inside JOIN pouches ON parent_id = inside.id WHERE depth < {DEPTH_MAX}) "
    "SELECT max(depth) FROM inside"
)
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
        found = stored_keys(await self._reader.rows(_FIND, (secret_hash, now)))
        return found[0].key if found else None

    async def get(self, key_id: str) -> StoredKey | None:
        found = stored_keys(await self._reader.rows(_GET, (key_id,)))
        return found[0] if found else None

    async def page(self, *, cursor: str | None, limit: int, minted_by: str | None = None) -> Page:
        section = (cursor or _NO_CURSOR, limit + 1)
        if minted_by is None:
            rows = await self._reader.rows(_PAGE, section)
        else:
            rows = await self._reader.rows(_CHILDREN, (minted_by, *section))
        found = stored_keys(rows)
        items = found[:limit]
        return Page(items, items[-1].key.id if len(found) > limit else None)

    async def create(self, key: Key, *, secret_hash: str, pouch: NewPouch) -> None:
        columns = {
            "id": key.id,
            "prefix": key.prefix,
            "created_at": micros(key.created_at),
            "pouch_id": pouch.id,
            "parent_key_id": key.parents[0].id if key.parents else None,
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
            if key.parents:
                admit_child(connection, key.parents[0].id, now)
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
                pouch = pouch_at(connection, pouch_id)
            except NotFoundError:
                return False
            parent = fields.get("parent_id")
            if isinstance(parent, str):
                _check_parent(connection, pouch_id, parent)
            if "limit" in fields:
                columns["excess_nanos"] = _excess(pouch, columns["limit_nanos"])
                # The thresholds of another budget have not been told yet.
                columns["alerted_percent"] = 0
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

        def end(connection: sqlite3.Connection) -> bool:
            ended = revoke(connection, key_id, now)
            if ended:
                bump(connection)
            return ended

        return await self._writer.run(end)

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
        return [pouch_of(row) for row in await self._reader.rows(_POUCHES)]

    async def version(self) -> int:
        row = await self._reader.row(_VERSION)
        assert row is not None
        return int(row[0])


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
        _check_depth(len(chain_of(connection, pouch.parent_id)) + 1)
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
    [inside] = connection.execute(_INSIDE, (pouch_id,)).fetchone()
    _check_depth(len(around) + inside)


def _check_depth(pouches: int) -> None:
    if pouches > DEPTH_MAX:
        raise ConflictError(f"Pouches lie inside one another at most {DEPTH_MAX} deep.")


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
