"""Brings alerts from the outbox to the webhooks, apart from every request.

At least once: a process that dies between a webhook's answer and the note of it leaves the delivery
to whoever claims it when the lease is over. Receivers know a repetition by the alert's id.
"""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from pouch.domain.alerts import Alert, AlertOutbox, Delivery, WebhookSender
from pouch.domain.ports import Clock
from pouch.service.persistence import again_and_again

SIGNATURE: Final = "x-pouch-signature"
ALERT_ID: Final = "x-pouch-alert-id"
RETRY_FIRST_S: Final = 1.0
RETRY_MOST_S: Final = 3600.0
POLL_S: Final = 0.5
AT_ONCE_MAX: Final = 16
# Longer than a webhook may take.
LEASE_S: Final = 60.0
KEPT_FOR: Final = timedelta(days=30)
PURGE_EVERY_S: Final = 3600.0

_log = logging.getLogger("pouch.alerts")


@dataclass(frozen=True, slots=True)
class Webhook:
    """How messages to one webhook are written, and what signs them."""

    format: Literal["json", "slack"]
    secret: str | None = field(repr=False)


class AlertDelivery:
    """Delivers what is due. ``webhooks`` are by target."""

    def __init__(
        self,
        outbox: AlertOutbox,
        sender: WebhookSender,
        webhooks: Mapping[str, Webhook],
        clock: Clock,
        *,
        attempts_max: int,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._webhooks = webhooks
        self._clock = clock
        self._attempts_max = attempts_max
        self._purge_at = clock.monotonic()

    async def watch(self) -> None:
        """Deliver for ever. What the store does not tell now is looked for later."""
        what = "alerts wait for the store"
        await again_and_again(self._round, every_s=POLL_S, what=what, log=_log)

    async def _round(self) -> None:
        await self.deliver_due()
        await self._purge()

    async def deliver_due(self) -> int:
        """Deliver what is due now; how many deliveries were tried.

        Raises:
            StoreUnavailableError: what is due cannot be read, or what came of it not be noted.
        """
        tried = 0
        while claimed := await self._outbox.claim(limit=AT_ONCE_MAX, lease_s=LEASE_S):
            async with asyncio.TaskGroup() as group:
                outcomes = [group.create_task(self._send(delivery)) for delivery in claimed]
            for delivery, outcome in zip(claimed, outcomes, strict=True):
                await self._note(delivery, outcome.result())
            tried += len(claimed)
        return tried

    async def _send(self, delivery: Delivery) -> str | None:
        webhook = self._webhooks[delivery.target]
        body = body_of(delivery.alert, webhook.format)
        headers = {"content-type": "application/json", ALERT_ID: delivery.alert.id}
        if webhook.secret is not None:
            headers[SIGNATURE] = signature(body, webhook.secret, self._clock.now())
        return await self._sender.send(delivery.target, body, headers)

    async def _note(self, delivery: Delivery, error: str | None) -> None:
        alert, attempt = delivery.alert, delivery.attempt
        if error is None:
            await self._outbox.delivered(delivery)
            return
        if attempt >= self._attempts_max:
            _log.error(
                "alert %s is given up after %d tries at webhook %s: %s",
                alert.id,
                attempt,
                delivery.target,
                error,
            )
            await self._outbox.failed(delivery, error=error, retry_at=None)
            return
        pause = timedelta(seconds=retry_after_s(attempt))
        await self._outbox.failed(delivery, error=error, retry_at=self._clock.now() + pause)

    async def _purge(self) -> None:
        if self._clock.monotonic() < self._purge_at:
            return
        self._purge_at = self._clock.monotonic() + PURGE_EVERY_S
        await self._outbox.purge(before=self._clock.now() - KEPT_FOR)


def retry_after_s(attempt: int) -> float:
    """How long after try number ``attempt`` the next is made: 1, 2, 4 seconds, up to an hour."""
    return min(RETRY_FIRST_S * 2.0 ** (attempt - 1), RETRY_MOST_S)


def body_of(alert: Alert, form: Literal["json", "slack"]) -> bytes:
    """The message as a webhook takes it."""
    if form == "slack":
        return json.dumps({"text": _escaped(alert.text)}).encode()
    content = {
        "id": alert.id,
        "type": alert.kind.value,
        "created_at": alert.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "text": alert.text,
        "data": alert.facts,
    }
    return json.dumps(content).encode()


def signature(body: bytes, secret: str, now: datetime) -> str:
    """``t=<unix seconds>,v1=<hex>``: HMAC-SHA256 of ``"<t>.<body>"``."""
    at = int(now.timestamp())
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


def _escaped(text: str) -> str:
    """Slack reads commands, such as a mention of everyone, out of these three characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
