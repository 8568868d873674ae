"""What the administration API takes: bodies and query strings.

Strict: an unknown field is refused, a number is not a string, and money is never a float. In a
PATCH an absent field stays as it is and ``null`` clears it.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from pouch.domain.money import Money

PAGE_MAX: Final = 500
GRACE_S_MAX: Final = 30 * 86_400
RATE_WINDOW_S_MAX: Final = 31 * 86_400
_USD: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _money(value: object) -> Money:
    if isinstance(value, float):
        raise PydanticCustomError(
            "usd_float", 'a float cannot hold money exactly; write it as a string, such as "5.00"'
        )
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise PydanticCustomError("usd_type", 'must be USD as a string, such as "5.00"')
    if isinstance(value, str) and not _USD.fullmatch(value):
        raise PydanticCustomError(
            "usd_form",
            'must be USD as a decimal string such as "5.00", '
            "not negative and with at most nine decimals",
        )
    if isinstance(value, int) and value < 0:
        raise PydanticCustomError("usd_negative", "must not be negative")
    try:
        return Money.usd(value)
    except ValueError as error:
        raise PydanticCustomError("usd_range", "is more USD than can be held") from error


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("moment_type", "must be an ISO 8601 time as a string")
    try:
        moment = datetime.fromisoformat(value)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError(
            "moment_form", 'must be an ISO 8601 time such as "2027-01-01T00:00:00Z"'
        ) from error
    if moment.tzinfo is None:
        raise PydanticCustomError(
            "moment_zone", 'needs a time and its zone, such as "2027-01-01T00:00:00Z"'
        )
    return in_utc


def _moment_or_day(value: object) -> datetime:
    """In a query a date alone is its first moment in UTC."""
    is_day = isinstance(value, str) and _DATE.fullmatch(value)
    return _moment(f"{value}T00:00:00Z" if is_day else value)


Usd: TypeAlias = Annotated[
    Money,
    PlainValidator(_money),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^{_USD.pattern}$", "examples": ["5.00"]},
                {"type": "integer", "minimum": 0},
            ]
        }
    ),
]
Moment: TypeAlias = Annotated[datetime, BeforeValidator(_moment)]
MomentOrDay: TypeAlias = Annotated[datetime, BeforeValidator(_moment_or_day)]
Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
ModelPattern: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Models: TypeAlias = Annotated[
    list[ModelPattern],
    Field(min_length=1, max_length=100, description="Names or globs; null allows every model."),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for described in schema["properties"].values():
        described.pop("default", None)


class _Patch(_Body):
    """An absent field stays as it is, so none has a default to show; ``model_fields_set`` tells
    what was sent.
    """

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class Seconds(_Body):
    """A period of so many seconds."""

    seconds: int


def _period_kind(value: object) -> str:
    return ":unit" if isinstance(value, str) else ":seconds"


PeriodBody: TypeAlias = Annotated[
    Annotated[Literal["day", "week", "month"], Tag(":unit")] | Annotated[Seconds, Tag(":seconds")],
    Discriminator(_period_kind),
]


class BudgetBody(_Body):
    """A budget. ``limit_usd`` null is no limit; what is spent is counted by period all the same."""

    limit_usd: Usd | None
    period: PeriodBody | None = None
    time_zone: str | None = Field(None, max_length=64, description="For a day, week or month.")


class BudgetPatch(_Patch):
    """What is to change of a budget: absent fields stay, null clears."""

    limit_usd: Usd | None = None
    period: PeriodBody | None = None
    time_zone: str | None = Field(None, max_length=64)


class RateLimitBody(_Body):
    """Requests per window."""

    requests: int = Field(ge=1, le=1_000_000_000)
    per_s: float = Field(default=60, gt=0, le=RATE_WINDOW_S_MAX, allow_inf_nan=False)


class KeyBody(_Body):
    """A key to be made."""

    name: str
    budget: BudgetBody | None = None
    pouch: Id | None = Field(None, description="The pouch that the key's own is to lie in.")
    models: Models | None = None
    provider: Id | None = None
    rate_limit: RateLimitBody | None = None
    expires_at: Moment | None = None
    auto_renew: bool = False
    stream_cost: bool = Field(
        default=False, description="End every stream with a comment that tells its cost."
    )


class AllowanceBody(_Body):
    """A key to be minted by a key; what is absent is as that key has it, but for the budget."""

    name: str
    budget: BudgetBody | None = None
    models: Models | None = None
    provider: Id | None = None
    rate_limit: RateLimitBody | None = None
    expires_at: Moment | None = None


class KeyPatch(_Patch):
    """What is to change of a key: absent fields stay, null clears."""

    name: str = Field(default_factory=str)
    budget: BudgetPatch | None = None
    pouch: Id | None = None
    models: Models | None = None
    provider: Id | None = None
    rate_limit: RateLimitBody | None = None
    expires_at: Moment | None = None
    auto_renew: bool = Field(default_factory=bool)
    disabled: bool = Field(default_factory=bool)
    stream_cost: bool = Field(default_factory=bool)


class RotateBody(_Body):
    """How long the old secret lives on."""

    grace_s: int = Field(0, ge=0, le=GRACE_S_MAX)


class ResetBody(_Body):
    """Nothing to say."""


class ThawBody(_Body):
    """Nothing to say."""


class PouchBody(_Body):
    """A pouch to be made."""

    name: str
    budget: BudgetBody | None = None
    pouch: Id | None = Field(None, description="The pouch that it is to lie in.")


class PouchPatch(_Patch):
    """What is to change of a pouch: absent fields stay, null clears."""

    name: str = Field(default_factory=str)
    budget: BudgetPatch | None = None
    pouch: Id | None = None


class SessionBody(_Body):
    """Signs an administrator in."""

    token: str = Field(min_length=1, max_length=1_000)


class NoQuery(BaseModel):
    """No parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(NoQuery):
    """Which part of a list."""

    cursor: str | None = Field(None, min_length=1, max_length=200)
    limit: int = Field(50, ge=1, le=PAGE_MAX)


class LimitQuery(NoQuery):
    """How much of a list that has one page."""

    limit: int = Field(50, ge=1, le=PAGE_MAX)
