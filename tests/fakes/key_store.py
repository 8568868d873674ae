"""Keys and pouches in memory."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pouch.domain.allowance import CHILDREN_MAX
from pouch.domain.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    RightsExceededError,
    StoreUnavailableError,
)
from pouch.domain.key import Freeze, Key
from pouch.domain.money import ZERO, Money
from pouch.domain.ports import Clock, NewPouch, Page, StoredKey
from pouch.domain.pouch import Pouch


@dataclass(frozen=True, slots=True)
class _Secret:
    key_id: str
    valid_until: datetime | None = None


class FakeKeyStore:
    """Behaves as a store does, and tells how often it was asked.

    ``down`` makes every call fail. A read of ``find`` has its answer at once, and hands it over
    once ``gate`` is set.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._secrets: dict[str, _Secret] = {}
        self._own_pouch: dict[str, str] = {}
        self._pouches: dict[str, Pouch] = {}
        self._version = 0
        self.last_used: dict[str, datetime] = {}
        self.costs: dict[str, list[tuple[datetime, Money]]] = {}
        self.finds: list[str] = []
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def find(self, secret_hash: str) -> Key | None:
        self._check()
        self.finds.append(secret_hash)
        found = self._find(secret_hash)
        await self.gate.wait()
        self._check()
        return found

    async def get(self, key_id: str) -> StoredKey | None:
        self._check()
        return self._stored(key_id) if key_id in self._keys else None

    async def page(self, *, cursor: str | None, limit: int, minted_by: str | None = None) -> Page:
        self._check()
        newest_first = list(reversed(self._keys))
        if minted_by is not None:
            newest_first = [key_id for key_id in newest_first if self._minted_by(key_id, minted_by)]
        if cursor is not None:
            newest_first = [key_id for key_id in newest_first if key_id < cursor]
        items = [self._stored(key_id) for key_id in newest_first[:limit]]
        more = len(newest_first) > limit
        return Page(items, items[-1].key.id if more else None)

    async def create(self, key: Key, *, secret_hash: str, pouch: NewPouch) -> None:
        self._check()
        if key.parents:
            self._admit_child(key.parents[0].id)
        self._add_pouch(pouch)
        self._keys[key.id] = replace(key, parents=key.parents[:1])
        self._own_pouch[key.id] = pouch.id
        self._secrets[secret_hash] = _Secret(key.id)

    async def change(self, key_id: str, fields: Mapping[str, object]) -> bool:
        self._check()
        if key_id not in self._keys:
            return False
        values: dict[str, Any] = dict(fields)
        self._keys[key_id] = replace(self._keys[key_id], **values)
        self._version += 1
        return True

    async def change_pouch(self, pouch_id: str, fields: Mapping[str, object]) -> bool:
        self._check()
        if pouch_id not in self._pouches:
            return False
        values: dict[str, Any] = dict(fields)
        parent = values.get("parent_id")
        if parent is not None:
            if parent not in self._pouches:
                raise NotFoundError("no such pouch")
            if pouch_id in [pouch.id for pouch in self._chain(parent)]:
                raise ConflictError("the pouch would lie inside itself")
        self._pouches[pouch_id] = replace(self._pouches[pouch_id], **values)
        self._version += 1
        return True

    async def rotate(
        self, key_id: str, *, secret_hash: str, prefix: str, old_until: datetime
    ) -> bool:
        self._check()
        if key_id not in self._keys:
            return False
        for known, secret in self._secrets.items():
            if secret.key_id == key_id:
                until = min(secret.valid_until or old_until, old_until)
                self._secrets[known] = _Secret(key_id, until)
        self._secrets[secret_hash] = _Secret(key_id)
        self._keys[key_id] = replace(self._keys[key_id], prefix=prefix)
        self._version += 1
        return True

    async def revoke(self, key_id: str) -> bool:
        self._check()
        if key_id not in self._keys:
            return False
        ending = [key_id]
        for ended in ending:
            ending += [other for other in self._keys if self._minted_by(other, ended)]
        for ended in ending:
            del self._keys[ended]
        self._version += 1
        return True

    async def renew(self, key_id: str, *, expired: datetime, expires_at: datetime) -> bool:
        self._check()
        key = self._keys.get(key_id)
        if key is None or key.expires_at != expired:
            return False
        return await self.change(key_id, {"expires_at": expires_at})

    async def freeze(self, key: Key, freeze: Freeze) -> bool:
        self._check()
        stored = self._keys.get(key.id)
        if stored is None or stored.freeze != key.freeze:
            return False
        return await self.change(key.id, {"freeze": freeze})

    async def thaw(self, key_id: str, *, now: datetime) -> bool:
        self._check()
        key = self._keys.get(key_id)
        freeze = key.frozen(now) if key else None
        if freeze is None:
            return False
        return await self.change(key_id, {"freeze": replace(freeze, until=now)})

    async def spent_since(self, key_id: str, since: datetime) -> Money:
        self._check()
        costs = [cost.nanos for at, cost in self.costs.get(key_id, []) if at >= since]
        return Money(sum(costs))

    async def create_pouch(self, pouch: NewPouch) -> None:
        self._check()
        self._add_pouch(pouch)

    async def pouches(self) -> Sequence[Pouch]:
        self._check()
        return list(self._pouches.values())

    async def version(self) -> int:
        self._check()
        return self._version

    def spend(self, pouch_id: str, spent: Money, *, reserved: Money = ZERO) -> None:
        """Set a pouch's balance, as only a ledger can."""
        self._pouches[pouch_id] = replace(self._pouches[pouch_id], spent=spent, reserved=reserved)

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailableError("the store is down")

    def _add_pouch(self, pouch: NewPouch) -> None:
        if pouch.parent_id is not None and pouch.parent_id not in self._pouches:
            raise NotFoundError("no such pouch")
        self._pouches[pouch.id] = Pouch(
            id=pouch.id,
            name=pouch.name,
            parent_id=pouch.parent_id,
            limit=pouch.limit,
            period=pouch.period,
            resets_at=pouch.resets_at,
            spent=ZERO,
            reserved=ZERO,
            created_at=self._clock.now(),
        )
        self._version += 1

    def _find(self, secret_hash: str) -> Key | None:
        secret = self._secrets.get(secret_hash)
        if secret is None or secret.key_id not in self._keys:
            return None
        if secret.valid_until is not None and self._clock.now() >= secret.valid_until:
            return None
        return self._stored(secret.key_id).key

    def _stored(self, key_id: str) -> StoredKey:
        chain = self._chain(self._own_pouch[key_id])
        terms = tuple(pouch.terms for pouch in chain)
        key = replace(self._keys[key_id], pouches=terms, parents=tuple(self._parents(key_id)))
        return StoredKey(key, tuple(chain), self.last_used.get(key_id))

    def _minted_by(self, key_id: str, parent_id: str) -> bool:
        return [parent.id for parent in self._keys[key_id].parents] == [parent_id]

    def _admit_child(self, parent_id: str) -> None:
        if parent_id not in self._keys:
            raise AuthenticationError("the key was revoked")
        now = self._clock.now()
        children = [key for key in self._keys.values() if self._minted_by(key.id, parent_id)]
        living = [key for key in children if key.auto_renew or not key.has_expired(now)]
        if len(living) >= CHILDREN_MAX:
            raise RightsExceededError("the key has as many children as it may")

    def _parents(self, key_id: str) -> Iterator[Key]:
        for parent in self._keys[key_id].parents:
            yield replace(self._keys[parent.id], pouches=(), parents=())
            yield from self._parents(parent.id)

    def _chain(self, pouch_id: str) -> list[Pouch]:
        chain = [self._pouches[pouch_id]]
        while (parent_id := chain[-1].parent_id) is not None:
            chain.append(self._pouches[parent_id])
        return chain
