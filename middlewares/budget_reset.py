"""Begin a pouch's next period when it is due, before anything is reserved in it.

However many requests find a reset due at once, one asks the ledger and all wait for its answer.
Across processes the ledger decides: whoever comes first has done it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from pouch.domain.period import Period
from pouch.domain.pipeline import Handler, Ports, Request, Response
from pouch.domain.plugin import MiddlewarePlugin
from pouch.domain.pouch import PouchTerms

# Forgetting one costs one more question to the ledger, which answers that it is done.
REMEMBERED_MAX: Final = 10_000


class Config(BaseModel):
    """``{use: budget_reset}``: there is nothing to set; each pouch has its own period."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class _Rolled:
    """A reset that was due at ``due`` is done; the next one is due at ``next_reset``."""

    due: datetime
    next_reset: datetime


class BudgetReset:
    """Rolls over every pouch that the request's key draws on, its own first.

    A key comes from a cache and may carry a reset that is done already, so what was rolled over
    is remembered here. If the ledger cannot be written, the request is refused with its error.
    """

    def __init__(self, config: Config, ports: Ports) -> None:
        self._clock = ports.clock
        self._ledger = ports.ledger
        self._rolled: dict[str, _Rolled] = {}
        self._under_way: dict[tuple[str, datetime], asyncio.Task[None]] = {}

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        for pouch in request.key.pouches:
            now = self._clock.now()
            due = self._next_reset(pouch)
            if pouch.period is not None and due is not None and due <= now:
                await self._share(pouch, pouch.period, due, now)
        return await call_next(request)

    def _next_reset(self, pouch: PouchTerms) -> datetime | None:
        """When the pouch's next reset is due, as far as is known here."""
        rolled = self._rolled.get(pouch.id)
        if rolled is not None and rolled.due == pouch.resets_at:
            return rolled.next_reset
        return pouch.resets_at

    async def _share(self, pouch: PouchTerms, period: Period, due: datetime, now: datetime) -> None:
        """Wait for the one roll-over of this reset; a caller that goes away does not stop it."""
        task = self._under_way.get((pouch.id, due))
        if task is None:
            task = asyncio.create_task(self._roll_over(pouch, period, due, now))
            self._under_way[pouch.id, due] = task
            task.add_done_callback(lambda done: self._end(pouch.id, due, done))
        await asyncio.shield(task)

    async def _roll_over(
        self, pouch: PouchTerms, period: Period, due: datetime, now: datetime
    ) -> None:
        next_reset = period.next_reset(now=now, due=due)
        await self._ledger.roll_over(pouch.id, due=due, next_reset=next_reset)
        if pouch.resets_at is not None:
            self._remember(pouch.id, _Rolled(pouch.resets_at, next_reset))

    def _remember(self, pouch_id: str, rolled: _Rolled) -> None:
        self._rolled.pop(pouch_id, None)
        self._rolled[pouch_id] = rolled
        if len(self._rolled) > REMEMBERED_MAX:
            del self._rolled[next(iter(self._rolled))]

    def _end(self, pouch_id: str, due: datetime, done: asyncio.Task[None]) -> None:
        del self._under_way[pouch_id, due]
        if not done.cancelled():
            done.exception()  # Retrieved, or asyncio would report it where every caller has gone.


PLUGIN = MiddlewarePlugin("budget_reset", Config, BudgetReset)
