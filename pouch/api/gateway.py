"""What the HTTP surface is given: the services of one running gateway."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from sanic import Blueprint

from pouch.api.background import BackgroundTasks
from pouch.domain.errors import DrainingError, OverloadedError
from pouch.domain.ports import Clock
from pouch.service.idempotency import Idempotency
from pouch.service.keys import KeyService
from pouch.service.proxy import ProxyService
from pouch.service.quotes import Quotes
from pouch.service.routes import Routes
from pouch.service.settlement import Settlements


class Admission:
    """The current task's place among those that are at work."""

    __slots__ = ("_relays", "_task")

    def __init__(self, relays: set["asyncio.Task[object]"]) -> None:
        self._relays = relays

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._relays.add(task)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._relays.discard(self._task)


@dataclass(slots=True)
class Gateway:
    """One process's services, and the requests that it is working on.

    ``admin`` holds the administration API's routes. ``ping`` raises ``StoreUnavailableError`` if
    the store cannot be reached. ``relays`` holds connection tasks, which outlive their handlers.
    """

    proxy: ProxyService
    idempotency: Idempotency
    quotes: Quotes
    keys: KeyService
    routes: Routes
    settlements: Settlements
    background: BackgroundTasks
    clock: Clock
    concurrent_requests_max: int
    drain_s: float
    admin: Blueprint
    ping: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[None]]
    draining: bool = False
    relays: set["asyncio.Task[object]"] = field(default_factory=set)

    def admission(self) -> "Admission":
        """A place among the concurrent requests, for as long as one is worked on.

        Raises:
            DrainingError: the server is shutting down.
            OverloadedError: every place is taken.
        """
        if self.draining:
            raise DrainingError("The server is shutting down.")
        if len(self.relays) >= self.concurrent_requests_max:
            raise OverloadedError(
                f"{self.concurrent_requests_max} requests are being worked on; try again."
            )
        return Admission(self.relays)

    async def at_work(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` in the place of a client that was admitted and may leave before it ends."""
        with Admission(self.relays):
            await work
