"""The interfaces that the outside world implements for the inside."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pouch.domain.chat import ChatBody
from pouch.domain.key import Freeze, Key
from pouch.domain.money import Money
from pouch.domain.period import Period
from pouch.domain.pouch import Pouch


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The calendar's time: aware, in UTC. It can jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; only differences mean anything, and they never shrink."""
        ...


class Background(Protocol):
    """Where work goes that must outlive the request that caused it."""

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run ``work`` to its end, whatever happens to the caller. Never raises, never waits."""
        ...


class TokenCounter(Protocol):
    """Counts text as the models do. Works in a thread, so that the event loop goes on."""

    def input_bound(self, body: ChatBody, *, model: str, context_window: int | None) -> int:
        """Tokens that the input cannot exceed, from sizes alone; costs next to nothing.

        Raises:
            InvalidRequestError: a part of the input has no bound, and no ``context_window`` is
                known to stand in for one.
        """
        ...

    async def input_tokens(
        self, body: ChatBody, *, model: str, encoding: str, context_window: int | None
    ) -> int:
        """Tokens of the input, counted, with the published formulas for overhead and media."""
        ...

    async def text_tokens(self, text: str, *, encoding: str) -> int:
        """Tokens of ``text``."""
        ...

    async def exact_tokens(self, texts: Sequence[str], *, encoding: str) -> Sequence[int] | None:
        """Tokens of each of ``texts``; ``None`` if they cannot be counted now, however long."""
        ...


@dataclass(frozen=True, slots=True)
class NewPouch:
    """A pouch to be made."""

    id: str
    name: str
    parent_id: str | None
    limit: Money | None
    period: Period | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with the balances of its pouches, own first, at one moment."""

    key: Key
    pouches: tuple[Pouch, ...]
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a list, newest first, and where the next one begins (``None`` at the end)."""

    items: Sequence[StoredKey]
    next_cursor: str | None


class KeyStore(Protocol):
    """Where keys and the terms of pouches are kept. Writes raise ``StoreUnavailableError``."""

    async def find(self, secret_hash: str) -> Key | None:
        """The key whose secret, current or within a rotation's grace, hashes to this."""
        ...

    async def get(self, key_id: str) -> StoredKey | None:
        """One key; ``None`` if there is none or it was revoked."""
        ...

    async def page(self, *, cursor: str | None, limit: int, minted_by: str | None = None) -> Page:
        """Keys that are not revoked, newest first; of one key's own, its id is ``minted_by``."""
        ...

    async def create(self, key: Key, *, secret_hash: str, pouch: NewPouch) -> None:
        """Store a key and the pouch that is made for it, both or neither.

        Raises:
            NotFoundError: the parent pouch does not exist.
            AuthenticationError: the key that mints it was revoked.
            RightsExceededError: that key has as many living children as it may.
        """
        ...

    async def change(self, key_id: str, fields: Mapping[str, object]) -> bool:
        """Set fields of ``Key`` by name; ``False`` if there is no such key."""
        ...

    async def change_pouch(self, pouch_id: str, fields: Mapping[str, object]) -> bool:
        """Set ``name``, ``limit``, ``period``, ``resets_at``, ``parent_id`` of a pouch.

        Raises:
            NotFoundError: the new parent does not exist.
            ConflictError: the new parent lies inside the pouch itself.
        """
        ...

    async def rotate(
        self, key_id: str, *, secret_hash: str, prefix: str, old_until: datetime
    ) -> bool:
        """Give the key a new secret; those it had stay good until ``old_until`` at most."""
        ...

    async def revoke(self, key_id: str) -> bool:
        """End the key and all that descend from it; their history stays.

        ``False`` if there is no such key.
        """
        ...

    async def renew(self, key_id: str, *, expired: datetime, expires_at: datetime) -> bool:
        """Extend a key that expired at ``expired``; ``False`` if another has done so."""
        ...

    async def create_pouch(self, pouch: NewPouch) -> None:
        """Store a pouch that no key owns.

        Raises:
            NotFoundError: the parent pouch does not exist.
        """
        ...

    async def pouches(self) -> Sequence[Pouch]:
        """Every pouch, oldest first."""
        ...

    async def version(self) -> int:
        """A number that grows with every change of a key or of a pouch's terms."""
        ...


class KeyRenewal(Protocol):
    """Extends keys that renew themselves."""

    async def renew(self, key: Key) -> Key:
        """The key with its new expiry, stored."""
        ...


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store as it is now. ``name`` is without its folder; ``schema`` counts its migrations."""

    kind: str
    name: str
    size_bytes: int
    schema: int


class StoreInspection(Protocol):
    """A store that tells of itself."""

    async def facts(self) -> StoreFacts:
        """What it is now. Raises ``StoreUnavailableError``."""
        ...


class SettingStore(Protocol):
    """Where single texts are kept by name. Methods raise ``StoreUnavailableError``."""

    async def get_setting(self, key: str) -> str | None:
        """The text kept under ``key``; ``None`` if there is none."""
        ...

    async def replace_setting(self, key: str, old: str, new: str) -> bool:
        """Keep ``new`` in the place of ``old``; ``False`` if another text is there by now."""
        ...


class FreezeStore(Protocol):
    """Where the freezes of keys are kept. Every method raises ``StoreUnavailableError``."""

    async def freeze(self, key: Key, freeze: Freeze) -> bool:
        """Freeze a key that is stored as frozen, or not, as ``key`` says.

        ``False`` if it has been frozen, thawed or revoked since it was read as ``key``.
        """
        ...

    async def thaw(self, key_id: str, *, now: datetime) -> bool:
        """End a freeze; ``False`` if none holds."""
        ...

    async def spent_since(self, key_id: str, since: datetime) -> Money:
        """What the key's requests that began ``since`` have cost, or hold in reservations.

        The same in every process that shares the store.
        """
        ...


class KeyFreezing(Protocol):
    """Freezes keys, for steps that watch what keys do."""

    async def freeze(self, key: Key, *, reason: str, until: datetime | None) -> Freeze | None:
        """Freeze ``key``, in every process and over a restart.

        The freeze that now holds, which another may have begun; ``None`` if the key has been
        thawed since it was read as ``key``, so that what was seen before counts no more.
        """
        ...

    async def spent_since(self, key: Key, since: datetime) -> Money:
        """What the key's requests that began ``since`` have cost, or hold in reservations.

        Raises:
            StoreUnavailableError: the store could not be asked.
        """
        ...
