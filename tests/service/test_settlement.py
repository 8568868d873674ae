"""Settlements, with a ledger that remembers and a background that the test runs by hand."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, cast

import pytest

from pouch.domain.chat import ChatBody
from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import Evidence, Ledger, RequestRecord, Reservation, Settlement
from pouch.domain.meter import Meter
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Request, Route
from pouch.domain.plugin import BuiltProvider
from pouch.domain.pricing import Price, Rates
from pouch.domain.usage import Usage
from pouch.service.live import LiveRequests
from pouch.service.settlement import DisconnectPolicy, Ending, Settlements
from pouch.service.verdicts import judge
from tests.fakes.chat import a_body, a_request
from tests.fakes.clock import FakeClock
from tests.fakes.mock_upstream import MockUpstream

# One nano-dollar a token.
PRICE = Price(Rates(input=1_000_000, output=1_000_000), source="test")
HIDDEN = Price(PRICE.rates, source="test", hidden_reasoning=True)
FREE = Price(Rates(input=0, output=0), source="test")
HELD = Reservation("req-1.1", "pch-1", Money(1000), remaining=Money(5000))


class RecordingLedger:
    """Settles and records; fails the first ``failures`` times. ``writes``: how much in each."""

    def __init__(self, failures: int = 0) -> None:
        self.settled: list[Settlement] = []
        self.recorded: list[RequestRecord] = []
        self.writes: list[int] = []
        self._failures = failures

    async def settle_all(self, ends: Sequence[Settlement | RequestRecord]) -> None:
        if self._failures:
            self._failures -= 1
            raise StoreUnavailableError("busy")
        self.writes.append(len(ends))
        self.settled += [end for end in ends if isinstance(end, Settlement)]
        self.recorded += [end for end in ends if isinstance(end, RequestRecord)]


class Queue:
    """A background whose work runs when the test says so."""

    def __init__(self) -> None:
        self._work: list[Coroutine[Any, Any, None]] = []

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        self._work.append(work)

    async def run(self) -> None:
        while self._work:
            await self._work.pop(0)


class WordCounter:
    """Ten tokens in; out, a token a word."""

    def input_bound(self, body: ChatBody, *, model: str, context_window: int | None) -> int:
        return body.size_bytes

    async def input_tokens(
        self, body: ChatBody, *, model: str, encoding: str, context_window: int | None
    ) -> int:
        return 10

    async def text_tokens(self, text: str, *, encoding: str) -> int:
        return len(text.split())

    async def exact_tokens(self, texts: Sequence[str], *, encoding: str) -> Sequence[int] | None:
        raise NotImplementedError


class Hanging:
    """An exchange that is still under way; reading on would bring ``usage``."""

    def __init__(self, meter: Meter, usage: Usage | None = None) -> None:
        self._meter = meter
        self._usage = usage
        self.drained: bool | None = None

    async def finish(self, *, wait_s: float, drain: bool) -> None:
        self.drained = drain
        if drain:
            self._meter.usage = self._usage

    def abort(self) -> None:
        raise NotImplementedError


class Desk:
    """Settlements with all their surroundings."""

    def __init__(self, *, drain: bool = False, failures: int = 0) -> None:
        self.ledger = RecordingLedger(failures)
        self.queue = Queue()
        self.clock = FakeClock()
        upstream = MockUpstream()
        built = {"mock": BuiltProvider(upstream.provider, upstream.transport)}
        self.live = LiveRequests(self.clock)
        self.settlements = Settlements(
            cast(Ledger, self.ledger),
            WordCounter(),
            built,
            self.queue,
            self.clock,
            DisconnectPolicy(drain=drain, drain_s=30),
            self.live,
        )

    async def settled(self, request: Request, ending: Ending) -> Settlement:
        self.settlements.later(request, ending)
        await self.queue.run()
        [settlement] = self.ledger.settled
        return settlement


def a_paid_request(price: Price = PRICE, **meter: Any) -> Request:
    request = a_request(body=a_body(stream=True), route=Route("mock", "mock", "mock", price=price))
    for name, value in {"reservation": HELD, "sent": True, **meter}.items():
        setattr(request.meter, name, value)
    return request


GONE = Ending(200, "client_gone", whole=False)
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"one two three "}}]}\n\n'


async def test_usage_replaces_the_reservation() -> None:
    request = a_paid_request(status=200, usage=Usage(input_tokens=7, output_tokens=5))
    settlement = await Desk().settled(request, Ending(200))
    assert settlement.reservation_id == HELD.id
    assert settlement.cost == Money(12)
    assert settlement.outcome.evidence is Evidence.PROVIDER_USAGE


async def test_usage_above_the_reservation_is_an_overrun_in_full() -> None:
    request = a_paid_request(status=200, usage=Usage(output_tokens=1001))
    settlement = await Desk().settled(request, Ending(200))
    assert (settlement.cost, settlement.outcome.evidence) == (Money(1001), Evidence.OVERRUN)


async def test_a_stream_that_the_client_left_is_broken_off_and_counted() -> None:
    request = a_paid_request(status=200, streamed=True)
    request.meter.keep(EVENT, lambda raw: raw.decode())
    exchange = request.meter.exchange = Hanging(request.meter)
    settlement = await Desk().settled(request, GONE)
    assert exchange.drained is False
    assert (settlement.cost, settlement.outcome.evidence) == (Money(13), Evidence.COUNTED)
    assert settlement.outcome.usage == Usage(input_tokens=10, output_tokens=3)


async def test_a_stream_of_hidden_reasoning_is_read_on_for_its_usage() -> None:
    request = a_paid_request(HIDDEN, status=200, streamed=True)
    exchange = request.meter.exchange = Hanging(request.meter, Usage(output_tokens=400))
    settlement = await Desk().settled(request, GONE)
    assert exchange.drained is True
    assert (settlement.cost, settlement.outcome.evidence) == (
        Money(400),
        Evidence.PROVIDER_USAGE,
    )


async def test_hidden_reasoning_without_usage_is_charged_in_full() -> None:
    request = a_paid_request(HIDDEN, status=200, streamed=True)
    request.meter.exchange = Hanging(request.meter, None)
    settlement = await Desk().settled(request, GONE)
    assert (settlement.cost, settlement.outcome.evidence) == (HELD.amount, Evidence.HELD_FULL)


async def test_the_policy_can_read_every_stream_on() -> None:
    request = a_paid_request(status=200, streamed=True)
    exchange = request.meter.exchange = Hanging(request.meter, Usage(output_tokens=64))
    settlement = await Desk(drain=True).settled(request, GONE)
    assert exchange.drained is True
    assert settlement.cost == Money(64)


async def test_a_count_is_never_above_the_reservation() -> None:
    request = a_paid_request(status=200, streamed=True)
    request.meter.keep(EVENT.replace(b"one", b"one " * 2000), lambda raw: raw.decode())
    settlement = await Desk().settled(request, GONE)
    assert (settlement.cost, settlement.outcome.evidence) == (HELD.amount, Evidence.COUNTED)


@pytest.mark.parametrize(
    ("meter", "evidence", "cost"),
    [
        ({"sent": False}, Evidence.NOT_SENT, ZERO),
        ({"status": 429}, Evidence.REFUSED, ZERO),
        ({"status": 503}, Evidence.REFUSED, ZERO),
        ({"status": 302}, Evidence.REFUSED, ZERO),
        ({"status": 200, "strange": True}, Evidence.REFUSED, ZERO),
        ({"status": None}, Evidence.HELD_FULL, HELD.amount),
        ({"status": 200}, Evidence.HELD_FULL, HELD.amount),
        ({"status": 200, "streamed": True, "uncountable": True}, Evidence.HELD_FULL, HELD.amount),
    ],
)
async def test_what_is_not_known_is_charged_in_full_and_what_was_refused_not_at_all(
    meter: dict[str, Any], evidence: Evidence, cost: Money
) -> None:
    settlement = await Desk().settled(a_paid_request(**meter), GONE)
    assert (settlement.outcome.evidence, settlement.cost) == (evidence, cost)


async def test_a_free_request_is_recorded_and_charged_to_no_one() -> None:
    desk = Desk()
    request = a_paid_request(FREE, reservation=None, status=200, usage=Usage(output_tokens=5))
    desk.settlements.later(request, Ending(200))
    await desk.queue.run()
    [record] = desk.ledger.recorded
    assert (record.outcome.evidence, record.cost) == (Evidence.FREE, ZERO)
    assert record.outcome.usage == Usage(output_tokens=5)
    assert not desk.ledger.settled


async def test_a_refused_request_is_recorded_with_its_code() -> None:
    desk = Desk()
    desk.settlements.later(
        a_paid_request(sent=False, reservation=None), Ending(402, "budget_exceeded", whole=False)
    )
    await desk.queue.run()
    [record] = desk.ledger.recorded
    assert (record.outcome.status, record.outcome.error) == (402, "budget_exceeded")
    assert record.outcome.evidence is Evidence.NOT_SENT


async def test_a_store_that_is_busy_is_asked_until_it_takes_the_settlement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", pause)
    request = a_paid_request(status=200, usage=Usage(output_tokens=5))
    settlement = await Desk(failures=13).settled(request, Ending(200))
    assert settlement.cost == Money(5)
    assert len(pauses) == 12
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5


async def test_a_settlement_says_how_long_the_store_has_not_taken_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(failures=4)

    async def pause(seconds: float) -> None:
        desk.clock.advance(20)

    monkeypatch.setattr(asyncio, "sleep", pause)
    request = a_paid_request(status=200, usage=Usage(output_tokens=5))
    assert (await desk.settled(request, Ending(200))).delay_s == 60


def test_an_unknown_cost_is_not_guessed_at_once() -> None:
    assert judge(a_paid_request(status=200, streamed=True)) is None
