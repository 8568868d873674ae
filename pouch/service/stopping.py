"""Stops requests, also those that another process works on: through the store that they share."""

import asyncio
import logging
from typing import Final

from pouch.domain.errors import ConflictError, NotFoundError
from pouch.domain.live import StopRequests
from pouch.domain.ports import Clock
from pouch.domain.reports import Reports
from pouch.service.live import LiveRequests
from pouch.service.persistence import again_and_again

# How often each process looks for requests that others want it to stop.
WATCH_EVERY_S: Final = 0.5
# A process that has the request takes the wish in this time; if none does, none has it.
TAKEN_WITHIN_S: Final = 2.0
_LOOK_EVERY_S: Final = 0.1

_log = logging.getLogger("pouch.stopping")


class Stopping:
    """Stops by request id. ``watch`` does what other processes wish."""

    def __init__(
        self, live: LiveRequests, wishes: StopRequests, reports: Reports, clock: Clock
    ) -> None:
        self._live = live
        self._wishes = wishes
        self._reports = reports
        self._clock = clock

    async def stop(self, request_id: str) -> bool:
        """Stop a request; whether it was this process's own. Another has taken the wish.

        Raises:
            ConflictError: it has ended.
            NotFoundError: no process has it.
        """
        if self._live.stop(request_id):
            return True
        if await self._reports.request(request_id) is not None:
            raise ConflictError(f"Request {request_id[:64]} has ended.")
        await self._wishes.ask(request_id)
        if not await self._taken(request_id):
            raise NotFoundError(f"No request {request_id[:64]!r} is at work.")
        return False

    async def watch(self) -> None:
        """Stop for ever what others wish to be stopped."""
        what = "requests that are to be stopped cannot be read"
        await again_and_again(self.heed, every_s=WATCH_EVERY_S, what=what, log=_log)

    async def heed(self) -> None:
        """Stop what is to be stopped and is at work here."""
        for request_id in await self._wishes.wishes():
            if self._live.has(request_id) and await self._wishes.take(request_id):
                self._stop_if_at_work(request_id)

    def _stop_if_at_work(self, request_id: str) -> None:
        try:
            self._live.stop(request_id)
        except ConflictError as error:
            _log.info("a stop came too late: %s", error)

    async def _taken(self, request_id: str) -> bool:
        deadline = self._clock.monotonic() + TAKEN_WITHIN_S
        while self._clock.monotonic() < deadline:
            await asyncio.sleep(_LOOK_EVERY_S)
            if request_id not in await self._wishes.wishes():
                return True
        return not await self._wishes.take(request_id)
