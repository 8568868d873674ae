"""What an administrator asks for when a key or a pouch is made or changed, and the rules of it.

In a change, what is ``UNSET`` stays as it is, and ``None`` clears.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Literal, TypeAlias

from pouch.domain.errors import InvalidRequestError
from pouch.domain.key import Key, RateLimit, name_problem
from pouch.domain.money import Money
from pouch.domain.period import Period, Unit

PERIOD_SECONDS_MAX: Final = 10 * 366 * 86_400


class _Unset(Enum):
    UNSET = "unset"


Unset: TypeAlias = Literal[_Unset.UNSET]
UNSET: Final = _Unset.UNSET

Every: TypeAlias = Unit | int
"""How often a budget starts afresh: a calendar unit, or a number of seconds."""


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """A budget, or what is to change of one. ``time_zone`` is for calendar units."""

    limit: Money | Unset | None = UNSET
    every: Every | Unset | None = UNSET
    time_zone: str | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit, or none, and how often it starts afresh."""

    limit: Money | None = None
    period: Period | None = None

    def changed(self, change: BudgetChange | Unset | None) -> "Budget":
        """This budget after ``change``; ``None`` takes the limit and the period away."""
        if change is UNSET:
            return self
        if change is None:
            return Budget()
        limit = self.limit if change.limit is UNSET else change.limit
        return Budget(limit, self._period_after(change))

    def _period_after(self, change: BudgetChange) -> Period | None:
        every = change.every
        if every is UNSET:
            every = (self.period.unit or self.period.seconds) if self.period else None
        zone = change.time_zone
        if isinstance(every, Unit):
            if zone is UNSET:
                zone = self.period.time_zone if self.period else None
            return _calendar(every, "UTC" if zone is None else zone)
        if zone is not UNSET and zone is not None:
            raise InvalidRequestError(
                "a time zone goes with a period of a day, week or month only",
                param="budget.time_zone",
            )
        return None if every is None else _seconds(every)


def _seconds(seconds: int) -> Period:
    if not 0 < seconds <= PERIOD_SECONDS_MAX:
        raise InvalidRequestError(
            f"a period has 1 to {PERIOD_SECONDS_MAX} seconds", param="budget.period.seconds"
        )
    return Period(seconds=seconds)


def _calendar(unit: Unit, time_zone: str) -> Period:
    try:
        return Period(unit=unit, time_zone=time_zone)
    # What zoneinfo raises for a name that is no zone, is a folder of zones, or is too long.
    except (ValueError, KeyError, OSError) as error:
        raise InvalidRequestError(
            f"there is no time zone {time_zone[:64]!r}; use a name such as 'Europe/Berlin'",
            param="budget.time_zone",
        ) from error


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made. ``parent_id`` is the pouch that the key's own pouch is to lie in;
    ``minted_by`` is the key that asks for it, if no administrator does.
    """

    name: str
    budget: BudgetChange | None = None
    parent_id: str | None = None
    models: tuple[str, ...] | None = None
    provider: str | None = None
    rate_limit: RateLimit | None = None
    expires_at: datetime | None = None
    auto_renew: bool = False
    stream_cost: bool = False
    minted_by: Key | None = None


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to change of a key, and of the pouch that is its own."""

    name: str | Unset = UNSET
    budget: BudgetChange | Unset | None = UNSET
    parent_id: str | Unset | None = UNSET
    models: tuple[str, ...] | Unset | None = UNSET
    provider: str | Unset | None = UNSET
    rate_limit: RateLimit | Unset | None = UNSET
    expires_at: datetime | Unset | None = UNSET
    auto_renew: bool | Unset = UNSET
    disabled: bool | Unset = UNSET
    stream_cost: bool | Unset = UNSET


@dataclass(frozen=True, slots=True)
class NewBudgetPouch:
    """A pouch to be made for other pouches and keys to lie in."""

    name: str
    budget: BudgetChange | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class PouchChange:
    """What is to change of a pouch."""

    name: str | Unset = UNSET
    budget: BudgetChange | Unset | None = UNSET
    parent_id: str | Unset | None = UNSET


def checked_name(name: str) -> str:
    """``name`` in its composed form, so that a name has one spelling and one length.

    Raises:
        InvalidRequestError: it cannot name a key or a pouch.
    """
    composed = unicodedata.normalize("NFC", name)
    problem = name_problem(composed)
    if problem is not None:
        raise InvalidRequestError(problem, param="name")
    return composed


def lifetime_until(expires_at: datetime | None, *, now: datetime) -> timedelta | None:
    """What a renewal will extend by.

    Raises:
        InvalidRequestError: the expiry is not in the future.
    """
    if expires_at is None:
        return None
    if expires_at <= now:
        raise InvalidRequestError("an expiry must be in the future", param="expires_at")
    return expires_at - now


def check_renewal(*, auto_renew: bool, expires_at: datetime | None) -> None:
    """Refuse a renewal of what never expires."""
    if auto_renew and expires_at is None:
        raise InvalidRequestError("auto_renew needs an expires_at", param="auto_renew")


def key_fields(key: Key, change: KeyChange, *, now: datetime) -> dict[str, object]:
    """The fields of ``key`` that ``change`` sets, by name, as ``KeyStore.change`` takes them.

    Raises:
        InvalidRequestError: the key would break a rule.
    """
    asked: dict[str, object] = {
        "name": change.name if change.name is UNSET else checked_name(change.name),
        "models": change.models,
        "provider": change.provider,
        "rate_limit": change.rate_limit,
        "auto_renew": change.auto_renew,
        "disabled": change.disabled,
        "stream_cost": change.stream_cost,
        "expires_at": change.expires_at,
    }
    if change.expires_at is not UNSET:
        asked["lifetime"] = lifetime_until(change.expires_at, now=now)
    check_renewal(
        auto_renew=key.auto_renew if change.auto_renew is UNSET else change.auto_renew,
        expires_at=key.expires_at if change.expires_at is UNSET else change.expires_at,
    )
    return {name: value for name, value in asked.items() if value is not UNSET}


def pouch_fields(pouch_budget: Budget, change: PouchChange, *, now: datetime) -> dict[str, object]:
    """The fields of a pouch that ``change`` sets, as ``KeyStore.change_pouch`` takes them.

    A new period begins now; one that stays keeps the reset that is due.
    """
    budget = pouch_budget.changed(change.budget)
    fields: dict[str, object] = {}
    if change.name is not UNSET:
        fields["name"] = checked_name(change.name)
    if change.parent_id is not UNSET:
        fields["parent_id"] = change.parent_id
    if budget.limit != pouch_budget.limit:
        fields["limit"] = budget.limit
    if budget.period != pouch_budget.period:
        fields["period"] = budget.period
        fields["resets_at"] = first_reset(budget.period, now=now)
    return fields


def first_reset(period: Period | None, *, now: datetime) -> datetime | None:
    """When a period that begins now ends."""
    return period.next_reset(now=now) if period else None
