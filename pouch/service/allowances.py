"""Keys that keys mint: an allowance for an agent, within what its giver may do itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pouch.domain.allowance import PARENTS_MAX, check_usable, is_no_faster, is_within
from pouch.domain.errors import NotFoundError, RightsExceededError
from pouch.domain.key import Key, RateLimit
from pouch.domain.ports import Clock, Page, StoredKey
from pouch.service.key_terms import BudgetChange, NewKey
from pouch.service.keys import IssuedKey, KeyService

# A refusal names no more of a caller's text than this.
_SHOWN_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class NewAllowance:
    """A key to be minted. What is ``None`` is as the parent has it; no budget is no limit of its
    own, and the parent's pouch binds all the same.
    """

    name: str
    budget: BudgetChange | None = None
    models: tuple[str, ...] | None = None
    provider: str | None = None
    rate_limit: RateLimit | None = None
    expires_at: datetime | None = None


class AllowanceService:
    """What a key may do with keys: mint them, see its own, end what descends from it.

    Every method raises ``PermissionDeniedError`` if the key itself may do nothing now.
    """

    def __init__(self, keys: KeyService, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def mint(self, parent: Key, wanted: NewAllowance) -> IssuedKey:
        """Make a key whose pouch lies in the pouch of ``parent``.

        Raises:
            RightsExceededError: it would have more rights than its parent, or be one too many.
            InvalidRequestError: it would break a rule.
        """
        parent = await self._usable(parent)
        if len(parent.parents) >= PARENTS_MAX:
            raise RightsExceededError(f"Keys descend from one another at most {PARENTS_MAX} deep.")
        return await self._keys.create(
            NewKey(
                name=wanted.name,
                budget=wanted.budget,
                parent_id=parent.pouches[0].id,
                models=_models(parent, wanted.models),
                provider=_provider(parent, wanted.provider),
                rate_limit=_rate_limit(parent, wanted.rate_limit),
                expires_at=_expires_at(parent, wanted.expires_at),
                minted_by=parent,
            )
        )

    async def page(self, parent: Key, *, cursor: str | None, limit: int) -> Page:
        """The keys that ``parent`` has minted and that are not revoked, newest first."""
        parent = await self._usable(parent)
        return await self._keys.page(cursor=cursor, limit=limit, minted_by=parent.id)

    async def revoke(self, parent: Key, key_id: str) -> None:
        """End a key that descends from ``parent``, and with it all that descend from that.

        Raises:
            NotFoundError: there is none of this id among them.
        """
        parent = await self._usable(parent)
        stored: StoredKey = await self._keys.get(key_id)
        if parent.id not in [other.id for other in stored.key.parents]:
            raise NotFoundError(f"There is no key {key_id[:_SHOWN_MAX]!r}.")
        await self._keys.revoke(key_id)

    async def _usable(self, key: Key) -> Key:
        check_usable(key, self._clock.now(), renewable=True)
        return await self._keys.renew(key)


def _models(parent: Key, wanted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if wanted is None or parent.models is None:
        return parent.models if wanted is None else wanted
    for pattern in wanted:
        if not is_within(pattern, parent.models):
            raise RightsExceededError(
                f"This key cannot give away {pattern[:_SHOWN_MAX]!r}: none of its own models is "
                "sure to hold it.",
                param="models",
            )
    return wanted


def _provider(parent: Key, wanted: str | None) -> str | None:
    if wanted is None or parent.provider is None:
        return parent.provider if wanted is None else wanted
    if wanted != parent.provider:
        raise RightsExceededError(
            f"This key may use provider {parent.provider!r} only.", param="provider"
        )
    return wanted


def _rate_limit(parent: Key, wanted: RateLimit | None) -> RateLimit | None:
    own = parent.rate_limit
    if wanted is None or own is None:
        return own if wanted is None else wanted
    if not is_no_faster(wanted, own):
        raise RightsExceededError(
            f"This key makes {own.requests} requests per {own.per_s:g} s at most, and cannot give "
            "away more.",
            param="rate_limit",
        )
    return wanted


def _expires_at(parent: Key, wanted: datetime | None) -> datetime | None:
    if wanted is None or parent.expires_at is None:
        return parent.expires_at if wanted is None else wanted
    if wanted > parent.expires_at:
        raise RightsExceededError(
            f"This key expires at {parent.expires_at.isoformat()}, and cannot give away more time.",
            param="expires_at",
        )
    return wanted
