"""Rows to domain objects and back. Times are microseconds since 1970, in UTC."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pouch.domain.key import Freeze, Key, RateLimit
from pouch.domain.money import Money
from pouch.domain.period import Period, Unit
from pouch.domain.pouch import Pouch

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

POUCH_COLUMNS: Final = (
    "id, name, parent_id, limit_nanos, period_unit, period_seconds, time_zone, resets_at, "
    "spent_nanos, reserved_nanos, created_at"
)
KEY_COLUMNS: Final = (
    "id, name, prefix, created_at, expires_at, auto_renew, lifetime_us, disabled, models, "
    "provider, rate_requests, rate_per_s, stream_cost, pouch_id, "
    "frozen_at, frozen_reason, frozen_until"
)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The aware UTC time so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=value)


def optional_micros(value: datetime | None) -> int | None:
    """Microseconds since 1970, of what may be absent."""
    return None if value is None else micros(value)


def optional_moment(value: int | None) -> datetime | None:
    """The time so many microseconds after 1970, of what may be absent."""
    return None if value is None else moment(value)


def optional_money(nanos: int | None) -> Money | None:
    """An amount that may be absent."""
    return None if nanos is None else Money(nanos)


def steps_text(steps: Sequence[tuple[str, float]] | None) -> str | None:
    """Names with their seconds as ``requests.steps`` holds them; ``None`` if they are not known."""
    if steps is None:
        return None
    return "\n".join([f"{name}={round(seconds * 1_000_000)}" for name, seconds in steps])


def steps_of(text: str | None) -> list[tuple[str, float]] | None:
    """What ``steps_text`` wrote."""
    if text is None:
        return None
    parts = [line.rpartition("=") for line in text.splitlines()]
    return [(name, int(micros) / 1_000_000) for name, _, micros in parts]


def pouch_of(row: Sequence[Any]) -> Pouch:
    """A pouch from ``POUCH_COLUMNS``."""
    return Pouch(
        id=row[0],
        name=row[1],
        parent_id=row[2],
        limit=optional_money(row[3]),
        period=period_of(row[4], row[5], row[6]),
        resets_at=optional_moment(row[7]),
        spent=Money(row[8]),
        reserved=Money(row[9]),
        created_at=moment(row[10]),
    )


def period_of(unit: str | None, seconds: int | None, time_zone: str) -> Period | None:
    """The period in three columns; ``None`` if it never resets."""
    if unit is None and seconds is None:
        return None
    return Period(Unit(unit) if unit else None, seconds, time_zone)


def period_columns(period: Period | None) -> dict[str, object]:
    """The columns that hold ``period``."""
    return {
        "period_unit": period.unit.value if period and period.unit else None,
        "period_seconds": period.seconds if period else None,
        "time_zone": period.time_zone if period else "UTC",
    }


def key_of(row: Sequence[Any], pouches: Sequence[Pouch]) -> Key:
    """A key from ``KEY_COLUMNS`` and its pouches, own first."""
    lifetime = row[6]
    return Key(
        id=row[0],
        name=row[1],
        prefix=row[2],
        created_at=moment(row[3]),
        expires_at=optional_moment(row[4]),
        auto_renew=bool(row[5]),
        lifetime=None if lifetime is None else timedelta(microseconds=lifetime),
        disabled=bool(row[7]),
        models=None if row[8] is None else tuple(json.loads(row[8])),
        provider=row[9],
        rate_limit=None if row[10] is None else RateLimit(row[10], row[11]),
        stream_cost=bool(row[12]),
        freeze=_freeze_of(row[14:17]),
        pouches=tuple(pouch.terms for pouch in pouches),
    )


def _freeze_of(row: Sequence[Any]) -> Freeze | None:
    at, reason, until = row
    return None if at is None else Freeze(moment(at), reason, optional_moment(until))


def key_columns(fields: dict[str, object]) -> dict[str, object]:
    """Columns and values for fields of ``Key`` by name."""
    columns: dict[str, object] = {}
    for name, value in fields.items():
        if name == "lifetime":
            assert value is None or isinstance(value, timedelta)
            columns["lifetime_us"] = None if value is None else value // _MICROSECOND
        elif name == "models":
            assert value is None or isinstance(value, tuple)
            columns["models"] = None if value is None else json.dumps(value)
        elif name == "rate_limit":
            assert value is None or isinstance(value, RateLimit)
            columns["rate_requests"] = value.requests if value else None
            columns["rate_per_s"] = value.per_s if value else None
        elif isinstance(value, datetime):
            columns[name] = micros(value)
        elif isinstance(value, bool):
            columns[name] = int(value)
        else:
            columns[name] = value
    return columns


def insert(connection: sqlite3.Connection, table: str, columns: dict[str, object]) -> None:
    """Insert one row; names of tables and columns are this package's own."""
    names = ", ".join(columns)
    marks = ", ".join("?" for _ in columns)
    connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - no name is a caller's
        tuple(columns.values()),
    )


def update(
    connection: sqlite3.Connection, table: str, row_id: str, columns: dict[str, object]
) -> bool:
    """Set columns of the row with this id; whether there is one."""
    names = ", ".join(f"{name} = ?" for name in columns)
    done = connection.execute(
        f"UPDATE {table} SET {names} WHERE id = ?",  # noqa: S608 - no name is a caller's
        (*columns.values(), row_id),
    )
    return done.rowcount == 1
