"""Alerts reach their webhooks, however often that takes, and nobody else's time."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from pouch.domain.alerts import Alert, AlertKind, Delivery, LoggedAlert
from pouch.domain.errors import StoreUnavailableError
from pouch.service.alerts import KEPT_FOR, AlertDelivery, Webhook, retry_after_s
from tests.fakes.clock import START, FakeClock

SECRET = "a-secret-of-the-receiver"
ALERT = Alert("alert_1", AlertKind.OVERRUN, "It's <!channel> & more.", {"cost_usd": "1.00"}, START)


@dataclass
class _Waiting:
    delivery: Delivery
    due_at: datetime


class FakeOutbox:
    """One process's; ``down`` makes every call fail."""

    def __init__(self, clock: FakeClock, *targets: str) -> None:
        self._clock = clock
        self.waiting = [_Waiting(Delivery(ALERT, target, 0), clock.now()) for target in targets]
        self.done: list[str] = []
        self.given_up: list[str] = []
        self.purged_before: datetime | None = None
        self.down = False

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Delivery]:
        self._check()
        now = self._clock.now()
        due = [waiting for waiting in self.waiting if waiting.due_at <= now][:limit]
        for waiting in due:
            waiting.delivery = replace(waiting.delivery, attempt=waiting.delivery.attempt + 1)
            waiting.due_at = now + timedelta(seconds=lease_s)
        return [waiting.delivery for waiting in due]

    async def delivered(self, delivery: Delivery) -> bool:
        self._check()
        self.done.append(delivery.target)
        self._remove(delivery)
        return True

    async def failed(self, delivery: Delivery, *, error: str, retry_at: datetime | None) -> bool:
        self._check()
        if retry_at is None:
            self.given_up.append(error)
            self._remove(delivery)
        else:
            [waiting] = [w for w in self.waiting if w.delivery == delivery]
            waiting.due_at = retry_at
        return True

    async def purge(self, *, before: datetime) -> int:
        self._check()
        self.purged_before = before
        return 0

    async def recent(self, *, limit: int) -> Sequence[LoggedAlert]:
        raise NotImplementedError

    def _remove(self, delivery: Delivery) -> None:
        self.waiting = [w for w in self.waiting if w.delivery != delivery]

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailableError("the store is down")


class FakeSender:
    """Remembers what was sent; ``error`` is why nothing is taken."""

    def __init__(self) -> None:
        self.error: str | None = None
        self.sent: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def send(self, target: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        self.sent.append((target, body, headers))
        return self.error


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()


def delivery_of(
    outbox: FakeOutbox, sender: FakeSender, clock: FakeClock, *, attempts_max: int = 3
) -> AlertDelivery:
    webhooks = {"json": Webhook("json", SECRET), "slack": Webhook("slack", None)}
    return AlertDelivery(outbox, sender, webhooks, clock, attempts_max=attempts_max)


async def test_an_alert_is_delivered_once(clock: FakeClock, sender: FakeSender) -> None:
    outbox = FakeOutbox(clock, "json", "slack")
    delivery = delivery_of(outbox, sender, clock)
    assert await delivery.deliver_due() == 2
    clock.advance(86_400)
    assert await delivery.deliver_due() == 0
    assert outbox.done == ["json", "slack"]


async def test_a_receiver_can_verify_the_signature(clock: FakeClock, sender: FakeSender) -> None:
    await delivery_of(FakeOutbox(clock, "json"), sender, clock).deliver_due()
    [(_, body, headers)] = sender.sent
    at = int(clock.now().timestamp())
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-pouch-signature"] == f"t={at},v1={expected}"
    assert headers["x-pouch-alert-id"] == "alert_1"
    assert json.loads(body) == {
        "id": "alert_1",
        "type": "overrun",
        "created_at": "2026-01-15T12:00:00Z",
        "text": "It's <!channel> & more.",
        "data": {"cost_usd": "1.00"},
    }


async def test_slack_gets_a_text_that_commands_nothing(
    clock: FakeClock, sender: FakeSender
) -> None:
    await delivery_of(FakeOutbox(clock, "slack"), sender, clock).deliver_due()
    [(_, body, headers)] = sender.sent
    assert json.loads(body) == {"text": "It's &lt;!channel&gt; &amp; more."}
    assert "x-pouch-signature" not in headers


async def test_what_is_not_taken_is_tried_again_ever_later_and_then_given_up(
    clock: FakeClock, sender: FakeSender
) -> None:
    outbox = FakeOutbox(clock, "json")
    delivery = delivery_of(outbox, sender, clock)
    sender.error = "it answered 500"
    assert await delivery.deliver_due() == 1
    for pause_s in (1, 2):
        assert await delivery.deliver_due() == 0
        clock.advance(pause_s)
        assert await delivery.deliver_due() == 1
    assert outbox.given_up == ["it answered 500"]
    clock.advance(86_400)
    assert await delivery.deliver_due() == 0


async def test_what_is_taken_at_last_is_done(clock: FakeClock, sender: FakeSender) -> None:
    outbox = FakeOutbox(clock, "json")
    delivery = delivery_of(outbox, sender, clock)
    sender.error = "it cannot be reached"
    await delivery.deliver_due()
    sender.error = None
    clock.advance(1)
    await delivery.deliver_due()
    assert outbox.done == ["json"]


def test_the_tries_reach_over_eight_hours_and_pause_an_hour_at_most() -> None:
    pauses = [retry_after_s(attempt) for attempt in range(1, 20)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 3600
    assert sum(pauses) > 8 * 3600


async def test_the_watch_goes_on_when_the_store_is_back(
    clock: FakeClock, sender: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pouch.service.alerts.POLL_S", 0)
    outbox = FakeOutbox(clock, "json")
    outbox.down = True
    watching = asyncio.create_task(delivery_of(outbox, sender, clock).watch())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not watching.done()
    outbox.down = False
    async with asyncio.timeout(5):
        while outbox.purged_before is None:
            await asyncio.sleep(0)
    assert outbox.done == ["json"]
    assert outbox.purged_before == START - KEPT_FOR
    watching.cancel()
    await asyncio.wait([watching])


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(Webhook("json", SECRET))
