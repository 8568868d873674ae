"""How often a pouch starts afresh: never, every so many seconds, or by the calendar."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

# A hundred years; a calendar can hold a moment that much later.
SECONDS_MAX: Final = 100 * 366 * 24 * 3600


class Unit(StrEnum):
    """A calendar unit; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """Either ``unit`` in ``time_zone``, or a fixed number of ``seconds``; never both."""

    unit: Unit | None = None
    seconds: int | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what is neither a unit nor a positive number of seconds, or an unknown zone."""
        if (self.unit is None) == (self.seconds is None):
            raise ValueError("a period is either a calendar unit or a number of seconds")
        if self.seconds is not None and not 0 < self.seconds <= SECONDS_MAX:
            raise ValueError(f"a period's seconds must be from 1 to {SECONDS_MAX}")
        try:
            ZoneInfo(self.time_zone)
        # What zoneinfo raises for a name that is no zone, or is a folder of zones.
        except (KeyError, OSError) as error:
            raise ValueError(f"there is no time zone {self.time_zone!r}") from error

    def next_reset(self, *, now: datetime, due: datetime | None = None) -> datetime:
        """The first moment after ``now`` (aware) at which the next period begins.

        A calendar period begins at local midnight. A period of seconds keeps its phase: it begins
        whole periods after ``due``, the reset that has come, or one period after ``now`` without.
        A clock that has gone back to before ``due`` makes it wait for ``due`` again.
        """
        assert now.tzinfo is not None
        if self.seconds is None:
            return self._next_midnight(now)
        if due is None:
            return now + timedelta(seconds=self.seconds)
        whole_periods = (now - due) // timedelta(seconds=self.seconds)
        return due + timedelta(seconds=self.seconds * max(whole_periods + 1, 0))

    def _next_midnight(self, now: datetime) -> datetime:
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        if self.unit is Unit.DAY:
            first = today + timedelta(days=1)
        elif self.unit is Unit.WEEK:
            first = today + timedelta(days=7 - today.weekday())
        else:
            first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        midnight = datetime(first.year, first.month, first.day, tzinfo=zone)
        reset = midnight.astimezone(UTC)
        if reset <= now:
            # Clocks were set back across midnight, which therefore comes a second time.
            reset = midnight.replace(fold=1).astimezone(UTC)
        return reset
