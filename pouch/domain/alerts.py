"""Alerts: what an operator is told without asking, and how it reaches a webhook.

An alert is written in the transaction that caused it. Each webhook has a delivery of its own, which
is tried until it is taken or too many tries have failed; a receiver may get one twice, and knows it
by the alert's id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from pouch.domain.money import Money

THRESHOLDS: Final = (50, 80, 100)
# A settlement that the store took only after so long is worth an alert.
DELAY_S: Final = 30.0

Facts: TypeAlias = Mapping[str, str | int | None]
"""What an alert is about, for programs: ids, names, amounts as decimal USD."""


class AlertKind(StrEnum):
    """What has happened."""

    BUDGET_THRESHOLD = "budget_threshold"
    """A pouch has spent so many percent of its limit; once per period and threshold."""
    OVERRUN = "overrun"
    """A provider billed more than the bound that it was sent."""
    KEY_FROZEN = "key_frozen"
    """A key was frozen."""
    SETTLEMENT_FAILED = "settlement_failed"
    """A settlement waited long for the store, or its process died and it was charged in full."""


class DeliveryState(StrEnum):
    """How far the delivery of an alert to one webhook has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to be written. ``text`` is one sentence for people; it holds no secret."""

    kind: AlertKind
    text: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it was written."""

    id: str
    kind: AlertKind
    text: str
    facts: Facts
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An alert that one webhook is to get; whoever has claimed it makes try number ``attempt``."""

    alert: Alert
    target: str
    attempt: int


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of an alert at one webhook. ``error`` is why the last try failed."""

    target: str
    state: DeliveryState
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class LoggedAlert:
    """An alert, and how far its deliveries have come."""

    alert: Alert
    deliveries: Sequence[DeliveryReport]


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """A webhook as the store knows it: an opaque id, and the kinds of alerts that it gets."""

    id: str
    kinds: frozenset[AlertKind]


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Which thresholds (percent, rising) are told, and to whom each alert goes."""

    thresholds: tuple[int, ...] = THRESHOLDS
    targets: tuple[AlertTarget, ...] = ()

    def crossed(self, *, spent: int, limit: int, told: int) -> Iterator[int]:
        """The thresholds above ``told`` that ``spent`` of ``limit`` nano-dollars has reached."""
        for percent in self.thresholds:
            if percent > told and spent * 100 >= limit * percent:
                yield percent


class AlertLog(Protocol):
    """What administrators read back."""

    async def recent(self, *, limit: int) -> Sequence[LoggedAlert]:
        """The newest alerts, newest first."""
        ...


class AlertOutbox(AlertLog, Protocol):
    """Where alerts wait for their webhooks. Every method raises ``StoreUnavailableError``."""

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Delivery]:
        """Deliveries that are due, oldest first; for ``lease_s`` nobody else gets them."""
        ...

    async def delivered(self, delivery: Delivery) -> bool:
        """The webhook has taken it; ``False`` if it was claimed again meanwhile."""
        ...

    async def failed(self, delivery: Delivery, *, error: str, retry_at: datetime | None) -> bool:
        """The webhook has not taken it; without ``retry_at`` it is given up and kept as failed.

        ``False`` if it was claimed again meanwhile.
        """
        ...

    async def purge(self, *, before: datetime) -> int:
        """Forget alerts that are older; how many there were."""
        ...


class WebhookSender(Protocol):
    """Carries one message to a webhook."""

    async def send(self, target: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        """Why the webhook did not take it, in words that show no address; ``None`` if it did."""
        ...


def threshold_reached(
    *, pouch_id: str, pouch_name: str, percent: int, spent: Money, limit: Money
) -> NewAlert:
    """A pouch has spent ``percent`` of its limit."""
    return NewAlert(
        AlertKind.BUDGET_THRESHOLD,
        f"Pouch {pouch_name!r} has spent {spent} of {limit} USD: {percent} % of its budget.",
        {
            "pouch": pouch_id,
            "pouch_name": pouch_name,
            "percent": percent,
            "spent_usd": str(spent),
            "limit_usd": str(limit),
        },
    )


def overrun(
    *, request_id: str, key_id: str, model: str, provider: str, reserved: Money, cost: Money
) -> NewAlert:
    """A provider billed more than was reserved."""
    return NewAlert(
        AlertKind.OVERRUN,
        f"Provider {provider!r} billed {cost} USD for a request to {model!r} that it was told to "
        f"bound at {reserved} USD.",
        {
            "request": request_id,
            "key": key_id,
            "model": model,
            "provider": provider,
            "reserved_usd": str(reserved),
            "cost_usd": str(cost),
        },
    )


def key_frozen(*, key_id: str, key_name: str, reason: str, until: datetime | None) -> NewAlert:
    """A key was frozen."""
    end = "an administrator thaws it" if until is None else f"{until.isoformat()}"
    return NewAlert(
        AlertKind.KEY_FROZEN,
        f"Key {key_name!r} is frozen until {end}: {reason}.",
        {
            "key": key_id,
            "key_name": key_name,
            "reason": reason,
            "frozen_until": None if until is None else until.isoformat(),
        },
    )


def settlement_delayed(*, request_id: str, key_id: str, delay_s: float, cost: Money) -> NewAlert:
    """A settlement waited long for the store."""
    return NewAlert(
        AlertKind.SETTLEMENT_FAILED,
        f"The settlement of request {request_id} over {cost} USD failed for {delay_s:.0f} s before "
        "the store took it.",
        {
            "request": request_id,
            "key": key_id,
            "delay_s": round(delay_s),
            "cost_usd": str(cost),
        },
    )


def charged_in_full(*, reservations: int, amount: Money) -> NewAlert:
    """A process died before it had settled what it held."""
    return NewAlert(
        AlertKind.SETTLEMENT_FAILED,
        f"A process died with {reservations} open reservations; {amount} USD were charged in full.",
        {"reservations": reservations, "cost_usd": str(amount)},
    )
