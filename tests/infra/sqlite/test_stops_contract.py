"""What every store of wishes to stop a request does, in memory or in a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pouch.domain.live import StopRequests
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.stops import VOID_AFTER_S
from tests.fakes.administration import FakeStops
from tests.fakes.clock import FakeClock


@pytest.fixture(params=["fake", "sqlite"])
async def stops(
    request: pytest.FixtureRequest, path: Path, clock: FakeClock
) -> AsyncIterator[StopRequests]:
    if request.param == "fake":
        yield FakeStops()
        return
    store = await SqliteStore.open(path, clock)
    yield store.stops
    await store.close()


async def test_a_wish_stands_until_it_is_taken(stops: StopRequests) -> None:
    await stops.ask("req-1")
    assert await stops.wishes() == ["req-1"]
    assert await stops.take("req-1")
    assert await stops.wishes() == []


async def test_a_wish_is_taken_by_one_alone(stops: StopRequests) -> None:
    await stops.ask("req-1")
    assert [await stops.take("req-1"), await stops.take("req-1")] == [True, False]


async def test_to_ask_twice_is_to_ask_once(stops: StopRequests) -> None:
    await stops.ask("req-1")
    await stops.ask("req-1")
    assert await stops.wishes() == ["req-1"]


async def test_a_process_sees_what_another_wishes(path: Path, clock: FakeClock) -> None:
    first, second = [await SqliteStore.open(path, clock) for _ in range(2)]
    await first.stops.ask("req-1")
    assert await second.stops.wishes() == ["req-1"]
    assert await second.stops.take("req-1")
    assert not await first.stops.take("req-1")
    await first.close()
    await second.close()


async def test_a_wish_that_nobody_takes_is_void_after_a_while(
    store: SqliteStore, clock: FakeClock
) -> None:
    await store.stops.ask("req-old")
    clock.advance(VOID_AFTER_S + 1)
    await store.stops.ask("req-new")
    assert await store.stops.wishes() == ["req-new"]
