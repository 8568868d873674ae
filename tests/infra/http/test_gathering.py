"""What comes together is read together, and what comes slowly as it comes."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from pouch.infra.http.exchange import GATHER_BYTES_MAX, GATHER_S, Exchange
from tests.simulation.virtual_time import VirtualLoop

Write = Callable[[Exchange], Awaitable[None]]


class Wire:
    """A connection that nothing is asked of."""

    def resume(self) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError


def read(write: Write) -> list[tuple[float, bytes]]:
    """What a reader gets while ``write`` writes, and when, in seconds; ``b"!"`` for a failure."""
    got: list[tuple[float, bytes]] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        exchange = Exchange(Wire(), loop, until=3600)
        writing = asyncio.ensure_future(write(exchange))

        def note(block: bytes) -> None:
            got.append((round(loop.time(), 6), block))

        try:
            async for block in exchange:
                note(block)
        except httpx.ReadError:
            note(b"!")
        await writing

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())
    return got


async def pause(share: float) -> None:
    """Wait for a share of ``GATHER_S``."""
    await asyncio.sleep(share * GATHER_S)


def test_the_first_is_read_at_once_and_what_follows_quickly_together() -> None:
    async def write(exchange: Exchange) -> None:
        for piece in (b"a", b"b", b"c"):
            exchange.arrived(piece)
            await pause(0.25)
        await pause(1)
        exchange.arrived(b"d")
        await pause(2)
        exchange.completed()

    assert read(write) == [(0, b"a"), (GATHER_S, b"bc"), (2 * GATHER_S, b"d")]


def test_what_comes_slowly_is_read_as_it_comes() -> None:
    async def write(exchange: Exchange) -> None:
        for piece in (b"a", b"b", b"c"):
            exchange.arrived(piece)
            await pause(1.5)
        exchange.completed()

    moments, pieces = zip(*read(write), strict=True)
    assert pieces == (b"a", b"b", b"c")
    assert moments == pytest.approx((0, 1.5 * GATHER_S, 3 * GATHER_S))


def test_the_end_is_read_at_once() -> None:
    async def write(exchange: Exchange) -> None:
        exchange.arrived(b"a")
        await pause(0.25)
        exchange.arrived(b"b")
        exchange.completed()

    assert read(write) == [(0, b"a"), (0.25 * GATHER_S, b"b")]


def test_a_failure_is_told_at_once_after_what_came_before_it() -> None:
    async def write(exchange: Exchange) -> None:
        exchange.arrived(b"a")
        await pause(0.25)
        exchange.arrived(b"b")
        exchange.failed(httpx.ReadError, "cut")

    assert read(write) == [(0, b"a"), (0.25 * GATHER_S, b"b"), (0.25 * GATHER_S, b"!")]


def test_much_is_read_at_once() -> None:
    async def write(exchange: Exchange) -> None:
        exchange.arrived(b"a")
        await pause(0.25)
        exchange.arrived(b"b")
        exchange.arrived(b"c" * GATHER_BYTES_MAX)
        await pause(0.25)
        exchange.completed()

    assert read(write) == [(0, b"a"), (0.25 * GATHER_S, b"b" + b"c" * GATHER_BYTES_MAX)]
