"""Issues keys, authenticates them and changes them."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from pouch.domain.allowance import last_moment
from pouch.domain.errors import (
    AuthenticationError,
    KeyDisabledError,
    KeyExpiredError,
    NotFoundError,
    StoreUnavailableError,
)
from pouch.domain.ids import new_id
from pouch.domain.key import PREFIX_LENGTH, SECRET_START, Key, KeyStatus, hash_of, new_secret
from pouch.domain.ports import Clock, KeyStore, NewPouch, Page, StoredKey
from pouch.domain.pouch import Pouch, PouchTerms
from pouch.service.key_cache import KeyCache
from pouch.service.key_terms import (
    UNSET,
    KeyChange,
    NewKey,
    PouchChange,
    check_renewal,
    checked_name,
    key_fields,
    lifetime_until,
)
from pouch.service.pouches import PouchService, planned, refuse_parent

# A secret has 49 characters; what is much longer is not worth hashing.
SECRET_LENGTH_MAX: Final = 200
# How often a renewal follows a key that others change at the same moment.
RENEWALS_MAX: Final = 3

_log = logging.getLogger("pouch.service.keys")


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with its secret, which is shown this once."""

    stored: StoredKey
    secret: str


class KeyService:
    """Keys for the API, and in ``pouches`` what they draw on. Changes made here are seen here at
    once; those of other processes as soon as ``watch`` notices them.
    """

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache = KeyCache(store, clock)
        self._version: int | None = None
        self.pouches = PouchService(store, clock, self._cache)

    def cached(self, secret: str) -> Key | None:
        """The key of ``secret`` if that is known without waiting; ``None`` decides nothing."""
        if len(secret) > SECRET_LENGTH_MAX:
            return None
        return self._cache.peek(hash_of(secret))

    async def authenticate(self, secret: str) -> Key:
        """The key of ``secret``, which may be disabled or have expired.

        Raises:
            AuthenticationError: no key has this secret.
            StoreUnavailableError: the store could not be asked.
        """
        if not secret.startswith(SECRET_START) or len(secret) > SECRET_LENGTH_MAX:
            raise AuthenticationError(f"Incorrect API key: a key begins with {SECRET_START!r}.")
        key = await self._cache.find(hash_of(secret))
        if key is None:
            raise AuthenticationError("Incorrect API key: it is unknown, revoked or rotated away.")
        return key

    def forget(self) -> None:
        """Forget what is cached: a key has changed."""
        self._cache.clear()

    async def refresh(self) -> None:
        """Forget what is cached if any process has changed a key or a pouch's terms."""
        version = await self._store.version()
        if version != self._version:
            self._version = version
            self._cache.clear()

    async def watch(self, interval_s: float = 0.5) -> None:
        """Refresh for ever. While the store cannot tell of changes, nothing cached is trusted."""
        reachable = True
        while True:
            try:
                await self.refresh()
                reachable = True
            except StoreUnavailableError as error:
                self._cache.clear()
                if reachable:
                    _log.warning("keys cannot be checked for changes: %s", error.why)
                reachable = False
            await asyncio.sleep(interval_s)

    async def create(self, wanted: NewKey) -> IssuedKey:
        """Make a key, and the pouch that is its own.

        Raises:
            InvalidRequestError: it would break a rule.
            AuthenticationError: the key that mints it was revoked.
            RightsExceededError: that key has as many living children as it may.
        """
        now = self._clock.now()
        name = checked_name(wanted.name)
        lifetime = lifetime_until(wanted.expires_at, now=now)
        check_renewal(auto_renew=wanted.auto_renew, expires_at=wanted.expires_at)
        pouch = planned(name, wanted.budget, wanted.parent_id, now=now)
        secret = new_secret()
        key = Key(
            id=new_id("key", int(now.timestamp() * 1000)),
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            created_at=now,
            pouches=(_terms(pouch),),
            expires_at=wanted.expires_at,
            auto_renew=wanted.auto_renew,
            lifetime=lifetime,
            models=wanted.models,
            provider=wanted.provider,
            rate_limit=wanted.rate_limit,
            stream_cost=wanted.stream_cost,
            parents=_family(wanted.minted_by),
        )
        try:
            await self._store.create(key, secret_hash=hash_of(secret), pouch=pouch)
        except NotFoundError as error:
            refuse_parent(wanted.parent_id, error)
        finally:
            self._cache.clear()
        return IssuedKey(await self.get(key.id), secret)

    async def page(
        self, *, cursor: str | None = None, limit: int = 50, minted_by: str | None = None
    ) -> Page:
        """Keys that are not revoked, newest first; of one key's own, its id is ``minted_by``."""
        return await self._store.page(cursor=cursor, limit=limit, minted_by=minted_by)

    async def get(self, key_id: str) -> StoredKey:
        """One key.

        Raises:
            NotFoundError: there is none, or it was revoked.
        """
        stored = await self._store.get(key_id)
        if stored is None:
            raise _no_key(key_id)
        return stored

    async def change(self, key_id: str, change: KeyChange) -> StoredKey:
        """Change a key and its own pouch; the pouch first, for only it can still be refused.

        A pouch that bears the key's name is renamed with it.

        Raises:
            InvalidRequestError: the key would break a rule.
            ConflictError: its pouch would lie inside itself.
        """
        stored = await self.get(key_id)
        own = stored.pouches[0]
        fields = key_fields(stored.key, change, now=self._clock.now())
        await self.pouches.apply(
            own,
            PouchChange(
                name=change.name if own.name == stored.key.name else UNSET,
                budget=change.budget,
                parent_id=change.parent_id,
            ),
        )
        if fields:
            try:
                found = await self._store.change(key_id, fields)
            finally:
                self._cache.clear()
            if not found:
                raise _no_key(key_id)
        return await self.get(key_id)

    async def rotate(self, key_id: str, *, grace: timedelta) -> IssuedKey:
        """Give a key a new secret; the one it had stays good for ``grace``."""
        # Read before, not after: once the store has the new secret, nothing may keep it from the
        # one who asked for it.
        stored = await self.get(key_id)
        secret = new_secret()
        prefix = secret[:PREFIX_LENGTH]
        try:
            found = await self._store.rotate(
                key_id,
                secret_hash=hash_of(secret),
                prefix=prefix,
                old_until=self._clock.now() + grace,
            )
        finally:
            self._cache.clear()
        if not found:
            raise _no_key(key_id)
        return IssuedKey(replace(stored, key=replace(stored.key, prefix=prefix)), secret)

    async def revoke(self, key_id: str) -> None:
        """End a key, and all that descend from it; their history stays."""
        try:
            found = await self._store.revoke(key_id)
        finally:
            self._cache.clear()
        if not found:
            raise _no_key(key_id)

    async def renew(self, key: Key) -> Key:
        """Extend an expired key by its lifetime, once however many requests ask for it.

        A minted key is not extended beyond the life of those that it descends from.

        Raises:
            AuthenticationError: it was revoked meanwhile.
            KeyDisabledError: it was disabled meanwhile.
            KeyExpiredError: it does not renew itself any more.
        """
        for _ in range(RENEWALS_MAX):
            now = self._clock.now()
            if key.disabled:
                raise KeyDisabledError(f"The key {key.name!r} is disabled.")
            if not key.has_expired(now):
                return key
            if not key.auto_renew or key.lifetime is None or key.expires_at is None:
                break
            end = last_moment(key)
            expires_at = now + key.lifetime if end is None else min(now + key.lifetime, end)
            if expires_at <= now:
                break
            try:
                won = await self._store.renew(key.id, expired=key.expires_at, expires_at=expires_at)
            finally:
                self._cache.clear()
            if won:
                return replace(key, expires_at=expires_at)
            stored = await self._store.get(key.id)
            if stored is None:
                raise AuthenticationError("The API key was revoked.")
            key = stored.key
        raise KeyExpiredError(f"The key {key.name!r} has expired.")


def status_of(stored: StoredKey, now: datetime) -> KeyStatus:
    """What becomes of a request that is made with this key now.

    An expired key that renews itself is active, and so is a pouch whose reset has come due.
    """
    family = (stored.key, *stored.key.parents)
    if any(key.disabled for key in family):
        return KeyStatus.DISABLED
    if any(key.has_expired(now) and not key.auto_renew for key in family):
        return KeyStatus.EXPIRED
    if any(key.frozen(now) for key in family):
        return KeyStatus.FROZEN
    if any(_is_used_up(pouch, now) for pouch in stored.pouches):
        return KeyStatus.CAPPED
    return KeyStatus.ACTIVE


def _is_used_up(pouch: Pouch, now: datetime) -> bool:
    due = pouch.resets_at is not None and pouch.resets_at <= now
    return pouch.limit is not None and pouch.spent >= pouch.limit and not due


def _family(key: Key | None) -> tuple[Key, ...]:
    """A key and those that it descends from, as the parents of another."""
    if key is None:
        return ()
    return (replace(key, parents=(), pouches=()), *key.parents)


def _terms(pouch: NewPouch) -> PouchTerms:
    return PouchTerms(pouch.id, pouch.name, pouch.limit, pouch.period, pouch.resets_at)


def _no_key(key_id: str) -> NotFoundError:
    return NotFoundError(f"There is no key {key_id[:64]!r}.")
