"""Requests with a name: carried out once, and answered again to whoever repeats them.

Of all requests under one name one gets the claim, which is a row in the store, so that it holds
across processes. The others wait for its answer: in the same process on an event, in another by
looking at the row.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from pouch.domain.allowance import check_usable
from pouch.domain.errors import (
    AnswerNotKeptError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
)
from pouch.domain.idempotency import Claim, IdempotencyStore, KeptAnswer, Record
from pouch.domain.key import Key
from pouch.domain.pipeline import Request, Response
from pouch.domain.ports import Background, Clock
from pouch.service.performance import Performance
from pouch.service.persistence import again_and_again, until_written
from pouch.service.proxy import ProxyService

REPLAY: Final = "x-pouch-idempotent-replay"
ORIGINAL: Final = "x-pouch-original-request-id"
# How often a request in another process is looked after.
POLL_S: Final = 0.25
# How often each process forgets answers whose time is over.
PURGE_EVERY_S: Final = 60.0

_log = logging.getLogger("pouch.idempotency")


@dataclass(frozen=True, slots=True)
class IdempotencyLimits:
    """``wait_s`` is how long a retry waits for the request at work."""

    ttl_s: float
    wait_s: float
    answer_bytes_max: int


@dataclass(frozen=True, slots=True)
class _AtWork:
    """A request of this process that has, or is about to have, the claim."""

    fingerprint: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Idempotency:
    """Gives out claims, and keeps the answers of those who got them."""

    def __init__(
        self,
        store: IdempotencyStore,
        proxy: ProxyService,
        background: Background,
        clock: Clock,
        limits: IdempotencyLimits,
    ) -> None:
        self._store = store
        self._proxy = proxy
        self._background = background
        self._clock = clock
        self._limits = limits
        self._at_work: dict[tuple[str, str], _AtWork] = {}

    async def replay(self, claim: Claim, key: Key) -> Response | None:
        """The answer that was given under this name; ``None`` if there is none, and then the claim
        is the caller's, who must ``perform`` at once.

        A request at work is waited for. An answer costs nothing and passes no step, so it is not
        counted by a rate limit; a key that may do nothing any more does not get it.

        Raises:
            IdempotencyKeyReusedError: the name stands for another body.
            IdempotencyInProgressError: the request is still at work.
            AnswerNotKeptError: it was answered, but the answer is not there.
            PermissionDeniedError: there is an answer, but not for this key now.
            StoreUnavailableError: nobody knows.
        """
        try:
            async with asyncio.timeout(self._limits.wait_s):
                record = await self._claim(claim)
        except TimeoutError:
            raise IdempotencyInProgressError(
                "The first request with this Idempotency-Key is still at work; try again."
            ) from None
        if record is None:
            return None
        check_usable(key, self._clock.now(), renewable=True)
        return _answer_in(record)

    def perform(self, claim: Claim, request: Request) -> Performance:
        """The request, to be carried out apart from its client."""
        return Performance(
            self._proxy,
            request,
            keep=partial(self._keep, claim),
            drop=partial(self._drop, claim),
            answer_bytes_max=self._limits.answer_bytes_max,
        )

    async def watch(self) -> None:
        """Forget what is void, for ever."""
        what = "answers whose time is over are forgotten later"
        await again_and_again(self._purge, every_s=PURGE_EVERY_S, what=what, log=_log)

    async def _purge(self) -> None:
        while await self._store.purge():
            continue

    async def _claim(self, claim: Claim) -> Record | None:
        """The record of the name; ``None`` if the claim was free, and is this request's now."""
        place = (claim.key_id, claim.name)
        while (ahead := self._at_work.get(place)) is not None:
            _check_same(ahead.fingerprint, claim)
            await ahead.ended.wait()
            record = await self._store.find(*place)
            if record is not None and not record.pending and not record.void:
                _check_same(record.fingerprint, claim)
                return record
        self._at_work[place] = _AtWork(claim.fingerprint)
        claimed = False
        try:
            record = await self._claim_in_store(claim)
            claimed = record is None
        finally:
            if not claimed:
                self._leave(claim)
        return record

    async def _claim_in_store(self, claim: Claim) -> Record | None:
        while not await self._store.claim(claim):
            record = await self._store.find(claim.key_id, claim.name)
            while record is not None and not record.void:
                _check_same(record.fingerprint, claim)
                if not record.pending:
                    return record
                await asyncio.sleep(POLL_S)
                record = await self._store.find(claim.key_id, claim.name)
        return None

    def _keep(self, claim: Claim, answer: KeptAnswer | None) -> None:
        expires_at = self._clock.now() + timedelta(seconds=self._limits.ttl_s)
        self._end(claim, lambda: self._store.complete(claim, answer, expires_at=expires_at))

    def _drop(self, claim: Claim) -> None:
        self._end(claim, lambda: self._store.drop(claim))

    def _end(self, claim: Claim, write: Callable[[], Awaitable[bool]]) -> None:
        self._background.spawn(self._write(claim, write), name=f"idempotency:{claim.request_id}")

    async def _write(self, claim: Claim, write: Callable[[], Awaitable[bool]]) -> None:
        """Write until it is written; until then who repeats the request waits."""
        try:
            if not await until_written(write, what=f"the answer of {claim.name}", log=_log):
                _log.error("the claim of %s was not its own any more", claim.request_id)
        finally:
            self._leave(claim)

    def _leave(self, claim: Claim) -> None:
        self._at_work.pop((claim.key_id, claim.name)).ended.set()


def _check_same(fingerprint: str, claim: Claim) -> None:
    if fingerprint != claim.fingerprint:
        raise IdempotencyKeyReusedError(
            "This Idempotency-Key was sent with another body before; a new request needs a new one."
        )


def _answer_in(record: Record) -> Response:
    kept = record.answer
    if kept is None:
        raise AnswerNotKeptError(
            f"Request {record.request_id} was answered and charged, but its answer is not kept "
            "any more, or was too large to be; a new request needs a new Idempotency-Key."
        )
    headers = [*kept.headers, (REPLAY, "true"), (ORIGINAL, record.request_id)]
    if record.cost is not None:
        headers.append(("x-pouch-cost", str(record.cost)))
    return Response(kept.status, headers, kept.body)
