"""Which keys and pouches an administrator asks for, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pouch.domain.key import KeyStatus
from pouch.domain.pouch import Pouch


class KeySort(StrEnum):
    """In which order keys come; what has no value for it comes last."""

    NEWEST = "newest"
    NAME = "name"
    LAST_USED = "last_used"
    SPENT = "spent"
    FULLEST = "fullest"


class PouchSort(StrEnum):
    """In which order pouches come; those without a limit are the least full."""

    NEWEST = "newest"
    NAME = "name"
    SPENT = "spent"
    FULLEST = "fullest"


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys to list. ``text`` is looked for in names and prefixes, whatever its case."""

    text: str | None = None
    status: KeyStatus | None = None
    sort: KeySort = KeySort.NEWEST


@dataclass(frozen=True, slots=True)
class PouchFilter:
    """Which pouches to list. ``text`` is looked for in names; ``parent_id`` holds them directly."""

    text: str | None = None
    parent_id: str | None = None
    sort: PouchSort = PouchSort.NEWEST


@dataclass(frozen=True, slots=True)
class PouchView:
    """A pouch, how many keys that are not revoked draw on it or on a pouch inside it, and how many
    pouches lie directly in it.
    """

    pouch: Pouch
    keys: int
    children: int


@dataclass(frozen=True, slots=True)
class PouchPage:
    """A slice of the pouches, and where the next one begins (``None`` at the end)."""

    items: Sequence[PouchView]
    next_cursor: str | None
