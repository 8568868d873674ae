"""Pages of keys and of pouches: which ones, in which order, as statements.

What a key inherits (it is disabled, expired or frozen with its parents, capped with the pouches
around its own) is found from the top down, once for all keys, not upwards from each.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pouch.domain.key import KeyStatus
from pouch.domain.key_report import KeyFilter, KeySort, PouchFilter, PouchSort
from pouch.infra.sqlite.reader import fold
from pouch.infra.sqlite.rows import POUCH_COLUMNS, micros

_KEY_FAMILY: Final = (
    "{name} (id) AS (SELECT id FROM keys WHERE {condition} UNION "
    "SELECT keys.id FROM {name} JOIN keys ON parent_key_id = {name}.id)"
)
_AFFLICTED: Final = "WITH RECURSIVE " + ", ".join(  # noqa: S608
    (
        _KEY_FAMILY.format(name="disabled_keys", condition="disabled"),
        _KEY_FAMILY.format(name="expired_keys", condition="expires_at <= :now AND NOT auto_renew"),
        _KEY_FAMILY.format(
            name="frozen_keys",
            condition="frozen_at IS NOT NULL AND (frozen_until IS NULL OR frozen_until > :now)",
        ),
        "used_up (id) AS (SELECT id FROM pouches WHERE spent_nanos >= limit_nanos "
        "AND (resets_at IS NULL OR resets_at > :now) UNION "
        "SELECT pouches.id FROM used_up JOIN pouches ON parent_id = used_up.id)",
    )
)
# From the gravest to the least: a key has the first that holds.
_STATUS: Final[Mapping[KeyStatus, str]] = {
    KeyStatus.DISABLED: "keys.id IN disabled_keys",
    KeyStatus.EXPIRED: "keys.id IN expired_keys",
    KeyStatus.FROZEN: "keys.id IN frozen_keys",
    KeyStatus.CAPPED: "keys.pouch_id IN used_up",
}
# Money has no negative balance, and no request began before 1970.
_NOTHING: Final = -1
_FULLNESS: Final = (
    f"CASE WHEN limit_nanos IS NULL THEN {_NOTHING} WHEN limit_nanos = 0 THEN 1.0 "
    "ELSE (spent_nanos + reserved_nanos) * 1.0 / limit_nanos END"
)
_KEY_ORDER: Final[Mapping[KeySort, str]] = {
    KeySort.NEWEST: "keys.id",
    KeySort.NAME: "fold(keys.name)",
    KeySort.LAST_USED: (
        f"coalesce((SELECT max(started_at) FROM requests WHERE key_id = keys.id), {_NOTHING})"  # noqa: S608
    ),
    KeySort.SPENT: "spent_nanos",
    KeySort.FULLEST: _FULLNESS,
}
_POUCH_ORDER: Final[Mapping[PouchSort, str]] = {
    PouchSort.NEWEST: "id",
    PouchSort.NAME: "fold(name)",
    PouchSort.SPENT: "spent_nanos",
    PouchSort.FULLEST: _FULLNESS,
}
_KEYS_AND_POUCHES: Final = "keys JOIN pouches ON pouches.id = keys.pouch_id"
# Of the pouch ``p``: the keys that draw on it or inside it, and the pouches directly in it.
POUCH_COUNTS: Final = (
    "(WITH RECURSIVE inside (id) AS (SELECT p.id UNION ALL "
    "SELECT pouches.id FROM inside JOIN pouches ON parent_id = inside.id) "
    "SELECT count(*) FROM inside JOIN keys ON pouch_id = inside.id WHERE revoked_at IS NULL), "
    "(SELECT count(*) FROM pouches WHERE parent_id = p.id)"
)
POUCH: Final = f"SELECT {POUCH_COLUMNS}, {POUCH_COUNTS} FROM pouches p WHERE id = ?"  # noqa: S608
# In the order of the ids, which are an array in JSON.
POUCHES: Final = (
    f"SELECT {POUCH_COLUMNS}, {POUCH_COUNTS} "  # noqa: S608
    "FROM (SELECT key AS place, value AS wanted FROM json_each(?)) "
    "JOIN pouches p ON p.id = wanted ORDER BY place"
)
ANY_KEY: Final = "SELECT 1 FROM keys WHERE id = ?"
ANY_POUCH: Final = "SELECT 1 FROM pouches WHERE id = ?"


def keys_query(
    wanted: KeyFilter, *, now: datetime, cursor: str | None, limit: int
) -> tuple[str, dict[str, object]]:
    """The statement that finds the ids of keys, and its values."""
    conditions = ["revoked_at IS NULL"]
    values: dict[str, object] = {"limit": limit}
    family = ""
    if wanted.status is not None:
        family = _AFFLICTED
        conditions += _status_conditions(wanted.status)
        values["now"] = micros(now)
    if wanted.text is not None:
        conditions.append("(instr(fold(keys.name), :text) OR instr(fold(prefix), :text))")
        values["text"] = fold(wanted.text)
    order = _KEY_ORDER[wanted.sort]
    sort = wanted.sort
    rising = sort is KeySort.NAME
    if cursor is not None:
        conditions.append(_after(order, _KEYS_AND_POUCHES, "keys.id", rising=rising))
        values["cursor"] = cursor
    direction = "ASC" if rising else "DESC"
    return (
        f"{family} SELECT keys.id FROM {_KEYS_AND_POUCHES} WHERE {' AND '.join(conditions)} "  # noqa: S608
        f"ORDER BY {order} {direction}, keys.id {direction} LIMIT :limit"
    ), values


def pouches_query(
    wanted: PouchFilter, *, cursor: str | None, limit: int
) -> tuple[str, dict[str, object]]:
    """The statement that finds the ids of pouches, and its values."""
    conditions = []
    values: dict[str, object] = {"limit": limit}
    if wanted.parent_id is not None:
        conditions.append("parent_id = :parent")
        values["parent"] = wanted.parent_id
    if wanted.text is not None:
        conditions.append("instr(fold(name), :text)")
        values["text"] = fold(wanted.text)
    order = _POUCH_ORDER[wanted.sort]
    rising = wanted.sort is PouchSort.NAME
    if cursor is not None:
        conditions.append(_after(order, "pouches", "id", rising=rising))
        values["cursor"] = cursor
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    direction = "ASC" if rising else "DESC"
    return (
        f"SELECT id FROM pouches {where} "  # noqa: S608
        f"ORDER BY {order} {direction}, id {direction} LIMIT :limit"
    ), values


def _status_conditions(status: KeyStatus) -> list[str]:
    conditions: list[str] = []
    for graver, condition in _STATUS.items():
        if graver is status:
            return [*conditions, condition]
        conditions.append(f"NOT {condition}")
    return conditions


def _after(order: str, tables: str, row_id: str, *, rising: bool) -> str:
    """Behind the row that ``:cursor`` names, as it stands now; a revoked key keeps its place."""
    at = f"SELECT {order} FROM {tables} WHERE {row_id} = :cursor"  # noqa: S608
    return f"({order}, {row_id}) {'>' if rising else '<'} (({at}), :cursor)"
