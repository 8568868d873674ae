"""Makes and changes pouches: the budgets that keys and other pouches draw from."""

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from pouch.domain.errors import InvalidRequestError, NotFoundError
from pouch.domain.ids import new_id
from pouch.domain.ports import Clock, KeyStore, NewPouch
from pouch.domain.pouch import Pouch
from pouch.service.key_cache import KeyCache
from pouch.service.key_terms import (
    UNSET,
    Budget,
    BudgetChange,
    NewBudgetPouch,
    PouchChange,
    checked_name,
    first_reset,
    pouch_fields,
)


class PouchService:
    """Pouches for the API. ``cache`` holds keys with their pouches' terms; changes clear it."""

    def __init__(self, store: KeyStore, clock: Clock, cache: KeyCache) -> None:
        self._store = store
        self._clock = clock
        self._cache = cache

    async def create(self, wanted: NewBudgetPouch) -> Pouch:
        """Make a pouch that no key owns.

        Raises:
            InvalidRequestError: it would break a rule.
        """
        name = checked_name(wanted.name)
        pouch = planned(name, wanted.budget, wanted.parent_id, now=self._clock.now())
        try:
            await self._store.create_pouch(pouch)
        except NotFoundError as error:
            refuse_parent(wanted.parent_id, error)
        finally:
            self._cache.clear()
        return await self.get(pouch.id)

    async def all(self) -> Sequence[Pouch]:
        """Every pouch, oldest first."""
        return await self._store.pouches()

    async def get(self, pouch_id: str) -> Pouch:
        """One pouch.

        Raises:
            NotFoundError: there is none.
        """
        for pouch in await self._store.pouches():
            if pouch.id == pouch_id:
                return pouch
        raise _no_pouch(pouch_id)

    async def change(self, pouch_id: str, change: PouchChange) -> Pouch:
        """Change a pouch's name, terms or place.

        Raises:
            InvalidRequestError: it would break a rule.
            ConflictError: it would lie inside itself.
        """
        await self.apply(await self.get(pouch_id), change)
        return await self.get(pouch_id)

    async def apply(self, pouch: Pouch, change: PouchChange) -> None:
        """Store what ``change`` makes different in ``pouch``. Raises as ``change`` does."""
        budget = Budget(pouch.limit, pouch.period)
        fields = pouch_fields(budget, change, now=self._clock.now())
        if not fields:
            return
        try:
            found = await self._store.change_pouch(pouch.id, fields)
        except NotFoundError as error:
            refuse_parent(None if change.parent_id is UNSET else change.parent_id, error)
        finally:
            self._cache.clear()
        if not found:
            raise _no_pouch(pouch.id)


def planned(
    name: str, budget: BudgetChange | None, parent_id: str | None, *, now: datetime
) -> NewPouch:
    """A pouch as the store is to make it; its first period begins ``now``."""
    terms = Budget().changed(budget)
    return NewPouch(
        id=new_id("pouch", int(now.timestamp() * 1000)),
        name=name,
        parent_id=parent_id,
        limit=terms.limit,
        period=terms.period,
        resets_at=first_reset(terms.period, now=now),
    )


def refuse_parent(parent_id: str | None, error: NotFoundError) -> NoReturn:
    """The pouch that a body names does not exist: the body is wrong, not the address."""
    if parent_id is None:
        raise error
    raise InvalidRequestError(f"There is no pouch {parent_id[:64]!r}.", param="pouch") from error


def _no_pouch(pouch_id: str) -> NotFoundError:
    return NotFoundError(f"There is no pouch {pouch_id[:64]!r}.")
