"""The end of every request: what it cost, on what evidence, written to the ledger.

Runs apart from the request, so that no disconnect, timeout or cancellation can lose it, and does
not give up while the process lives: what it could not write is recovered by the next one.

Requests that end together, and whose cost is known, are settled by one task, with one write. What
must wait for its provider or be counted has a task of its own, and so has what that one write could
not settle, so that nothing holds another up.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pouch.domain.ledger import (
    Evidence,
    Ledger,
    RequestOutcome,
    RequestRecord,
    Settlement,
    Verdict,
)
from pouch.domain.meter import Exchange
from pouch.domain.pipeline import Request
from pouch.domain.plugin import BuiltProvider
from pouch.domain.ports import Background, Clock, TokenCounter
from pouch.domain.usage import Usage
from pouch.domain.value import value
from pouch.service.live import LiveRequests
from pouch.service.persistence import until_written
from pouch.service.request_line import log_request
from pouch.service.verdicts import encoding_to_count, hides_reasoning, judge

# The error in the log of a request whose provider ignored the output limit and was cut off.
OUTPUT_LIMIT: Final = "output_limit"
REASON_LENGTH_MAX: Final = 500

_log = logging.getLogger("pouch.settlement")


@value
class Ending:
    """How the client's side of a request ended. ``error`` is the refusal's code, if any, and
    ``reason`` its message.

    ``whole`` says that the client got the answer to its end; ``at_once`` that nothing more of it is
    to be waited for.
    """

    status: int
    error: str | None = None
    whole: bool = True
    at_once: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DisconnectPolicy:
    """What happens upstream when the client has gone: read on to the usage (``drain``), or not.

    ``drain_s`` bounds that, and the wait for an answer that had not begun.
    """

    drain: bool
    drain_s: float


@value
class _Ended:
    """A request that is to be settled. ``moment`` is the monotonic clock's at its end."""

    request: Request
    ending: Ending
    moment: float
    refused_by: str | None


@value
class _Judged:
    """A request whose cost is known."""

    request: Request
    verdict: Verdict
    outcome: RequestOutcome

    def entry(self, delay_s: float) -> Settlement | RequestRecord:
        """What the ledger is to write. ``delay_s``: see ``Settlement``."""
        request, reservation = self.request, self.request.meter.reservation
        if reservation is None:
            return RequestRecord(request.facts, self.outcome, self.verdict.cost)
        return Settlement(reservation.id, self.verdict.cost, self.outcome, delay_s)


class Settlements:
    """Settles each request once, in the background."""

    def __init__(
        self,
        ledger: Ledger,
        tokens: TokenCounter,
        providers: Mapping[str, BuiltProvider],
        background: Background,
        clock: Clock,
        policy: DisconnectPolicy,
        live: LiveRequests,
    ) -> None:
        self._ledger = ledger
        self._tokens = tokens
        self._providers = providers
        self._background = background
        self._clock = clock
        self._policy = policy
        self._live = live
        self._due: list[_Ended] = []
        self._exchanges: set[Exchange] = set()
        self._hasty = False

    def later(self, request: Request, ending: Ending) -> None:
        """Settle ``request`` in the background. Never waits, never raises."""
        moment = self._clock.monotonic()
        ended = _Ended(request, ending, moment, _refused_by(request, ending))
        self._live.settle(request)
        if ending.whole or request.meter.exchange is None:
            self._due.append(ended)
            if len(self._due) == 1:
                self._background.spawn(self._settle_due(), name="settle")
        else:
            self._by_itself(ended)

    def hasten(self) -> None:
        """Stop waiting for providers: the server is going down."""
        self._hasty = True
        for exchange in self._exchanges:
            exchange.abort()

    async def _settle_due(self) -> None:
        """Settle together what is due when this begins."""
        due, self._due = self._due, []
        begun = self._clock.monotonic()
        judged: list[_Judged] = []
        try:
            judged = [_judged(each, verdict) for each in due if (verdict := _verdict(each.request))]
            if judged:
                await self._ledger.settle_all([each.entry(delay_s=0.0) for each in judged])
        except asyncio.CancelledError:
            _log.error("not settled: %s", ", ".join([each.request.id for each in due]))
            raise
        except Exception:  # noqa: BLE001 - each by itself meets it again, and tells of it
            judged.clear()
        at = self._clock.now().timestamp()
        for each in judged:
            self._close(each, at)
        if len(judged) < len(due):
            closed = {each.request.id for each in judged}
            for ended in due:
                if ended.request.id not in closed:
                    self._by_itself(ended, begun)

    def _by_itself(self, ended: _Ended, begun: float | None = None) -> None:
        """Settle one request; ``begun`` is when that was first tried."""
        self._background.spawn(self._settled(ended, begun), name=f"settle:{ended.request.id}")

    async def _settled(self, ended: _Ended, begun: float | None) -> None:
        request = ended.request
        try:
            if not ended.ending.whole:
                await self._finish_exchange(request, at_once=ended.ending.at_once)
            verdict = _verdict(request) or await self._count(request)
            judged = _judged(ended, verdict)
            await self._write(judged, self._clock.monotonic() if begun is None else begun)
        except BaseException:
            self._live.leave(request)
            raise
        self._close(judged, self._clock.now().timestamp())

    def _close(self, judged: _Judged, at: float) -> None:
        """It is settled."""
        self._live.leave(judged.request)
        log_request(judged.request, judged.verdict, judged.outcome, at)

    async def _finish_exchange(self, request: Request, *, at_once: bool) -> None:
        exchange = request.meter.exchange
        if exchange is None:
            return
        drain = self._policy.drain or hides_reasoning(request)
        self._exchanges.add(exchange)
        try:
            wait_s = 0.0 if self._hasty or at_once else self._policy.drain_s
            await exchange.finish(wait_s=wait_s, drain=drain)
        finally:
            self._exchanges.discard(exchange)

    async def _count(self, request: Request) -> Verdict:
        """Count what went in and what was relayed; never more than was reserved."""
        reservation, price = request.meter.reservation, request.price
        assert reservation is not None
        assert price is not None
        provider = self._providers[request.route.provider].provider
        encoding = encoding_to_count(price)
        text = request.meter.relayed_text(
            lambda answer: provider.text_in(answer, stream=request.meter.streamed)
        )
        usage = Usage(
            input_tokens=await self._tokens.input_tokens(
                request.body,
                model=request.route.model,
                encoding=encoding,
                context_window=price.context_window,
            ),
            output_tokens=await self._tokens.text_tokens(text, encoding=encoding),
        )
        cost = min(price.cost(usage), reservation.amount)
        if request.meter.usage is not None:
            cost = max(cost, price.cost(request.meter.usage))
        return Verdict(Evidence.COUNTED, cost, usage)

    async def _write(self, judged: _Judged, begun: float) -> None:
        """Write until it is written; a store that is busy or gone is asked again."""

        async def write() -> None:
            await self._ledger.settle_all([judged.entry(self._clock.monotonic() - begun)])

        await until_written(write, what=f"settlement of {judged.request.id}", log=_log)


def _verdict(request: Request) -> Verdict | None:
    return request.meter.verdict or judge(request)


def _judged(ended: _Ended, verdict: Verdict) -> _Judged:
    request, ending, meter = ended.request, ended.ending, ended.request.meter
    # The two hold each other; apart, neither waits for the collector of cycles.
    meter.exchange = None
    outcome = RequestOutcome(
        status=ending.status,
        latency_ms=_ms(ended.moment - request.started),
        first_byte_ms=_first_byte_ms(request),
        usage=verdict.usage,
        evidence=verdict.evidence,
        error=ending.error or (OUTPUT_LIMIT if meter.cut else None),
        reason=ending.reason[:REASON_LENGTH_MAX] if ending.reason else None,
        refused_by=ended.refused_by,
        steps=meter.steps,
    )
    return _Judged(request, verdict, outcome)


def _refused_by(request: Request, ending: Ending) -> str | None:
    """The innermost step that was entered, if the request was refused and came no further."""
    meter = request.meter
    refused = ending.reason is not None and not ending.at_once and meter.exchange is None
    return meter.steps[0][0] if refused and meter.steps else None


def _first_byte_ms(request: Request) -> int | None:
    first = request.meter.first_byte
    return None if first is None else _ms(first - request.started)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
