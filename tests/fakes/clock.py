"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class FakeClock:
    """Calendar and monotonic time; only ``advance`` moves both, only ``set_back`` the calendar."""

    def __init__(self, now: datetime = START) -> None:
        assert now.utcoffset() == timedelta(0), "the calendar's time is aware, in UTC"
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0, "time does not run backwards; set_back moves the calendar"
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_back(self, seconds: float) -> None:
        """Correct the calendar backwards, as a time service does; monotonic time goes on."""
        self._now -= timedelta(seconds=seconds)
