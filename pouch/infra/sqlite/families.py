"""Keys that were minted by keys: who descends from whom, and what ends with whom."""

import json
import sqlite3
from typing import Final

from pouch.domain.allowance import CHILDREN_MAX, PARENTS_MAX
from pouch.domain.errors import AuthenticationError, RightsExceededError
from pouch.domain.key import Key
from pouch.infra.sqlite.rows import KEY_COLUMNS, key_of

# Of the row of ``keys`` that the statement around it is at: [[distance, column, ...], ...] as JSON.
PARENTS: Final = (
    "(WITH RECURSIVE above (key_id, distance) AS ("  # noqa: S608
    "SELECT keys.parent_key_id, 1 WHERE keys.parent_key_id IS NOT NULL UNION ALL "
    "SELECT parent.parent_key_id, distance + 1 FROM above "
    "JOIN keys AS parent ON parent.id = above.key_id "
    f"WHERE parent.parent_key_id IS NOT NULL AND distance < {PARENTS_MAX}) "
    f"SELECT json_group_array(json_array(distance, {KEY_COLUMNS})) "
    "FROM above JOIN keys AS parent ON parent.id = above.key_id)"
)
_IS_THERE: Final = "SELECT 1 FROM keys WHERE id = ? AND revoked_at IS NULL"
_CHILDREN: Final = (
    "SELECT count(*) FROM keys WHERE parent_key_id = ? AND revoked_at IS NULL "
    "AND (expires_at IS NULL OR expires_at > ? OR auto_renew)"
)
_REVOKE: Final = (
    "WITH RECURSIVE family (id) AS (SELECT ?2 UNION "
    "SELECT keys.id FROM family JOIN keys ON parent_key_id = family.id) "
    "UPDATE keys SET revoked_at = ?1 WHERE revoked_at IS NULL AND id IN (SELECT id FROM family)"
)


def parents_of(column: str) -> tuple[Key, ...]:
    """Keys from ``PARENTS``, the nearest first; their own pouches and parents are left out."""
    rows = sorted(json.loads(column), key=lambda row: int(row[0]))
    return tuple(key_of(row[1:], ()) for row in rows)


def admit_child(connection: sqlite3.Connection, parent_id: str, now: int) -> None:
    """Let a key mint one more, inside the transaction that stores it.

    Raises:
        AuthenticationError: the key was revoked.
        RightsExceededError: it has as many living children as it may.
    """
    if connection.execute(_IS_THERE, (parent_id,)).fetchone() is None:
        raise AuthenticationError("The API key was revoked.")
    [children] = connection.execute(_CHILDREN, (parent_id, now)).fetchone()
    if children >= CHILDREN_MAX:
        raise RightsExceededError(f"A key can have at most {CHILDREN_MAX} living keys of its own.")


def revoke(connection: sqlite3.Connection, key_id: str, now: int) -> bool:
    """End a key and all that descend from it; ``False`` if there is no such key."""
    if connection.execute(_IS_THERE, (key_id,)).fetchone() is None:
        return False
    connection.execute(_REVOKE, (now, key_id))
    return True
