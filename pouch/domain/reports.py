"""What an administrator can read back: requests, usage, keys, pouches, open reservations.

A page's cursor names the last item of the page before. One that names nothing that has ever been
in the list is refused with an ``InvalidRequestError``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pouch.domain.key_report import KeyFilter, PouchFilter, PouchPage, PouchView
from pouch.domain.ledger import Evidence
from pouch.domain.money import ZERO, Money
from pouch.domain.ports import Page
from pouch.domain.usage import Usage
from pouch.domain.usage_report import Overview, UsagePage, UsageQuestion


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request that has ended. ``reserved`` is ``None`` where nothing was reserved.

    ``cost`` is what was charged; ``refunded`` is what was given back of it since. ``key_name`` is
    the name that the key has now.
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
    key_name: str | None = None


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests to list; ``None`` asks for nothing in particular. ``until`` is exclusive.

    ``error`` is a code; ``failed`` asks for a status of 400 or more, or for none such.
    """

    key_id: str | None = None
    model: str | None = None
    provider: str | None = None
    status: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    evidence: Evidence | None = None
    error: str | None = None
    failed: bool | None = None
    stream: bool | None = None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """A slice of the log, newest first, and where the next one begins (``None`` at the end)."""

    items: Sequence[LoggedRequest]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class StepTime:
    """How long a step took, the steps inside it included, and without them."""

    name: str
    seconds: float
    own_seconds: float


@dataclass(frozen=True, slots=True)
class Movement:
    """What a reservation did to one of its pouches; see ``LedgerEntry``."""

    pouch_id: str
    pouch_name: str
    kind: str
    spent: Money
    reserved: Money
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reservation of a request, and everything that it moved, in order."""

    reservation_id: str
    state: str
    provider: str
    model: str
    reserved: Money
    cost: Money | None
    evidence: Evidence | None
    price_source: str
    started_at: datetime
    ended_at: datetime | None
    movements: Sequence[Movement]


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that was given back for a request."""

    amount: Money
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RequestStory:
    """All that is known of a request. ``steps`` are those that it entered, outermost first, and
    ``None`` where its process died before it could tell; ``reason`` is the message of the refusal,
    and ``refused_by`` the step it came from.
    """

    logged: LoggedRequest
    reason: str | None
    refused_by: str | None
    steps: Sequence[StepTime] | None
    attempts: Sequence[Attempt]
    refunds: Sequence[Refund]


@dataclass(frozen=True, slots=True)
class StepFigures:
    """One step over many requests: ``times`` of each call, and how often it refused."""

    name: str
    times: Sequence[StepTime]
    refusals: int


@dataclass(frozen=True, slots=True)
class StepReport:
    """Steps by the newest requests: how many that is, and since when."""

    requests: int
    since: datetime | None
    steps: Sequence[StepFigures]


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

    async def story(self, request_id: str) -> RequestStory | None:
        """Everything about one request; ``None`` if there is none that has ended."""
        ...

    async def step_times(self, *, limit: int = 1000) -> StepReport:
        """The steps of the newest requests that have ended, outermost first."""
        ...

    async def usage(self, question: UsageQuestion, *, cursor: int | None, limit: int) -> UsagePage:
        """Sums of requests, ``limit`` values of ``question.by`` at most."""
        ...

    async def overview(self, now: datetime) -> Overview:
        """What the first page shows."""
        ...

    async def knows_key(self, key_id: str) -> bool:
        """There is such a key, or there was one."""
        ...

    async def keys(
        self, wanted: KeyFilter, *, now: datetime, cursor: str | None, limit: int
    ) -> Page:
        """Keys that are not revoked; their status is that of ``now``."""
        ...

    async def pouches(self, wanted: PouchFilter, *, cursor: str | None, limit: int) -> PouchPage:
        """Pouches, those that keys own among them."""
        ...

    async def pouch(self, pouch_id: str) -> PouchView | None:
        """One pouch; ``None`` if there is none."""
        ...

    async def open_reservations(self, *, limit: int) -> Sequence[OpenReservation]:
        """Reservations that have not ended, oldest first."""
        ...
