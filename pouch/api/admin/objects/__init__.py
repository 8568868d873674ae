"""What the administration API answers, one topic a module; here what all of them share.

Money is a decimal string of USD, exact; times are ISO 8601 in UTC with a Z; ids are opaque.
"""

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pouch.domain.money import Money

T = TypeVar("T")

UsdText: TypeAlias = Annotated[str, Field(examples=["5.00"], description="USD, exact.")]
TimeText: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Shape(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Listing(Shape, Generic[T]):
    """A slice of a list; ``next_cursor`` asks for the next one and is null at the end."""

    data: list[T]
    next_cursor: str | None


def time_text(moment: datetime) -> str:
    """``2027-01-01T00:00:00Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def optional_time(moment: datetime | None) -> str | None:
    """A time that may be absent."""
    return None if moment is None else time_text(moment)


def optional_usd(amount: Money | None) -> str | None:
    """An amount that may be absent."""
    return None if amount is None else str(amount)
