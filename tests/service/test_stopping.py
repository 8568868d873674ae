"""Stopping a request of this process, of another, and one that nobody has."""

import asyncio
from typing import cast

import pytest

from pouch.domain.errors import ConflictError, NotFoundError, StoppedError
from pouch.domain.reports import LoggedRequest, Reports
from pouch.service import stopping
from pouch.service.live import LiveRequests
from pouch.service.stopping import Stopping
from tests.fakes.administration import FakeStops
from tests.fakes.chat import a_request
from tests.fakes.clock import FakeClock


class Log:
    """A log of requests in which only those of ``ended`` stand."""

    def __init__(self, *ended: str) -> None:
        self._ended = ended

    async def request(self, request_id: str) -> LoggedRequest | None:
        return cast(LoggedRequest, object()) if request_id in self._ended else None


class Process:
    """One of the processes that share ``wishes``."""

    def __init__(self, wishes: FakeStops, *ended: str) -> None:
        # The clock moves by itself, so that to wait for nobody takes no time.
        self.live = LiveRequests(Impatient())
        self.stopping = Stopping(self.live, wishes, cast(Reports, Log(*ended)), Impatient())


class Impatient(FakeClock):
    """Each look at it takes half a second."""

    def monotonic(self) -> float:
        self.advance(0.5)
        return super().monotonic()


async def working(live: LiveRequests) -> None:
    """``a_request`` at work until it is stopped."""
    request = a_request()
    live.begin(request)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError as error:
        stopped = live.stopped(request)
        assert stopped is not None
        raise stopped from error
    finally:
        live.leave(request)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_LOOK_EVERY_S", 0)


async def test_a_request_of_this_process_is_stopped_at_once() -> None:
    wishes = FakeStops()
    process = Process(wishes)
    work = asyncio.ensure_future(working(process.live))
    await asyncio.sleep(0)
    assert await process.stopping.stop("req-1")
    with pytest.raises(StoppedError):
        await work
    assert wishes.open == []


async def test_a_request_of_another_process_is_stopped_by_that_one() -> None:
    wishes = FakeStops()
    asked, has_it = Process(wishes), Process(wishes)
    work = asyncio.ensure_future(working(has_it.live))
    stop = asyncio.ensure_future(asked.stopping.stop("req-1"))
    while not wishes.open:
        await asyncio.sleep(0)
    await has_it.stopping.heed()
    assert not await stop
    with pytest.raises(StoppedError):
        await work


async def test_a_wish_for_anothers_request_is_left_to_that_process() -> None:
    wishes = FakeStops()
    await wishes.ask("req-of-another")
    await Process(wishes).stopping.heed()
    assert wishes.open == ["req-of-another"]


async def test_a_request_that_nobody_has_is_told_apart_and_leaves_no_wish() -> None:
    wishes = FakeStops()
    with pytest.raises(NotFoundError):
        await Process(wishes).stopping.stop("req-1")
    assert wishes.open == []


async def test_a_request_that_has_ended_is_told_apart_without_asking_anyone() -> None:
    wishes = FakeStops()
    with pytest.raises(ConflictError):
        await Process(wishes, "req-1").stopping.stop("req-1")
    assert wishes.open == []


async def test_a_wish_that_comes_as_the_request_ends_does_no_harm() -> None:
    wishes = FakeStops()
    process = Process(wishes)
    request = a_request()
    process.live.begin(request)
    process.live.settle(request)
    await wishes.ask("req-1")
    await process.stopping.heed()
    assert wishes.open == []
