"""How each refusal looks on the wire: one table, rendered as JSON or as a server-sent event.

Nothing below the API knows a status code; nothing above it makes an error body.
"""

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException

from pouch.domain import errors

CLIENT_GONE: Final = (499, "client_gone")
# The message of a cancellation by which the server, stopping, ends what has not ended by itself.
CUT: Final = "the server stops"

_log = logging.getLogger("pouch.api")


@dataclass(frozen=True, slots=True)
class Wire:
    """A row of the table: HTTP status, OpenAI's ``type`` and ``code``, and whether to retry."""

    status: int
    type: str
    code: str
    retry: bool | None = None


TABLE: Final[Mapping[type[errors.PouchError], Wire]] = {
    errors.InvalidRequestError: Wire(400, "invalid_request_error", "invalid_request_error"),
    errors.BodyTooLargeError: Wire(413, "invalid_request_error", "request_too_large"),
    errors.AuthenticationError: Wire(401, "authentication_error", "invalid_api_key"),
    errors.PermissionDeniedError: Wire(403, "permission_error", "permission_denied"),
    errors.KeyDisabledError: Wire(403, "permission_error", "key_disabled"),
    errors.KeyExpiredError: Wire(403, "permission_error", "key_expired"),
    errors.KeyFrozenError: Wire(403, "permission_error", "key_frozen"),
    errors.ModelNotAllowedError: Wire(403, "permission_error", "model_not_allowed"),
    errors.RightsExceededError: Wire(403, "permission_error", "rights_exceeded"),
    errors.NotFoundError: Wire(404, "invalid_request_error", "not_found"),
    errors.ModelNotFoundError: Wire(404, "invalid_request_error", "model_not_found"),
    errors.ConflictError: Wire(409, "invalid_request_error", "conflict"),
    errors.IdempotencyKeyReusedError: Wire(
        409, "invalid_request_error", "idempotency_key_reused", retry=False
    ),
    errors.IdempotencyInProgressError: Wire(
        409, "invalid_request_error", "idempotency_in_progress", retry=True
    ),
    errors.AnswerNotKeptError: Wire(
        409, "invalid_request_error", "idempotency_answer_not_kept", retry=False
    ),
    errors.PaymentRequiredError: Wire(402, "billing_error", "payment_required", retry=False),
    errors.BudgetExceededError: Wire(402, "billing_error", "budget_exceeded", retry=False),
    errors.CostCeilingError: Wire(402, "billing_error", "max_cost_exceeded", retry=False),
    errors.ModelNotPricedError: Wire(402, "billing_error", "model_not_priced", retry=False),
    errors.RateLimitError: Wire(429, "rate_limit_error", "rate_limit_exceeded"),
    # Nobody shall send again at once what an administrator has just stopped.
    errors.StoppedError: Wire(503, "api_error", "stopped_by_administrator", retry=False),
    errors.UpstreamError: Wire(502, "api_error", "upstream_error"),
    errors.UpstreamTimeoutError: Wire(504, "api_error", "upstream_timeout"),
    errors.UnavailableError: Wire(503, "api_error", "unavailable"),
    errors.StoreUnavailableError: Wire(503, "api_error", "store_unavailable"),
    errors.OverloadedError: Wire(503, "api_error", "overloaded"),
    errors.DrainingError: Wire(503, "api_error", "draining"),
}
_BUG: Final = Wire(500, "api_error", "internal_error")
# What Sanic itself refuses, before or outside any handler.
_BY_STATUS: Final[Mapping[int, Wire]] = {
    400: Wire(400, "invalid_request_error", "invalid_request_error"),
    404: Wire(404, "invalid_request_error", "not_found"),
    405: Wire(405, "invalid_request_error", "method_not_allowed"),
    408: Wire(408, "invalid_request_error", "request_timeout"),
    413: Wire(413, "invalid_request_error", "request_too_large"),
    417: Wire(417, "invalid_request_error", "expectation_failed"),
    503: Wire(503, "api_error", "unavailable"),
}


def describe(error: BaseException) -> tuple[int, str]:
    """The status and code by which a client learns of ``error``; 499 where there is no client."""
    if isinstance(error, asyncio.CancelledError) and error.args != (CUT,):
        return CLIENT_GONE
    wire = _wire(error)
    return wire.status, wire.code


def render(error: BaseException) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and JSON body."""
    wire = _wire(error)
    headers = {}
    if wire.retry is not None:
        headers["x-should-retry"] = "true" if wire.retry else "false"
    if isinstance(error, errors.RateLimitError):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
        headers["x-ratelimit-limit-requests"] = str(error.limit)
        headers["x-ratelimit-remaining-requests"] = "0"
        headers["x-ratelimit-reset-requests"] = f"{error.retry_after_s:.3f}s"
    elif isinstance(error, (errors.UnavailableError, errors.IdempotencyInProgressError)):
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    elif isinstance(error, errors.AuthenticationError):
        headers["www-authenticate"] = "Bearer"
    return wire.status, headers, body_of(error)


def body_of(error: BaseException) -> bytes:
    """``{"error": {"message", "type", "code", "param"}}``; a 402 adds the pouch that binds,
    a frozen key why and until when.
    """
    wire = _wire(error)
    content: dict[str, object] = {
        "message": _message(error),
        "type": wire.type,
        "code": wire.code,
        "param": getattr(error, "param", None),
    }
    if isinstance(error, errors.BudgetExceededError):
        content |= _shortfall(error.shortfall)
    elif isinstance(error, errors.CostCeilingError):
        content |= {
            "max_cost": str(error.ceiling),
            "required": str(error.required),
            "largest_max_output_tokens": error.largest_max_output_tokens,
        }
    elif isinstance(error, errors.KeyFrozenError):
        content |= {"reason": error.reason, "frozen_until": _time(error.until)}
    return msgspec.json.encode({"error": content})


def event_of(error: BaseException) -> bytes:
    """The error as one server-sent event, for a stream that has begun."""
    return b"data: " + body_of(error) + b"\n\n"


def forget_frames(error: BaseException | None) -> None:
    """Let go of what the frames hold that ``error`` came through: whole bodies.

    A frame and an exception that hold each other stay until Python looks for cycles, and that a
    hundred refused requests of any size may not bring about.
    """
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def install(app: "Sanic[Any, Any]") -> None:
    """Render every exception, on every path, through the table."""

    # Cancelled before anything was sent, by Sanic or by the drain, a request still gets an answer.
    @app.exception(asyncio.CancelledError)  # type: ignore[arg-type]
    @app.exception(Exception)
    async def on_exception(request: Request, error: BaseException) -> HTTPResponse:
        return answer(request, error)


def answer(request: Request, error: BaseException) -> HTTPResponse:
    """The error as the answer to ``request``."""
    if _wire(error) is _BUG:
        _log.error("unexpected error", exc_info=error)
    elif isinstance(error, errors.StoreUnavailableError) and error.__cause__ is not None:
        _log.warning("the store cannot be used: %s", error.why)
    forget_frames(error)
    status, headers, body = render(error)
    if request_id := getattr(request.ctx, "request_id", None):
        headers["x-request-id"] = request_id
    return HTTPResponse(body, status, headers, "application/json")


def _wire(error: BaseException) -> Wire:
    for kind in type(error).__mro__:
        if kind in TABLE:
            return TABLE[kind]
    if isinstance(error, asyncio.CancelledError):
        return TABLE[errors.DrainingError]
    if isinstance(error, SanicException):
        return _BY_STATUS.get(error.status_code, _BUG)
    return _BUG


def _message(error: BaseException) -> str:
    if isinstance(error, (errors.PouchError, SanicException)):
        return str(error) or "The request was refused."
    if isinstance(error, asyncio.CancelledError):
        return "The server shut down before the answer came."
    return "The gateway made a mistake; the request was not completed."


def _shortfall(shortfall: errors.Shortfall) -> dict[str, object]:
    return {
        "pouch": {"id": shortfall.pouch_id, "name": shortfall.pouch_name},
        "limit": str(shortfall.limit),
        "spent": str(shortfall.spent),
        "reserved": str(shortfall.reserved),
        "required": str(shortfall.required),
        "resets_at": _time(shortfall.resets_at),
        "largest_max_output_tokens": shortfall.largest_max_output_tokens,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
