"""What an administrator can read back: requests, usage, open reservations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pouch.domain.ledger import Evidence
from pouch.domain.money import ZERO, Money
from pouch.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request that has ended. ``reserved`` is ``None`` where nothing was reserved.

    ``cost`` is what was charged; ``refunded`` is what was given back of it since.
    """

    id: str
    key_id: str
    model: str
    provider: str
    endpoint: str
    stream: bool
    status: int
    started_at: datetime
    latency_ms: int
    first_byte_ms: int | None
    reserved: Money | None
    cost: Money
    usage: Usage | None
    evidence: Evidence
    price_source: str
    error: str | None
    refunded: Money = ZERO


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests to list; ``None`` asks for nothing in particular. ``until`` is exclusive."""

    key_id: str | None = None
    model: str | None = None
    provider: str | None = None
    status: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """A slice of the log, newest first, and where the next one begins (``None`` at the end)."""

    items: Sequence[LoggedRequest]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Totals of one group: ``by`` is the day (``2026-01-31``, UTC), key id, model or provider.

    ``cost`` is what was charged; what was given back later is not taken off.
    """

    by: str
    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost: Money


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """Money that is set aside now."""

    id: str
    request_id: str
    key_id: str
    pouch_id: str
    model: str
    provider: str
    amount: Money
    started_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One movement of one pouch. ``spent`` and ``reserved`` are what it added, if negative took."""

    id: int
    request_id: str | None
    kind: str
    spent: Money
    reserved: Money
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EntryPage:
    """A slice of a pouch's entries, newest first; the next one begins before ``next_cursor``."""

    items: Sequence[LedgerEntry]
    next_cursor: int | None


class Reports(Protocol):
    """Reads for administrators; never waits for, nor delays, the ledger's writes."""

    async def request(self, request_id: str) -> LoggedRequest | None:
        """One request; ``None`` if there is none that has ended."""
        ...

    async def requests(
        self, wanted: RequestFilter, *, cursor: str | None, limit: int
    ) -> RequestPage:
        """Requests that have ended, newest first."""
        ...

    async def entries(self, pouch_id: str, *, cursor: int | None, limit: int) -> EntryPage:
        """The movements of a pouch, newest first."""
        ...

    async def usage(
        self, by: str, *, since: datetime | None, until: datetime | None
    ) -> Sequence[UsageRow]:
        """Totals grouped by ``day``, ``key``, ``model`` or ``provider``."""
        ...

    async def open_reservations(self, *, limit: int) -> Sequence[OpenReservation]:
        """Reservations that have not ended, oldest first."""
        ...
