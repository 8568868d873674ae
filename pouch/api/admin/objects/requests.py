"""Requests as the API shows them."""

from pouch.api.admin.objects import Listing, Shape, TimeText, UsdText, optional_usd, time_text
from pouch.domain.reports import LoggedRequest
from pouch.domain.usage import Usage


class UsageObject(Shape):
    """Tokens; the cached and reasoning ones are parts of the totals."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int


class RequestObject(Shape):
    """A request that has ended. ``reserved_usd`` is null where nothing was reserved;
    ``refunded_usd`` was given back of ``cost_usd``; ``key_name`` is the name that the key has now.
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
    key_name: str | None


class RequestList(Listing[RequestObject]):
    """Requests that have ended, newest first."""


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
        reserved_usd=optional_usd(logged.reserved),
        cost_usd=str(logged.cost),
        usage=None if logged.usage is None else _usage(logged.usage),
        evidence=logged.evidence.value,
        price_source=logged.price_source,
        error=logged.error,
        refunded_usd=str(logged.refunded),
        key_name=logged.key_name,
    )


def _usage(usage: Usage) -> UsageObject:
    return UsageObject(
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )
