"""A pouch: a budget that keys and other pouches draw from."""

from dataclasses import dataclass
from datetime import datetime

from pouch.domain.money import Money
from pouch.domain.period import Period


@dataclass(frozen=True, slots=True)
class PouchTerms:
    """What a request needs to know of a pouch without asking the store: no balance."""

    id: str
    name: str
    limit: Money | None
    period: Period | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pouch:
    """A pouch with its balance at one moment. ``parent_id`` is the pouch it lies in."""

    id: str
    name: str
    parent_id: str | None
    limit: Money | None
    period: Period | None
    resets_at: datetime | None
    spent: Money
    reserved: Money
    created_at: datetime

    @property
    def remaining(self) -> Money | None:
        """What could still be reserved here, parents aside; ``None`` without a limit."""
        if self.limit is None:
            return None
        return Money(max(self.limit.nanos - self.spent.nanos - self.reserved.nanos, 0))

    @property
    def terms(self) -> PouchTerms:
        """The part that does not change with each request."""
        return PouchTerms(self.id, self.name, self.limit, self.period, self.resets_at)
