"""What the administration API answers.

Money is a decimal string of USD, exact; times are ISO 8601 in UTC with a Z; ids are opaque.
"""

from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pouch.api.admin.bodies import Seconds
from pouch.domain.key import KeyStatus, RateLimit
from pouch.domain.money import Money
from pouch.domain.period import Period
from pouch.domain.ports import StoredKey
from pouch.domain.pouch import Pouch
from pouch.domain.reports import LoggedRequest, OpenReservation, UsageRow
from pouch.domain.usage import Usage
from pouch.service.keys import IssuedKey, status_of

T = TypeVar("T")

UsdText: TypeAlias = Annotated[str, Field(examples=["5.00"], description="USD, exact.")]
TimeText: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
PeriodObject: TypeAlias = Literal["day", "week", "month"] | Seconds


class _Object(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listing(_Object, Generic[T]):
    """A slice of a list; ``next_cursor`` asks for the next one and is null at the end."""

    data: list[T]
    next_cursor: str | None


class PouchObject(_Object):
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


class RateLimitObject(_Object):
    """Requests per window."""

    requests: int
    per_s: float


class KeyObject(_Object):
    """A key, without its secret. ``parent_key`` is the key that minted it."""

    id: str
    name: str
    prefix: str
    status: KeyStatus
    created_at: TimeText
    last_used_at: TimeText | None
    frozen_reason: str | None
    frozen_until: TimeText | None
    expires_at: TimeText | None
    auto_renew: bool
    models: list[str] | None
    provider: str | None
    rate_limit: RateLimitObject | None
    stream_cost: bool
    parent_key: str | None
    pouch: PouchObject


class IssuedKeyObject(KeyObject):
    """A key with its secret: the only time that it is shown."""

    key: str


class UsageObject(_Object):
    """Tokens; the cached and reasoning ones are parts of the totals."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int


class RequestObject(_Object):
    """A request that has ended. ``reserved_usd`` is null where nothing was reserved;
    ``refunded_usd`` was given back of ``cost_usd``.
    """

    id: str
    key: str
    model: str
    provider: str
    endpoint: str
    stream: bool
    status: int
    started_at: TimeText
    latency_ms: int
    first_byte_ms: int | None
    reserved_usd: UsdText | None
    cost_usd: UsdText
    usage: UsageObject | None
    evidence: str
    price_source: str
    error: str | None
    refunded_usd: UsdText


class UsageTotal(_Object):
    """Totals of one day, key, model or provider, which ``by`` names."""

    by: str
    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: UsdText


class ReservationObject(_Object):
    """Money that is set aside now."""

    id: str
    request: str
    key: str
    pouch: str
    model: str
    provider: str
    amount_usd: UsdText
    started_at: TimeText
    age_s: float


class KeyList(Listing[KeyObject]):
    """Keys, newest first."""


class PouchList(Listing[PouchObject]):
    """Pouches, newest first."""


class RequestList(Listing[RequestObject]):
    """Requests that have ended, newest first."""


class UsageList(Listing[UsageTotal]):
    """Totals."""


class ReservationList(Listing[ReservationObject]):
    """Reservations that have not ended, oldest first."""


def time_text(moment: datetime) -> str:
    """``2027-01-01T00:00:00Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _optional_time(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


def _optional_usd(amount: Money | None) -> str | None:
    return None if amount is None else str(amount)


def pouch_object(pouch: Pouch) -> PouchObject:
    """A pouch as the API shows it."""
    return PouchObject(
        id=pouch.id,
        name=pouch.name,
        parent=pouch.parent_id,
        limit_usd=_optional_usd(pouch.limit),
        spent_usd=str(pouch.spent),
        reserved_usd=str(pouch.reserved),
        remaining_usd=_optional_usd(pouch.remaining),
        period=_period(pouch.period),
        time_zone=pouch.period.time_zone if pouch.period and pouch.period.unit else None,
        resets_at=_optional_time(pouch.resets_at),
    )


def key_object(stored: StoredKey, now: datetime) -> KeyObject:
    """A key as the API shows it."""
    key, rate = stored.key, stored.key.rate_limit
    freeze = key.frozen(now)
    return KeyObject(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        status=status_of(stored, now),
        created_at=time_text(key.created_at),
        last_used_at=_optional_time(stored.last_used_at),
        frozen_reason=freeze.reason if freeze else None,
        frozen_until=_optional_time(freeze.until) if freeze else None,
        expires_at=_optional_time(key.expires_at),
        auto_renew=key.auto_renew,
        models=None if key.models is None else list(key.models),
        provider=key.provider,
        rate_limit=None if rate is None else _rate_limit(rate),
        stream_cost=key.stream_cost,
        parent_key=key.parents[0].id if key.parents else None,
        pouch=pouch_object(stored.pouches[0]),
    )


def issued_key_object(issued: IssuedKey, now: datetime) -> IssuedKeyObject:
    """A key as it is shown once."""
    shown = key_object(issued.stored, now)
    return IssuedKeyObject(**dict(shown), key=issued.secret)


def request_object(logged: LoggedRequest) -> RequestObject:
    """A request as the API shows it."""
    return RequestObject(
        id=logged.id,
        key=logged.key_id,
        model=logged.model,
        provider=logged.provider,
        endpoint=logged.endpoint,
        stream=logged.stream,
        status=logged.status,
        started_at=time_text(logged.started_at),
        latency_ms=logged.latency_ms,
        first_byte_ms=logged.first_byte_ms,
        reserved_usd=_optional_usd(logged.reserved),
        cost_usd=str(logged.cost),
        usage=None if logged.usage is None else _usage(logged.usage),
        evidence=logged.evidence.value,
        price_source=logged.price_source,
        error=logged.error,
        refunded_usd=str(logged.refunded),
    )


def usage_total(row: UsageRow) -> UsageTotal:
    """Totals as the API shows them."""
    return UsageTotal(
        by=row.by,
        requests=row.requests,
        errors=row.errors,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=str(row.cost),
    )


def reservation_object(reservation: OpenReservation, now: datetime) -> ReservationObject:
    """An open reservation as the API shows it."""
    age = now - reservation.started_at
    return ReservationObject(
        id=reservation.id,
        request=reservation.request_id,
        key=reservation.key_id,
        pouch=reservation.pouch_id,
        model=reservation.model,
        provider=reservation.provider,
        amount_usd=str(reservation.amount),
        started_at=time_text(reservation.started_at),
        age_s=max(round(age.total_seconds(), 3), 0.0),
    )


def _rate_limit(limit: RateLimit) -> RateLimitObject:
    return RateLimitObject(requests=limit.requests, per_s=limit.per_s)


def _usage(usage: Usage) -> UsageObject:
    return UsageObject(
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


def _period(period: Period | None) -> PeriodObject | None:
    if period is None:
        return None
    if period.seconds is not None:
        return Seconds(seconds=period.seconds)
    assert period.unit is not None, "a period is a unit or seconds"
    return period.unit.value
