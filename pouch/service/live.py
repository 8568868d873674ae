"""The register of the requests that this process works on, from the chain to their settlement.

A request comes in as it enters the chain and leaves when it is settled. What an administrator sees
of it is worked out when asked, from its meter, so that to be registered costs a request nothing
but a place in a dictionary.
"""

import asyncio
from typing import Final

from pouch.domain.errors import ConflictError, StoppedError
from pouch.domain.live import LiveRequest, Phase
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Request
from pouch.domain.ports import Clock
from pouch.domain.pricing import output_total
from pouch.domain.usage import Usage

BYTES_PER_TOKEN: Final = 4
# The message of the cancellation by which a request is stopped.
STOPPED: Final = "stopped by an administrator"


class LiveRequests:
    """Requests at work, by id, each with the task that works on it until it is to be settled."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at_work: dict[str, tuple[Request, asyncio.Task[object] | None]] = {}
        self._stopping: set[str] = set()

    def begin(self, request: Request) -> None:
        """``request`` enters the chain, in the task that will also pass its answer on."""
        self._at_work[request.id] = (request, asyncio.current_task())

    def settle(self, request: Request) -> None:
        """Its client's side has ended; only its settlement is left."""
        self._at_work[request.id] = (request, None)

    def leave(self, request: Request) -> None:
        """It is settled."""
        self._at_work.pop(request.id, None)
        if self._stopping:
            self._stopping.discard(request.id)

    def stop(self, request_id: str) -> bool:
        """End a request wherever it is; ``False`` if this process does not have it.

        One whose client has gone, and whose provider is still read for its usage, is not waited
        for any longer.

        Raises:
            ConflictError: it has ended, and what it cost is just being written.
        """
        entry = self._at_work.get(request_id)
        if entry is None:
            return False
        request, task = entry
        if task is None:
            if request.meter.exchange is None:
                raise ConflictError(f"Request {request_id} has ended; it is being settled.")
            request.meter.exchange.abort()
        elif request_id not in self._stopping:
            self._stopping.add(request_id)
            task.cancel(STOPPED)
        return True

    def stopped(self, request: Request) -> StoppedError | None:
        """What the current task's cancellation means if it is a stop of ``request``, which then
        counts as no cancellation any more.
        """
        if request.id not in self._stopping:
            return None
        self._stopping.discard(request.id)
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        return StoppedError("An administrator stopped this request.")

    def has(self, request_id: str) -> bool:
        """This process works on it, or settles it."""
        return request_id in self._at_work

    def ids(self) -> set[str]:
        """The requests at work here."""
        return set(self._at_work)

    def all(self, *, limit: int) -> list[LiveRequest]:
        """The requests at work here, oldest first."""
        entries = list(self._at_work.values())[:limit]
        return [self._seen(request, settling=task is None) for request, task in entries]

    def _seen(self, request: Request, *, settling: bool) -> LiveRequest:
        meter, route = request.meter, request.route
        tokens = _tokens(request)
        phase = Phase.WAITING if meter.first_byte is None else Phase.ANSWERING
        return LiveRequest(
            id=request.id,
            key_id=request.key.id,
            key_name=request.key.name,
            model=route.alias,
            provider=route.provider,
            stream=request.body.stream,
            started_at=request.started_at,
            age_s=self._clock.monotonic() - request.started,
            phase=Phase.SETTLING if settling else phase,
            reserved=meter.reservation.amount if meter.reservation else None,
            bytes_relayed=meter.bytes_relayed,
            tokens_estimate=tokens,
            cost_estimate=_cost(request, tokens),
            here=True,
        )


def _tokens(request: Request) -> int | None:
    """Output tokens so far: reported, else estimated, where what was relayed is kept."""
    meter = request.meter
    if meter.usage is not None:
        return output_total(meter.usage)
    return None if meter.reservation is None else meter.tokens_estimate


def _cost(request: Request, output_tokens: int | None) -> Money | None:
    """What it has cost so far, if it has been sent, by an estimate of its tokens."""
    price, meter = request.price, request.meter
    if price is not None and (price.is_free or not meter.sent):
        return ZERO
    if price is None or output_tokens is None:
        return None
    input_tokens = -(-request.body.size_bytes // BYTES_PER_TOKEN)
    cost = price.cost(meter.usage or Usage(input_tokens, output_tokens))
    return cost if meter.reservation is None else min(cost, meter.reservation.amount)
