"""A key: the secret that an application sends, and what it may do with it.

The secret is ``pouch-`` and 43 url-safe characters (256 bits); only its SHA-256 is kept.
"""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from pouch.domain.pouch import PouchTerms

SECRET_START: Final = "pouch-"  # noqa: S105 - what every secret begins with
ADMIN_TOKEN_START: Final = "pouch-admin-"  # noqa: S105 - what a token made here begins with
PREFIX_LENGTH: Final = 12
NAME_LENGTH_MAX: Final = 50
# Letters and digits of any script (combining marks included), "_", "-" and single spaces inside.
_NAME: Final = re.compile(r"[\w\-]([\w\- ]*[\w\-])?")


def new_secret() -> str:
    """A fresh secret. Shown once; only ``hash_of`` it is stored."""
    return SECRET_START + secrets.token_urlsafe(32)


def new_admin_token() -> str:
    """A fresh admin token, of as many bits as a secret. Shown once, too."""
    return ADMIN_TOKEN_START + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """The SHA-256 of ``secret``, in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def name_problem(name: str) -> str | None:
    """Why ``name`` cannot name a key or a pouch; ``None`` if it can."""
    if not name.strip():
        return "a name is required"
    if len(name) > NAME_LENGTH_MAX:
        return f"a name has at most {NAME_LENGTH_MAX} characters"
    if not _NAME.fullmatch(_without_marks(name)):
        return "a name has letters, digits, '_', '-' and spaces inside only"
    return None


def _without_marks(name: str) -> str:
    """``name`` without its combining marks (categories Mn and Mc), which no word class matches."""
    return "".join(c for c in name if unicodedata.category(c) not in {"Mn", "Mc"})


class KeyStatus(StrEnum):
    """What an administrator sees. ``CAPPED``: its pouch, or one around it, is used up."""

    ACTIVE = "active"
    DISABLED = "disabled"
    EXPIRED = "expired"
    FROZEN = "frozen"
    CAPPED = "capped"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests per window of ``per_s`` seconds."""

    requests: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Freeze:
    """Why a key may do nothing for a while. Without ``until`` an administrator has to thaw it; one
    that is over stays with the key, for what was before it shall not freeze the key again.
    """

    at: datetime
    reason: str
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """It is not over."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is authenticated: everything the steps ask of it, and nothing that spends.

    ``pouches`` runs from the key's own pouch up to the root. ``models`` are names or globs, of
    aliases or of ``provider/model``; ``None`` allows all. ``lifetime`` is what an automatic
    renewal extends by: the time between creation, or the last change of the expiry, and expiry.
    ``parents`` are the key that minted it, the one that minted that, and so on; they come without
    their own pouches and parents.
    """

    id: str
    name: str
    prefix: str
    created_at: datetime
    pouches: tuple[PouchTerms, ...]
    expires_at: datetime | None = None
    auto_renew: bool = False
    lifetime: timedelta | None = None
    disabled: bool = False
    models: tuple[str, ...] | None = None
    provider: str | None = None
    rate_limit: RateLimit | None = None
    stream_cost: bool = False
    freeze: Freeze | None = None
    parents: tuple["Key", ...] = ()

    def has_expired(self, now: datetime) -> bool:
        """Its time is over; an automatic renewal may still extend it."""
        return self.expires_at is not None and now >= self.expires_at

    def frozen(self, now: datetime) -> Freeze | None:
        """The freeze that holds; ``None`` if none does."""
        freeze = self.freeze
        return freeze if freeze is not None and freeze.holds(now) else None

    def allows(self, *, alias: str, provider: str, model: str) -> bool:
        """It may use ``alias``, which leads to ``model`` at ``provider``; so may its parents."""
        for parent in self.parents:
            if not parent.allows(alias=alias, provider=provider, model=model):
                return False
        if self.provider is not None and provider != self.provider:
            return False
        if self.models is None:
            return True
        names = (alias, f"{provider}/{model}")
        return any(fnmatchcase(name, pattern) for pattern in self.models for name in names)
