"""Freezes keys that have run away, and thaws them."""

from datetime import datetime

from pouch.domain.key import Freeze, Key
from pouch.domain.money import Money
from pouch.domain.ports import Clock, FreezeStore, StoredKey
from pouch.service.keys import KeyService


class KeyFreezes:
    """See ``pouch.domain.ports.KeyFreezing``. Requests that are under way are let finish."""

    def __init__(self, store: FreezeStore, keys: KeyService, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    async def freeze(self, key: Key, *, reason: str, until: datetime | None) -> Freeze | None:
        now = self._clock.now()
        freeze = Freeze(now, reason, until)
        try:
            first = await self._store.freeze(key, freeze)
        finally:
            self._keys.forget()
        if first:
            return freeze
        return (await self._keys.get(key.id)).key.frozen(now)

    async def thaw(self, key_id: str) -> StoredKey:
        """End a freeze; nothing changes if there is none.

        Raises:
            NotFoundError: there is no such key.
        """
        try:
            await self._store.thaw(key_id, now=self._clock.now())
        finally:
            self._keys.forget()
        return await self._keys.get(key_id)

    async def spent_since(self, key: Key, since: datetime) -> Money:
        return await self._store.spent_since(key.id, since)
