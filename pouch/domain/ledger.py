"""The ledger: what is spent and what is reserved, by pouch, durable before it is acknowledged.

For every pouch ``spent + reserved <= limit`` holds at every moment, but for an overrun that the
provider caused or a limit that an administrator lowered; both are recorded. Every movement is an
entry that nothing changes later; a pouch's balance is the sum of its entries. Every reservation
ends once: repeating a settlement or a release is a no-op that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pouch.domain.money import ZERO, Money
from pouch.domain.usage import Usage
from pouch.domain.value import value


class Evidence(StrEnum):
    """What the charge of a request rests on."""

    PROVIDER_USAGE = "provider_usage"
    """The provider reported usage; that usage is charged."""
    COUNTED = "counted"
    """The answer ended without usage; input and what was relayed were counted."""
    HELD_FULL = "held_full"
    """Sent, and nothing is known of what happened; the whole reservation is charged."""
    OVERRUN = "overrun"
    """The provider reported usage above the bound that it was sent; charged in full."""
    NOT_SENT = "not_sent"
    """It never reached the provider; nothing is charged."""
    REFUSED = "refused"
    """The provider answered with an error; nothing is charged."""
    FREE = "free"
    """The model costs nothing; nothing was reserved."""


@value
class Verdict:
    """What a request cost, and what that rests on."""

    evidence: Evidence
    cost: Money
    usage: Usage | None = None


@value
class RequestFacts:
    """What is known of a request when its reservation is made."""

    request_id: str
    key_id: str
    model: str
    provider: str
    endpoint: str
    stream: bool
    started_at: datetime
    price_source: str


@value
class Hold:
    """What to reserve: as much of ``most`` as fits, and nothing if less than ``least`` does."""

    id: str
    pouch_id: str
    least: Money
    most: Money
    facts: RequestFacts


@value
class Reservation:
    """An amount set aside in a pouch and every pouch around it.

    ``remaining`` is what could still be reserved after it: the least over those pouches, ``None``
    if none of them has a limit.
    """

    id: str
    pouch_id: str
    amount: Money
    remaining: Money | None


@value
class RequestOutcome:
    """How a request ended, for the request log. ``error`` is the code of the refusal, if any;
    ``reason`` its message, and ``refused_by`` the step that refused.

    ``steps`` are ``(name, seconds)``, innermost first; ``None`` where they are not known.
    """

    status: int
    latency_ms: int
    first_byte_ms: int | None
    usage: Usage | None
    evidence: Evidence
    error: str | None = None
    reason: str | None = None
    refused_by: str | None = None
    steps: Sequence[tuple[str, float]] | None = None


@value
class Settlement:
    """The end of a reservation: ``cost`` replaces it. Zero cost with ``NOT_SENT`` or ``REFUSED``
    releases it. ``cost`` may exceed the reservation only with ``OVERRUN``. ``delay_s`` is how long
    the store has not taken it.
    """

    reservation_id: str
    cost: Money
    outcome: RequestOutcome
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that reserved nothing: free, refused, or answered from memory.

    ``cost`` is what it cost without a reservation, which only a chain that is allowed to be
    unmetered can cause; no pouch is charged for it.
    """

    facts: RequestFacts
    outcome: RequestOutcome
    cost: Money = ZERO


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A place where the books do not balance."""

    what: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What ``verify`` looked at and found."""

    pouches: int
    entries: int
    reservations: int
    open_reservations: int
    discrepancies: Sequence[Discrepancy]


class Reserving(Protocol):
    """What a step may ask of the ledger: to set money aside, and to begin a period. A reservation
    is ended by the service alone.
    """

    async def reserve(self, hold: Hold) -> Reservation:
        """See ``Ledger``."""
        ...

    async def roll_over(self, pouch_id: str, *, due: datetime, next_reset: datetime) -> bool:
        """See ``Ledger``."""
        ...


class Ledger(Protocol):
    """Where money is kept. Every method raises ``StoreUnavailableError`` if nothing was changed
    because the store could not be written.
    """

    async def reserve(self, hold: Hold) -> Reservation:
        """Set money aside in the pouch and every pouch around it, or in none of them.

        Durable when it returns. If the caller is cancelled while it waits, nothing stays reserved.

        Raises:
            BudgetExceededError: a pouch has no room for ``hold.least``; its ``shortfall`` names the
                pouch that binds, ``required`` is ``hold.least``.
        """
        ...

    async def settle(self, settlement: Settlement) -> bool:
        """End a reservation; ``False`` if it had ended before, and then nothing changes."""
        ...

    async def settle_all(self, ends: Sequence[Settlement | RequestRecord]) -> None:
        """End reservations, and log requests that reserved nothing, all at once.

        What has ended or is logged stays as it is. So, if it raises, all may be tried again.
        """
        ...

    async def roll_over(self, pouch_id: str, *, due: datetime, next_reset: datetime) -> bool:
        """Begin the pouch's next period: what it has spent returns to zero, as an entry.

        ``False`` if its reset is not (or no longer) ``due``: whoever came first has done it.
        """
        ...

    async def reset(self, pouch_id: str, *, reason: str) -> bool:
        """Zero what a pouch has spent, as an entry; ``False`` if there is no such pouch."""
        ...

    async def refund(self, request_id: str, amount: Money | None, *, reason: str) -> Money:
        """Give back ``amount`` of what a request was charged, all that is left without one.

        Recorded whole. Each pouch that was charged gets an entry of what is taken out of its
        spending: nothing if a roll-over or a reset has zeroed the charge since, never more than it
        has spent. Answers what was given back.

        Raises:
            NotFoundError: no such request has ended.
            ConflictError: that much was not charged, or has been given back before.
        """
        ...

    async def adjust(self, pouch_id: str, spent: Money, *, reason: str) -> bool:
        """Correct what one pouch, and no other, has spent by ``spent``, which may be negative.

        ``False`` if there is no such pouch.

        Raises:
            ConflictError: it would have spent less than nothing, or stand above its limit.
        """
        ...

    async def recover(self) -> Sequence[str]:
        """Settle as ``held_full`` what holders that are surely dead left; the reservations' ids."""
        ...

    async def verify(self) -> Audit:
        """Compare every balance with its entries and every reservation with its end."""
        ...
