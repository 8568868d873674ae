"""A request that is carried out apart from its client."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from pouch.domain.errors import DrainingError, PouchError, StoppedError, UpstreamError
from pouch.domain.idempotency import KeptAnswer
from pouch.domain.pipeline import Request, Response
from pouch.service.performance import Performance
from pouch.service.proxy import ProxyService
from tests.fakes.chat import a_key, a_request

BYTES_MAX = 100


class Chunks:
    """A stream that the test feeds; it can break."""

    def __init__(self) -> None:
        self._given: asyncio.Queue[bytes | PouchError | None] = asyncio.Queue()
        self.taken = 0

    def give(self, *chunks: bytes | PouchError | None) -> None:
        """``None`` ends it, an error breaks it."""
        for chunk in chunks:
            self._given.put_nowait(chunk)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._given.get()
        if chunk is None:
            raise StopAsyncIteration
        if isinstance(chunk, PouchError):
            raise chunk
        self.taken += 1
        return chunk


class Scene:
    """A performance, what it is given, and what became of it."""

    def __init__(self, outcome: Response | BaseException, request: Request | None = None) -> None:
        self._outcome = outcome
        self.events: list[object] = []
        self.stop: PouchError | None = None
        self.performance = Performance(
            cast(ProxyService, self),
            request or a_request(),
            keep=lambda answer: self.events.append(answer or "too large"),
            drop=lambda: self.events.append("dropped"),
            answer_bytes_max=BYTES_MAX,
        )

    async def handle(self, request: Request) -> Response:
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def finish(self, request: Request, response: Response, broken: BaseException | None) -> None:
        self.events.append(("settled", type(broken).__name__ if broken else None))

    def stopped(self, request: Request) -> PouchError | None:
        return self.stop

    def cost_comment(self, request: Request) -> bytes:
        return b": pouch cost=1\n\n"


def streaming(chunks: Chunks) -> Response:
    return Response(200, [], chunks)


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def stream_of(performance: Performance) -> AsyncIterator[bytes]:
    body = (await performance.response()).body
    assert not isinstance(body, bytes)
    return body


async def test_the_answer_is_kept_before_the_request_is_settled() -> None:
    scene = Scene(Response(200, [("x-a", "b"), ("x-pouch-cost", "1")], b"{}"))
    await scene.performance.run()
    assert scene.events == [KeptAnswer(200, (("x-a", "b"),), b"{}"), ("settled", None)]


@pytest.mark.parametrize("header", ["x-pouch-remaining", "x-ratelimit-remaining-requests"])
async def test_what_was_true_of_a_moment_is_not_kept(header: str) -> None:
    scene = Scene(Response(200, [(header, "1")], b"{}"))
    await scene.performance.run()
    assert scene.events[0] == KeptAnswer(200, (), b"{}")


async def test_an_error_status_is_passed_on_and_not_kept() -> None:
    scene = Scene(Response(429, [], b"{}"))
    await scene.performance.run()
    assert (await scene.performance.response()).status == 429
    assert scene.events == ["dropped", ("settled", None)]


async def test_a_stop_in_the_middle_reaches_the_client_and_frees_the_name() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    scene.stop = StoppedError("stopped")
    running = asyncio.ensure_future(scene.performance.run())
    body = await stream_of(scene.performance)
    chunks.give(b"one")
    assert await anext(body) == b"one"
    running.cancel()
    with pytest.raises(StoppedError):
        await anext(body)
    await running
    assert scene.events == ["dropped", ("settled", "StoppedError")]


async def test_a_refusal_reaches_the_client_and_frees_the_name() -> None:
    scene = Scene(UpstreamError("gone"))
    await scene.performance.run()
    with pytest.raises(UpstreamError):
        await scene.performance.response()
    assert scene.events == ["dropped"]


async def test_a_bug_reaches_the_client_and_whoever_watches_the_task() -> None:
    scene = Scene(RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        await scene.performance.run()
    with pytest.raises(RuntimeError):
        await scene.performance.response()
    assert scene.events == ["dropped"]


async def test_a_stream_is_passed_on_as_it_comes_and_kept_whole() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks), a_request(key=a_key(stream_cost=True)))
    running = asyncio.ensure_future(scene.performance.run())
    body = await stream_of(scene.performance)
    chunks.give(b"one ")
    assert await anext(body) == b"one "
    chunks.give(b"two ", None)
    assert [chunk async for chunk in body] == [b"two ", b": pouch cost=1\n\n"]
    await running
    headers = (("content-type", "text/event-stream"),)
    whole = KeptAnswer(200, headers, b"one two : pouch cost=1\n\n")
    assert scene.events == [whole, ("settled", None)]


async def test_a_stream_goes_on_when_its_client_has_gone() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    running = asyncio.ensure_future(scene.performance.run())
    chunks.give(b"one ")
    body = await stream_of(scene.performance)
    await anext(body)
    scene.performance.finish(a_request(), streaming(chunks), asyncio.CancelledError())
    chunks.give(b"two", None)
    await running
    assert isinstance(scene.events[0], KeptAnswer)
    assert scene.events[0].body == b"one two"
    assert scene.events[1] == ("settled", None)


async def test_a_client_that_leaves_before_the_answer_stops_nothing() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    client = asyncio.ensure_future(scene.performance.response())
    await turns()
    client.cancel()
    await asyncio.wait([client])
    chunks.give(b"one", None)
    await scene.performance.run()
    assert isinstance(scene.events[0], KeptAnswer)


async def test_a_stream_that_breaks_is_told_after_what_came_and_not_kept() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    chunks.give(b"one", UpstreamError("cut"))
    await scene.performance.run()
    body = await stream_of(scene.performance)
    assert await anext(body) == b"one"
    with pytest.raises(UpstreamError):
        await anext(body)
    assert scene.events == ["dropped", ("settled", "UpstreamError")]


async def test_below_the_bound_a_slow_client_does_not_slow_the_provider() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    chunks.give(*[b"x" * 10] * 10, None)
    await scene.performance.run()
    assert chunks.taken == 10
    assert scene.events[1] == ("settled", None)


async def test_above_the_bound_the_clients_pace_is_the_providers_and_nothing_is_kept() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    chunks.give(*[b"x" * 60] * 5, None)
    running = asyncio.ensure_future(scene.performance.run())
    await turns()
    assert chunks.taken == 2
    body = await stream_of(scene.performance)
    assert b"".join([chunk async for chunk in body]) == b"x" * 300
    await running
    assert scene.events == ["too large", ("settled", None)]


async def test_above_the_bound_a_stream_without_a_client_is_broken_off() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    chunks.give(*[b"x" * 60] * 5, None)
    running = asyncio.ensure_future(scene.performance.run())
    body = await stream_of(scene.performance)
    await anext(body)
    scene.performance.finish(a_request(), streaming(chunks), asyncio.CancelledError())
    await running
    assert chunks.taken == 2
    assert scene.events == ["too large", ("settled", "CancelledError")]


async def test_a_shutdown_in_mid_stream_settles_drops_and_tells_the_client() -> None:
    chunks = Chunks()
    scene = Scene(streaming(chunks))
    running = asyncio.ensure_future(scene.performance.run())
    body = await stream_of(scene.performance)
    running.cancel()
    await asyncio.wait([running])
    assert scene.events == ["dropped", ("settled", "CancelledError")]
    with pytest.raises(DrainingError):
        await anext(body)
