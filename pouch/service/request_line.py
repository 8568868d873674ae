"""The line that each request leaves in the log."""

import logging
from typing import Final

from pouch.domain.ledger import RequestOutcome, Verdict
from pouch.domain.pipeline import Request

_requests = logging.getLogger("pouch.requests")
# What the lines of all requests share.
_LINE: Final = vars(logging.LogRecord(_requests.name, logging.INFO, "", 0, "request", None, None))


def log_request(request: Request, verdict: Verdict, outcome: RequestOutcome, at: float) -> None:
    """One structured line per request, after its settlement. ``at``: seconds since 1970."""
    if not _requests.isEnabledFor(logging.INFO):
        return
    reservation = request.meter.reservation
    fields = {
        "id": request.id,
        "key": request.key.id,
        "model": request.route.alias,
        "provider": request.route.provider,
        "stream": request.body.stream,
        "status": outcome.status,
        "error": outcome.error,
        "latency_ms": outcome.latency_ms,
        "first_byte_ms": outcome.first_byte_ms,
        "reserved_usd": str(reservation.amount) if reservation else None,
        "cost_usd": str(verdict.cost),
        "evidence": verdict.evidence.value,
    }
    _requests.handle(_record(fields, at))


def _record(fields: dict[str, object], created: float) -> logging.LogRecord:
    """As Logger.info makes it, in a sixth of the time: only what differs is worked out."""
    record = object.__new__(logging.LogRecord)
    record.__dict__ = {**_LINE, "created": created, "msecs": created % 1 * 1000, "fields": fields}
    return record
