"""Allowances: what a key may give to the keys that it mints, and when those end with it.

A minted key never has a right that its parent lacks. Each right that is asked for must provably lie
within the parent's when it is minted; and since the parent's may shrink later, every request asks
the parents again (``Key.allows``, ``check_parents``). Money needs no rule here: the pouch of a
minted key lies in its parent's.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from pouch.domain.errors import KeyDisabledError, KeyExpiredError, KeyFrozenError
from pouch.domain.key import Key, RateLimit

# Keys above a key, at most: the one that minted it, the one that minted that, and so on.
PARENTS_MAX: Final = 4
# Keys that one key has minted and that can still be used, at most.
CHILDREN_MAX: Final = 1_000
_GLOB: Final = frozenset("*?[")


def is_within(pattern: str, patterns: Sequence[str]) -> bool:
    """Whatever ``pattern`` allows, ``patterns`` provably allow too.

    A glob is compared by its spelling only: whether one lies inside another is not decided here.
    """
    if pattern in patterns:
        return True
    if _GLOB.intersection(pattern):
        return False
    return any(fnmatchcase(pattern, other) for other in patterns)


def is_no_faster(limit: RateLimit, than: RateLimit) -> bool:
    """Nobody who keeps to ``limit`` ever exceeds ``than``, wherever a window begins."""
    windows = max(1, math.ceil(than.per_s / limit.per_s))
    return limit.requests * windows <= than.requests


def check_usable(key: Key, now: datetime, *, renewable: bool) -> None:
    """Refuse a key that may do nothing now.

    ``renewable`` says that one which has expired and renews itself is as good as alive.

    Raises:
        KeyDisabledError: it, or one that it descends from, is disabled.
        KeyExpiredError: its time, or a parent's, is over.
        KeyFrozenError: it, or a parent, is frozen.
    """
    if key.disabled:
        raise KeyDisabledError(f"Key {key.name!r} is disabled.")
    over = key.has_expired(now) and not (renewable and key.auto_renew)
    if key.expires_at is not None and over:
        raise KeyExpiredError(f"Key {key.name!r} expired at {key.expires_at.isoformat()}.")
    if (freeze := key.frozen(now)) is not None:
        raise KeyFrozenError(key.name, reason=freeze.reason, until=freeze.until)
    check_parents(key, now)


def check_parents(key: Key, now: datetime) -> None:
    """Refuse a minted key while one that it descends from may do nothing.

    A parent that has expired and renews itself counts as alive. One that was revoked has taken its
    children with it.

    Raises:
        KeyDisabledError: a parent is disabled.
        KeyExpiredError: a parent has expired.
        KeyFrozenError: a parent is frozen.
    """
    for parent in key.parents:
        if parent.disabled:
            raise KeyDisabledError(
                f"Key {key.name!r} descends from key {parent.name!r}, which is disabled."
            )
        if parent.has_expired(now) and not parent.auto_renew:
            raise KeyExpiredError(
                f"Key {key.name!r} descends from key {parent.name!r}, which has expired."
            )
        if (freeze := parent.frozen(now)) is not None:
            raise KeyFrozenError(parent.name, reason=freeze.reason, until=freeze.until)


def last_moment(key: Key) -> datetime | None:
    """When the first of its parents ends for good; ``None`` if none of them does."""
    ends = [p.expires_at for p in key.parents if p.expires_at is not None and not p.auto_renew]
    return min(ends, default=None)
