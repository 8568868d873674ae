"""Pouches as the API shows them."""

from typing import Literal, TypeAlias

from pouch.api.admin.bodies import Seconds
from pouch.api.admin.objects import Listing, Shape, TimeText, UsdText, optional_time, optional_usd
from pouch.domain.key_report import PouchView
from pouch.domain.period import Period
from pouch.domain.pouch import Pouch

PeriodObject: TypeAlias = Literal["day", "week", "month"] | Seconds


class KeyPouchObject(Shape):
    """A budget with its balance. ``remaining_usd`` leaves the pouches around it aside;
    ``time_zone`` is that of a calendar period.
    """

    id: str
    name: str
    parent: str | None
    limit_usd: UsdText | None
    spent_usd: UsdText
    reserved_usd: UsdText
    remaining_usd: UsdText | None
    period: PeriodObject | None
    time_zone: str | None
    resets_at: TimeText | None


class PouchObject(KeyPouchObject):
    """A pouch; ``keys`` are those that draw on it or on one inside it and are not revoked,
    ``children`` the pouches that lie directly in it.
    """

    keys: int
    children: int


class PouchList(Listing[PouchObject]):
    """Pouches."""


def pouch_object(view: PouchView) -> PouchObject:
    """A pouch as the API shows it."""
    shown = key_pouch_object(view.pouch)
    return PouchObject(**dict(shown), keys=view.keys, children=view.children)


def key_pouch_object(pouch: Pouch) -> KeyPouchObject:
    """A key's own pouch as the API shows it with the key."""
    return KeyPouchObject(
        id=pouch.id,
        name=pouch.name,
        parent=pouch.parent_id,
        limit_usd=optional_usd(pouch.limit),
        spent_usd=str(pouch.spent),
        reserved_usd=str(pouch.reserved),
        remaining_usd=optional_usd(pouch.remaining),
        period=_period(pouch.period),
        time_zone=pouch.period.time_zone if pouch.period and pouch.period.unit else None,
        resets_at=optional_time(pouch.resets_at),
    )


def _period(period: Period | None) -> PeriodObject | None:
    if period is None:
        return None
    if period.seconds is not None:
        return Seconds(seconds=period.seconds)
    assert period.unit is not None, "a period is a unit or seconds"
    return period.unit.value
