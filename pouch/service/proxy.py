"""One request, end to end: through the chain, to its answer, and settled whatever happens."""

import asyncio
from collections.abc import Callable

from pouch.domain.errors import PouchError, StoppedError
from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.domain.pipeline import Handler, Request, Response
from pouch.service.live import LiveRequests
from pouch.service.settlement import Ending, Settlements
from pouch.service.verdicts import judge


class ProxyService:
    """Runs requests through the chain. Every request that enters is settled exactly once.

    ``describe`` tells how the client learns of an exception: ``(status, code)``.
    """

    def __init__(
        self,
        chain: Handler,
        settlements: Settlements,
        describe: Callable[[BaseException], tuple[int, str]],
        live: LiveRequests,
    ) -> None:
        self._chain = chain
        self._settlements = settlements
        self._describe = describe
        self._live = live

    async def handle(self, request: Request) -> Response:
        """Answer ``request``; the caller passes the answer on and then calls ``finish``.

        If it raises, whatever it raises, the request is being settled and ``finish`` is not due.
        """
        self._live.begin(request)
        try:
            response = await self._chain(request)
        except asyncio.CancelledError as error:
            stopped = self.stopped(request)
            self._settlements.later(request, self._broken(stopped or error))
            if stopped is None:
                raise
            raise stopped from error
        except BaseException as error:
            self._settlements.later(request, self._broken(error))
            raise
        self._add_cost(request, response)
        return response

    def finish(self, request: Request, response: Response, broken: BaseException | None) -> None:
        """Settle a request whose answer was passed on, whole or until ``broken``."""
        if broken is None:
            self._settlements.later(request, Ending(response.status))
        else:
            self._settlements.later(request, self._broken(broken, response.status))

    def stopped(self, request: Request) -> StoppedError | None:
        """Whether the cancellation of the current task is a stop by an administrator, of which the
        client is to be told; it then counts as no cancellation any more.
        """
        return self._live.stopped(request)

    def cost_comment(self, request: Request) -> bytes:
        """The SSE comment that ends the stream of a key that asks for it; empty if unknown."""
        verdict = judge(request)
        if verdict is None or verdict.evidence is Evidence.HELD_FULL:
            return b""
        remaining = _remaining(request, verdict.cost)
        left = "" if remaining is None else f" remaining={remaining}"
        return f": pouch cost={verdict.cost}{left}\n\n".encode()

    def _broken(self, error: BaseException, status: int | None = None) -> Ending:
        """The ending with ``error``, after an answer of ``status`` has begun, if one has."""
        refused, code = self._describe(error)
        at_once = isinstance(error, StoppedError)
        reason = str(error) if isinstance(error, PouchError) else None
        return Ending(status or refused, code, whole=False, at_once=at_once, reason=reason)

    def _add_cost(self, request: Request, response: Response) -> None:
        """``x-pouch-remaining``, and with an answer that is whole ``x-pouch-cost``, if known."""
        cost = None
        if isinstance(response.body, bytes):
            verdict = request.meter.verdict = judge(request)
            if verdict is not None:
                cost = verdict.cost
                response.headers.append(("x-pouch-cost", str(cost)))
        remaining = _remaining(request, cost)
        if remaining is not None:
            response.headers.append(("x-pouch-remaining", str(remaining)))


def _remaining(request: Request, cost: Money | None) -> Money | None:
    """What the key's pouches have left; with ``cost`` in the place of the reservation."""
    reservation = request.meter.reservation
    if reservation is None or reservation.remaining is None:
        return None
    if cost is None:
        return reservation.remaining
    return Money(max(reservation.remaining.nanos + reservation.amount.nanos - cost.nanos, 0))
