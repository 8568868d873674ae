"""The mock's answer on its way: one event a read, with the waits and breaks that were asked for."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.domain.provider import UpstreamRequest
from pouch.providers.mock.behaviour import Config


@dataclass(slots=True)
class Tally:
    """What the mock has seen: every body ends completed, broken (by the mock) or closed early."""

    requests: int = 0
    bodies_completed: int = 0
    bodies_broken: int = 0
    bodies_closed_early: int = 0
    last_request: UpstreamRequest | None = None


class MockBody:
    """See ``UpstreamBody``: a cancelled read goes on where it was, waits included."""

    def __init__(self, events: Iterator[bytes], behaviour: Config, tally: Tally) -> None:
        self._events = events
        self._behaviour = behaviour
        self._tally = tally
        self._given = 0
        self._due: float | None = None
        self._ended = False
        self._closed = asyncio.Event()

    def __aiter__(self) -> "MockBody":
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        if self._given == self._behaviour.stall_after:
            await self._pause(self._behaviour.stall_s)
            raise self._broken(UpstreamTimeoutError("The mock stalled."))
        if self._given == self._behaviour.cut_after:
            raise self._broken(UpstreamError("The mock broke off."))
        await self._pause(self._behaviour.chunk_delay_s)
        event = next(self._events, None)
        if event is None:
            self._ended = True
            self._tally.bodies_completed += 1
            raise StopAsyncIteration
        self._given += 1
        self._due = None
        return event

    async def aclose(self) -> None:
        """Give up at once: a read that is waiting ends with ``UpstreamError``."""
        if not self._ended and not self._closed.is_set():
            self._tally.bodies_closed_early += 1
        self._closed.set()

    def _broken(self, error: UpstreamError) -> UpstreamError:
        """``error``, counted once; every later read raises too."""
        if not self._closed.is_set():
            self._tally.bodies_broken += 1
        self._closed.set()
        return error

    async def _pause(self, seconds: float) -> None:
        """Wait ``seconds`` in all for the next event, however many reads do the waiting."""
        if seconds and not self._closed.is_set():
            if self._due is None:
                self._due = asyncio.get_running_loop().time() + seconds
            try:
                async with asyncio.timeout_at(self._due):
                    await self._closed.wait()
            except TimeoutError:
                return
        if self._closed.is_set():
            raise UpstreamError("The mock's answer was closed.")
