"""The register of requests at work, and what it says of each."""

import asyncio
from typing import cast

import pytest

from pouch.domain.errors import ConflictError, PouchError, StoppedError
from pouch.domain.ledger import Reservation
from pouch.domain.live import Phase
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Handler, Request, Response, Route
from pouch.domain.pricing import Price, Rates
from pouch.domain.usage import Usage
from pouch.service.live import LiveRequests
from pouch.service.proxy import ProxyService
from pouch.service.settlement import Ending, Settlements
from tests.fakes.chat import a_body, a_request
from tests.fakes.clock import FakeClock

# A dollar per million tokens each way, so that a token costs a thousand nano-dollars.
PRICE = Price(Rates(input=1_000_000_000, output=1_000_000_000), source="test")
HELD = Reservation("res-1", "pouch-1", Money(5_000_000), None)
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"twelve chars"}}]}\n\n'


def register(clock: FakeClock | None = None) -> LiveRequests:
    return LiveRequests(clock or FakeClock())


def a_paid_request(price: Price | None = PRICE) -> Request:
    return a_request(body=a_body(stream=True), route=Route("mock", "mock", "mock", price=price))


def text_in(events: bytes) -> str:
    raise AssertionError("nothing is taken out so early")


def relay(request: Request, events: bytes) -> None:
    """What the event stream leaves in the meter."""
    request.meter.first_byte = 1.0
    request.meter.streamed = True
    request.meter.bytes_relayed += len(events)
    request.meter.keep(events, text_in)


async def test_a_request_is_at_work_from_the_chain_to_its_settlement() -> None:
    live, request = register(), a_paid_request()
    live.begin(request)
    assert [seen.phase for seen in live.all(limit=10)] == [Phase.WAITING]
    relay(request, EVENT)
    assert [seen.phase for seen in live.all(limit=10)] == [Phase.ANSWERING]
    live.settle(request)
    assert [seen.phase for seen in live.all(limit=10)] == [Phase.SETTLING]
    live.leave(request)
    assert live.all(limit=10) == []


async def test_the_age_is_by_the_clock_that_never_jumps() -> None:
    clock = FakeClock()
    live, request = register(clock), a_paid_request()
    live.begin(request)
    clock.advance(2.5)
    assert live.all(limit=1)[0].age_s == clock.monotonic() - request.started


async def test_tokens_and_cost_are_estimated_from_what_was_relayed() -> None:
    live, request = register(), a_paid_request()
    request.meter.reservation, request.meter.sent = HELD, True
    live.begin(request)
    relay(request, EVENT)
    relay(request, EVENT)
    [seen] = live.all(limit=10)
    assert (seen.bytes_relayed, seen.tokens_estimate) == (2 * len(EVENT), 2)
    input_tokens = -(-request.body.size_bytes // 4)
    assert seen.cost_estimate == Money((input_tokens + 2) * 1_000)
    assert seen.reserved == HELD.amount


async def test_an_estimate_only_grows_when_the_text_is_taken_out() -> None:
    live, request = register(), a_paid_request()
    request.meter.reservation = HELD
    live.begin(request)
    for _ in range(10):
        relay(request, EVENT)
    assert live.all(limit=10)[0].tokens_estimate == 10
    # Three tokens an event, by its length.
    request.meter.relayed_text(lambda events: "twelve chars" * events.count(EVENT))
    assert live.all(limit=10)[0].tokens_estimate == 30
    relay(request, EVENT)
    assert live.all(limit=10)[0].tokens_estimate == 30


async def test_an_estimate_never_exceeds_what_is_reserved() -> None:
    live, request = register(), a_paid_request()
    request.meter.reservation = Reservation("res-1", "pouch-1", Money(1), None)
    request.meter.sent = True
    live.begin(request)
    relay(request, EVENT)
    assert live.all(limit=10)[0].cost_estimate == Money(1)


async def test_usage_that_was_reported_takes_the_place_of_an_estimate() -> None:
    live, request = register(), a_paid_request()
    request.meter.reservation, request.meter.sent = HELD, True
    request.meter.usage = Usage(input_tokens=10, output_tokens=20)
    live.begin(request)
    [seen] = live.all(limit=10)
    assert (seen.tokens_estimate, seen.cost_estimate) == (20, Money(30_000))


async def test_what_cannot_be_known_is_none_and_what_was_not_sent_has_cost_nothing() -> None:
    live, request = register(), a_paid_request(price=None)
    live.begin(request)
    [seen] = live.all(limit=10)
    assert (seen.reserved, seen.tokens_estimate, seen.cost_estimate) == (None, None, None)
    waiting = a_paid_request()
    live.begin(waiting)
    assert live.all(limit=10)[-1].cost_estimate == ZERO


async def test_no_more_are_shown_than_asked_for() -> None:
    live = register()
    for number in range(5):
        request = a_paid_request()
        object.__setattr__(request, "id", f"req-{number}")
        live.begin(request)
    assert [seen.id for seen in live.all(limit=2)] == ["req-0", "req-1"]


async def test_what_is_being_written_has_ended() -> None:
    live, request = register(), a_paid_request()
    live.begin(request)
    live.settle(request)
    with pytest.raises(ConflictError):
        live.stop(request.id)


class Ended:
    """Settlements that only remember how requests ended."""

    def __init__(self) -> None:
        self.endings: list[Ending] = []

    def later(self, request: Request, ending: Ending) -> None:
        self.endings.append(ending)


class Desk:
    """A proxy before ``chain``, its register, and how requests ended."""

    def __init__(self, chain: Handler) -> None:
        self.live = register()
        self.ended = Ended()
        self.proxy = ProxyService(
            chain,
            cast(Settlements, self.ended),
            lambda error: (503, type(error).__name__),
            self.live,
        )


async def waits_for_ever(request: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError("it never comes")


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_request_is_stopped_in_whichever_step_it_is() -> None:
    desk, request = Desk(waits_for_ever), a_paid_request()
    asking = asyncio.ensure_future(desk.proxy.handle(request))
    await turns()
    assert desk.live.stop(request.id)
    with pytest.raises(StoppedError):
        await asking
    [ending] = desk.ended.endings
    assert (ending.status, ending.error, ending.at_once) == (503, "StoppedError", True)


async def test_the_task_of_a_stopped_request_is_not_cancelled_any_more() -> None:
    desk, request = Desk(waits_for_ever), a_paid_request()
    left: list[int] = []

    async def connection() -> None:
        with pytest.raises(PouchError):
            await desk.proxy.handle(request)
        task = asyncio.current_task()
        assert task is not None
        left.append(task.cancelling())

    serving = asyncio.ensure_future(connection())
    await turns()
    desk.live.stop(request.id)
    # A second stop changes nothing: it must not cut off the telling of the first.
    desk.live.stop(request.id)
    await serving
    assert left == [0]


async def test_a_client_that_goes_away_has_not_been_stopped() -> None:
    desk, request = Desk(waits_for_ever), a_paid_request()
    asking = asyncio.ensure_future(desk.proxy.handle(request))
    await turns()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    [ending] = desk.ended.endings
    assert (ending.error, ending.at_once) == ("CancelledError", False)


async def test_a_stop_that_a_step_swallows_does_not_hang_over_a_later_request() -> None:
    async def swallows(request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return Response(200, [], b"{}")
        raise AssertionError("it never comes")

    desk, request = Desk(swallows), a_paid_request()
    asking = asyncio.ensure_future(desk.proxy.handle(request))
    await turns()
    desk.live.stop(request.id)
    assert (await asking).status == 200
    desk.live.settle(request)
    desk.live.leave(request)
    assert desk.live.stopped(request) is None
