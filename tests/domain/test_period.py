"""When a pouch starts afresh: by the calendar of its time zone, or every so many seconds."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.period import SECONDS_MAX, Period, Unit

MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = sorted(available_timezones())


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("unit", "zone", "now", "begins"),
    [
        (Unit.DAY, "UTC", "2026-01-15T12:00", "2026-01-16T00:00"),
        (Unit.DAY, "UTC", "2026-01-15T00:00", "2026-01-16T00:00"),
        (Unit.DAY, "Asia/Tokyo", "2026-01-15T23:59:59", "2026-01-16T00:00"),
        (Unit.WEEK, "UTC", "2026-01-12T00:00", "2026-01-19T00:00"),
        (Unit.WEEK, "Europe/Berlin", "2026-01-18T23:59", "2026-01-19T00:00"),
        (Unit.MONTH, "UTC", "2026-01-31T12:00", "2026-02-01T00:00"),
        (Unit.MONTH, "UTC", "2028-02-29T12:00", "2028-03-01T00:00"),
        (Unit.MONTH, "UTC", "2026-12-01T00:00", "2027-01-01T00:00"),
        (Unit.MONTH, "America/New_York", "2026-02-28T23:00", "2026-03-01T00:00"),
    ],
)
def test_a_calendar_period_begins_at_local_midnight(
    unit: Unit, zone: str, now: str, begins: str
) -> None:
    period = Period(unit=unit, time_zone=zone)
    assert period.next_reset(now=at(now, zone).astimezone(UTC)) == at(begins, zone)


@pytest.mark.parametrize(
    ("now", "hours"), [("2026-03-29T00:00", 23), ("2026-10-25T00:00", 25), ("2026-06-01T00:00", 24)]
)
def test_a_day_is_as_long_as_the_clock_change_makes_it(now: str, hours: int) -> None:
    midnight = at(now, "Europe/Berlin").astimezone(UTC)
    daily = Period(unit=Unit.DAY, time_zone="Europe/Berlin")
    assert daily.next_reset(now=midnight) == midnight + timedelta(hours=hours)


def test_a_day_without_a_midnight_begins_when_the_clock_jumps() -> None:
    daily = Period(unit=Unit.DAY, time_zone="Africa/Cairo")
    begins = daily.next_reset(now=at("2026-04-23T12:00", "Africa/Cairo"))
    assert begins.astimezone(ZoneInfo("Africa/Cairo")).isoformat() == "2026-04-24T01:00:00+03:00"


def test_a_midnight_that_comes_twice_resets_both_times() -> None:
    daily = Period(unit=Unit.DAY, time_zone="America/St_Johns")
    # At 00:01 the clock went back to 23:01 of the day before.
    first = daily.next_reset(now=at("2010-11-06T12:00", "America/St_Johns"))
    between = first + timedelta(minutes=30)
    assert between.astimezone(ZoneInfo("America/St_Johns")).day == 6
    assert daily.next_reset(now=between) == first + timedelta(hours=1)


@given(st.sampled_from(list(Unit)), st.sampled_from(ZONES), MOMENTS)
def test_a_calendar_reset_is_after_now_and_within_one_period(
    unit: Unit, zone: str, now: datetime
) -> None:
    reset = Period(unit=unit, time_zone=zone).next_reset(now=now)
    longest = {Unit.DAY: 2, Unit.WEEK: 8, Unit.MONTH: 32}[unit]
    assert now < reset <= now + timedelta(days=longest)


@given(st.integers(1, SECONDS_MAX), MOMENTS, MOMENTS)
def test_a_reset_by_seconds_is_after_now_and_keeps_its_phase(
    seconds: int, now: datetime, due: datetime
) -> None:
    reset = Period(seconds=seconds).next_reset(now=now, due=due)
    assert reset > now
    assert (reset - due) % timedelta(seconds=seconds) == timedelta(0)
    assert due > now or reset <= now + timedelta(seconds=seconds)


def test_the_first_period_of_seconds_is_a_whole_one() -> None:
    now = at("2026-01-15T12:00")
    assert Period(seconds=90).next_reset(now=now) == now + timedelta(seconds=90)


def test_periods_that_were_slept_through_are_skipped() -> None:
    due, now = at("2026-01-01T00:10"), at("2026-01-15T12:00")
    assert Period(seconds=3600).next_reset(now=now, due=due) == at("2026-01-15T12:10")


def test_a_clock_that_went_back_does_not_bring_a_reset_forward() -> None:
    due = at("2026-01-15T12:00")
    hourly = Period(seconds=3600)
    assert hourly.next_reset(now=due - timedelta(days=2), due=due) == due


@pytest.mark.parametrize("seconds", [0, -1, SECONDS_MAX + 1])
def test_seconds_are_positive_and_no_more_than_a_calendar_can_hold(seconds: int) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Period(seconds=seconds)


def test_a_period_is_of_exactly_one_kind() -> None:
    with pytest.raises(ValueError, match="either"):
        Period()
    with pytest.raises(ValueError, match="either"):
        Period(unit=Unit.DAY, seconds=60)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "America", "../etc/passwd", "/etc/passwd"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - zoneinfo words some of them
        Period(unit=Unit.DAY, time_zone=zone)
