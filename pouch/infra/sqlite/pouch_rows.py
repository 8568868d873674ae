"""Pouches in the writer's transaction: as they stand, and how their periods begin anew."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from pouch.domain.errors import NotFoundError
from pouch.domain.pouch import Pouch
from pouch.infra.sqlite.balances import DEPTH_MAX
from pouch.infra.sqlite.rows import POUCH_COLUMNS, pouch_of

_SELECT_POUCH: Final = f"SELECT {POUCH_COLUMNS} FROM pouches WHERE id = ?"  # noqa: S608
_ZERO: Final = (
    "UPDATE pouches SET spent_nanos = 0, resets_at = ?1, alerted_percent = 0, "
    "excess_nanos = max(0, reserved_nanos - coalesce(limit_nanos, reserved_nanos)) WHERE id = ?2"
)
_ENTRY: Final = (
    "INSERT INTO entries (pouch_id, kind, spent_delta, reserved_delta, reason, created_at) "
    "VALUES (?, ?, ?, 0, ?, ?)"
)


def pouch_at(connection: sqlite3.Connection, pouch_id: str) -> Pouch:
    """One pouch.

    Raises:
        NotFoundError: there is none.
    """
    row = connection.execute(_SELECT_POUCH, (pouch_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no pouch {pouch_id!r}.")
    return pouch_of(row)


def chain_of(connection: sqlite3.Connection, pouch_id: str) -> list[Pouch]:
    """The pouch and every pouch around it, own first.

    Raises:
        NotFoundError: there is no such pouch.
    """
    chain: list[Pouch] = []
    following: str | None = pouch_id
    while following is not None:
        chain.append(pouch_at(connection, following))
        assert len(chain) <= DEPTH_MAX, "pouches lie in a circle"
        following = chain[-1].parent_id
    return chain


@dataclass(frozen=True, slots=True)
class Zeroing:
    """Why a pouch's spending returns to zero, and when it will next."""

    kind: str
    resets_at: int | None
    reason: str | None


def zero(connection: sqlite3.Connection, pouch: Pouch, zeroing: Zeroing, now: int) -> None:
    """Take what a pouch has spent out of it, as an entry; what is reserved stays."""
    connection.execute(_ZERO, (zeroing.resets_at, pouch.id))
    entry = (pouch.id, zeroing.kind, -pouch.spent.nanos, zeroing.reason, now)
    connection.execute(_ENTRY, entry)
