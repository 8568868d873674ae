"""Named requests: one is carried out, the others wait for its answer or are refused."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, cast

import pytest

from pouch.domain.errors import (
    AnswerNotKeptError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    KeyDisabledError,
    KeyExpiredError,
    StoreUnavailableError,
)
from pouch.domain.idempotency import Claim
from pouch.domain.pipeline import Request, Response
from pouch.service.idempotency import Idempotency, IdempotencyLimits
from pouch.service.performance import Performance
from pouch.service.proxy import ProxyService
from tests.fakes.chat import a_key, a_request
from tests.fakes.clock import START, FakeClock
from tests.fakes.idempotency import FakeIdempotencyStore

CLAIM = Claim("key-1", "a", "same", "req-1")
RETRY = replace(CLAIM, request_id="req-2")
KEY = a_key()
ANSWER = b'{"choices": []}'


class Answering:
    """A proxy that answers at once; remembers how each request was finished."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.finished: list[BaseException | None] = []

    async def handle(self, request: Request) -> Response:
        return self.response

    def finish(self, request: Request, response: Response, broken: BaseException | None) -> None:
        self.finished.append(broken)

    def stopped(self, request: Request) -> None:
        return None

    def cost_comment(self, request: Request) -> bytes:
        return b""


class Tasks:
    """A background of plain tasks."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    async def done(self) -> None:
        for task in self.tasks:
            await task


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> FakeIdempotencyStore:
    return FakeIdempotencyStore(clock)


@pytest.fixture
def background() -> Tasks:
    return Tasks()


def service(
    store: FakeIdempotencyStore,
    background: Tasks,
    clock: FakeClock,
    *,
    wait_s: float = 5,
    **answer: Any,
) -> Idempotency:
    proxy = Answering(
        Response(answer.get("status", 200), [("x-a", "b")], answer.get("body", ANSWER))
    )
    limits = IdempotencyLimits(ttl_s=3600, wait_s=wait_s, answer_bytes_max=100)
    return Idempotency(store, cast(ProxyService, proxy), background, clock, limits)


async def carried_out(idempotency: Idempotency, background: Tasks) -> Performance:
    """The first request, done."""
    assert await idempotency.replay(CLAIM, KEY) is None
    performance = idempotency.perform(CLAIM, a_request())
    await performance.run()
    await background.done()
    return performance


async def test_an_answer_comes_again_with_what_says_so(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    idempotency = service(store, background, clock)
    first = await carried_out(idempotency, background)
    assert (await first.response()).body == ANSWER
    again = await idempotency.replay(RETRY, KEY)
    assert again is not None
    assert (again.status, again.body) == (200, ANSWER)
    assert again.headers == [
        ("x-a", "b"),
        ("x-pouch-idempotent-replay", "true"),
        ("x-pouch-original-request-id", "req-1"),
    ]


async def test_after_its_time_an_answer_is_forgotten(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    idempotency = service(store, background, clock)
    await carried_out(idempotency, background)
    clock.advance(3599)
    assert await idempotency.replay(RETRY, KEY) is not None
    clock.advance(1)
    assert await idempotency.replay(RETRY, KEY) is None


async def test_those_who_wait_ask_the_store_for_the_answer_and_for_nothing_else(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    idempotency = service(store, background, clock)
    assert await idempotency.replay(CLAIM, KEY) is None
    waiting = [
        asyncio.ensure_future(idempotency.replay(replace(CLAIM, request_id=f"req-{i}"), KEY))
        for i in range(8)
    ]
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    await idempotency.perform(CLAIM, a_request()).run()
    answers = [await each for each in waiting]
    assert [answer.body for answer in answers if answer] == [ANSWER] * 8
    assert store.claims == 1


async def test_when_the_first_is_refused_one_of_those_who_wait_is_next(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    idempotency = service(store, background, clock, status=500)
    assert await idempotency.replay(CLAIM, KEY) is None
    waiting = {
        asyncio.ensure_future(idempotency.replay(replace(CLAIM, request_id=f"req-{i}"), KEY))
        for i in range(2, 5)
    }
    await idempotency.perform(CLAIM, a_request()).run()
    done, still = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert [each.result() for each in done] == [None]
    assert len(still) == 2
    for each in still:
        each.cancel()


async def test_a_retry_waits_for_so_long_and_no_longer(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    here = service(store, background, clock, wait_s=0.05)
    elsewhere = service(store, background, clock, wait_s=0.05)
    assert await here.replay(CLAIM, KEY) is None
    for gateway in (here, elsewhere):
        with pytest.raises(IdempotencyInProgressError) as refusal:
            await gateway.replay(RETRY, KEY)
        assert refusal.value.retry_after_s > 0


async def test_a_name_that_stands_for_another_body_is_refused_at_work_here_elsewhere_and_after(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    here, elsewhere = service(store, background, clock), service(store, background, clock)
    other = replace(RETRY, fingerprint="other")
    assert await here.replay(CLAIM, KEY) is None
    for gateway in (here, elsewhere):
        with pytest.raises(IdempotencyKeyReusedError):
            await gateway.replay(other, KEY)
    await here.perform(CLAIM, a_request()).run()
    await background.done()
    for gateway in (here, elsewhere):
        with pytest.raises(IdempotencyKeyReusedError):
            await gateway.replay(other, KEY)


async def test_an_answer_that_was_too_large_is_not_paid_for_twice(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    idempotency = service(store, background, clock, body=b"x" * 101)
    first = await carried_out(idempotency, background)
    assert (await first.response()).body == b"x" * 101
    with pytest.raises(AnswerNotKeptError, match="req-1 was answered and charged"):
        await idempotency.replay(RETRY, KEY)


async def test_while_the_store_takes_no_answer_nobody_runs_the_request_again(
    store: FakeIdempotencyStore,
    background: Tasks,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pouch.service.persistence.RETRY_FIRST_S", 0)
    idempotency = service(store, background, clock)
    assert await idempotency.replay(CLAIM, KEY) is None
    store.failures = 3
    await idempotency.perform(CLAIM, a_request()).run()
    retry = asyncio.ensure_future(idempotency.replay(RETRY, KEY))
    await background.done()
    again = await retry
    assert again is not None
    assert again.body == ANSWER


async def test_a_store_that_cannot_be_asked_lets_nothing_through_and_no_trace_stays(
    store: FakeIdempotencyStore, background: Tasks, clock: FakeClock
) -> None:
    idempotency = service(store, background, clock)
    store.failures = 1
    with pytest.raises(StoreUnavailableError):
        await idempotency.replay(CLAIM, KEY)
    assert await idempotency.replay(RETRY, KEY) is None


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        (a_key(disabled=True), KeyDisabledError),
        (a_key(expires_at=START), KeyExpiredError),
        (a_key(expires_at=START, auto_renew=True), None),
    ],
)
async def test_a_key_that_may_do_nothing_gets_no_answer_again(
    store: FakeIdempotencyStore,
    background: Tasks,
    clock: FakeClock,
    key: Any,
    refusal: type[Exception] | None,
) -> None:
    idempotency = service(store, background, clock)
    await carried_out(idempotency, background)
    if refusal is None:
        assert await idempotency.replay(RETRY, key) is not None
        return
    with pytest.raises(refusal):
        await idempotency.replay(RETRY, key)
