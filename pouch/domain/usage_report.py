"""Sums of requests: what was used, by when, by whom, and of what.

They are kept by the hour in which a request began. A request failed if its status is 400 or more.
Tokens are those that are known; ``cost`` is what was charged, refunds are not taken off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from pouch.domain.key_report import PouchView
from pouch.domain.money import ZERO, Money

HOUR: Final = timedelta(hours=1)


class Dimension(StrEnum):
    """What requests are summed up by; the times are those of UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    KEY = "key"
    MODEL = "model"
    PROVIDER = "provider"


TIMES: Final = frozenset({Dimension.HOUR, Dimension.DAY, Dimension.MONTH})


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some requests; cached and reasoning tokens are parts of the input and the output."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Money = ZERO

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(
            self.requests - other.requests,
            self.errors - other.errors,
            self.input_tokens - other.input_tokens,
            self.cached_input_tokens - other.cached_input_tokens,
            self.output_tokens - other.output_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
            self.cost - other.cost,
        )


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """Which sums are wanted: ``by`` one dimension and, if ``split``, each of those by another.

    Only the ``top`` values of ``split`` that cost most are told apart. ``since`` and ``until``
    (exclusive) are whole hours; ``None`` is open.
    """

    by: Dimension = Dimension.DAY
    split: Dimension | None = None
    key_id: str | None = None
    model: str | None = None
    provider: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    top: int = 10


@dataclass(frozen=True, slots=True)
class UsageRow:
    """``by`` is an hour (``2026-01-31T13:00:00Z``), a day, a month (``2026-01``), a key's id, a
    model or a provider; the names are those of keys. ``split`` is ``None`` where nothing is split,
    and in the row that sums up what is not told apart.
    """

    by: str
    sums: Sums
    by_name: str | None = None
    split: str | None = None
    split_name: str | None = None


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Times in their order, all else dearest first; ``next_cursor`` asks for what follows.

    Between two pages of what is ordered by cost, what changed place can come twice or not at all.
    """

    rows: Sequence[UsageRow]
    next_cursor: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything that began ``since``; ``refunded`` was given back since then, of whatever cost."""

    since: datetime
    sums: Sums
    refunded: Money


@dataclass(frozen=True, slots=True)
class FullPouch:
    """A pouch with a limit, and the key whose own it is, if it is a key's: its id and name.

    ``used_percent`` is of what is spent and reserved; a pouch whose reset is due has spent nothing.
    """

    view: PouchView
    key: tuple[str, str] | None
    used_percent: float


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of things: money of this day and month (UTC), what is reserved, what is nearly
    used up (worst first). ``reserved`` is what ``open_reservations`` hold.
    """

    now: datetime
    today: Totals
    month: Totals
    reserved: Money
    open_reservations: int
    keys: int
    requests_ever: bool
    fullest: Sequence[FullPouch]


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_after(moment: datetime) -> datetime:
    """The first full hour in UTC that is not before ``moment``."""
    hour = hour_of(moment)
    return hour if hour == moment else hour + HOUR
