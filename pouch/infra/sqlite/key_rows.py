"""Whole keys, each with its pouches and its parents, in one statement."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from pouch.domain.ports import StoredKey
from pouch.infra.sqlite.balances import DEPTH_MAX
from pouch.infra.sqlite.families import PARENTS, parents_of
from pouch.infra.sqlite.rows import (
    KEY_COLUMNS,
    POUCH_COLUMNS,
    key_of,
    optional_moment,
    pouch_of,
)

# One row for each pouch of each key that ``where`` chooses, own first.
KEYS: Final = (
    f"WITH RECURSIVE chosen AS MATERIALIZED (SELECT {KEY_COLUMNS}, "  # noqa: S608
    f"(SELECT max(started_at) FROM requests WHERE key_id = keys.id), {PARENTS} FROM keys "
    "WHERE revoked_at IS NULL AND {where}), "
    "around (key_id, depth, pouch_id) AS (SELECT id, 1, pouch_id FROM chosen UNION ALL "
    "SELECT key_id, depth + 1, parent_id FROM around JOIN pouches ON id = around.pouch_id "
    f"WHERE parent_id IS NOT NULL AND depth < {DEPTH_MAX}) "
    "SELECT chosen.*, pouch.* FROM chosen JOIN around ON around.key_id = chosen.id "
    f"JOIN (SELECT {POUCH_COLUMNS} FROM pouches) AS pouch ON pouch.id = around.pouch_id "
    "ORDER BY chosen.id DESC, depth"
)
# How many columns of a row are the key's own.
_KEY_WIDTH: Final = len(KEY_COLUMNS.split(","))


def stored_keys(rows: Sequence[Sequence[Any]]) -> list[StoredKey]:
    """Keys from the rows of ``KEYS``."""
    stored: list[StoredKey] = []
    for _, group in groupby(rows, key=itemgetter(0)):
        around = list(group)
        pouches = tuple(pouch_of(row[_KEY_WIDTH + 2 :]) for row in around)
        key = replace(key_of(around[0], pouches), parents=parents_of(around[0][_KEY_WIDTH + 1]))
        stored.append(StoredKey(key, pouches, optional_moment(around[0][_KEY_WIDTH])))
    return stored
