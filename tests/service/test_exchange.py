"""An exchange with a provider, over a transport that the test plays."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.domain.ledger import Reservation
from pouch.domain.money import Money
from pouch.domain.pipeline import Response
from pouch.domain.plugin import BuiltProvider
from pouch.domain.provider import UpstreamRequest, UpstreamResponse
from pouch.domain.usage import Usage
from pouch.service.exchange import _without_secrets
from pouch.service.execution import Execution
from tests.fakes.chat import a_body, a_request
from tests.fakes.clock import FakeClock
from tests.fakes.mock_upstream import MockUpstream
from tests.fakes.tokens import Uncounted

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"one "}}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'
ANSWER = (
    b'{"choices":[{"message":{"content":"one"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}'
)
REPORTED = Usage(input_tokens=3, output_tokens=4)


class Body:
    """Hands over blocks; after the last it ends, breaks, or hangs until it is given more."""

    def __init__(self, blocks: Sequence[bytes], *, then: str = "end") -> None:
        self._blocks: asyncio.Queue[bytes] = asyncio.Queue()
        for block in blocks:
            self._blocks.put_nowait(block)
        self._then = then
        self.closed = False

    def give(self, block: bytes) -> None:
        self._blocks.put_nowait(block)

    def end(self) -> None:
        self._then = "end"
        self._blocks.put_nowait(b"")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._blocks.empty() and self._then == "end":
            raise StopAsyncIteration
        if self._blocks.empty() and self._then == "break":
            raise UpstreamError("cut")
        block = await self._blocks.get()
        if not block:
            raise StopAsyncIteration
        return block

    async def aclose(self) -> None:
        self.closed = True


class Transport:
    """Answers when ``answer`` is set to a response, or to the error that there is instead."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[UpstreamResponse] = asyncio.get_running_loop().create_future()
        self.cancelled = False

    def answers(
        self, body: Body, status: int = 200, content_type: str = "text/event-stream", **headers: Any
    ) -> Body:
        named = [("content-type", content_type), *headers.items()]
        self.answer.set_result(UpstreamResponse(status, named, body))
        return body

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        try:
            return await self.answer
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    async def aclose(self) -> None:
        raise NotImplementedError


class Desk:
    def __init__(self, **body: Any) -> None:
        self.transport = Transport()
        provider = MockUpstream().provider
        self._execution = Execution(
            {"openai": BuiltProvider(provider, self.transport)},
            FakeClock(),
            Uncounted(),
            answer_bytes_max=1000,
        )
        self.request = a_request(body=a_body(**body))
        self.request.meter.reservation = Reservation("r", "p", Money(100), None)

    async def response(self) -> Response:
        return await self._execution(self.request)

    async def finish(self, *, wait_s: float = 5, drain: bool = False) -> None:
        assert self.request.meter.exchange is not None
        await self.request.meter.exchange.finish(wait_s=wait_s, drain=drain)


async def relayed(response: Response) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([part async for part in response.body])


async def test_a_whole_answer_is_metered_and_passed_byte_for_byte() -> None:
    desk = Desk()
    body = desk.transport.answers(Body([ANSWER[:10], ANSWER[10:]]), content_type="application/json")
    response = await desk.response()
    assert response.body == ANSWER
    assert desk.request.meter.usage == REPORTED
    assert desk.request.meter.complete
    assert body.closed


async def test_headers_of_the_connection_stay_behind_and_the_rest_goes_on() -> None:
    desk = Desk()
    desk.transport.answers(
        Body([ANSWER]),
        content_type="application/json",
        **{  # type: ignore[arg-type]
            "set-cookie": "secret",
            "transfer-encoding": "chunked",
            "x-request-id": "theirs",
            "x-custom": "kept",
        },
    )
    response = await desk.response()
    assert sorted(response.headers) == [
        ("content-type", "application/json"),
        ("x-custom", "kept"),
        ("x-upstream-request-id", "theirs"),
    ]


async def test_a_stream_is_metered_as_it_goes() -> None:
    desk = Desk(stream=True)
    desk.transport.answers(Body([EVENT, USAGE]))
    assert await relayed(await desk.response()) == EVENT
    assert desk.request.meter.usage == REPORTED
    assert desk.request.meter.complete


async def test_a_client_that_goes_before_the_answer_does_not_stop_it() -> None:
    desk = Desk()
    client = asyncio.ensure_future(desk.response())
    await asyncio.sleep(0)
    client.cancel()
    await asyncio.wait([client])
    finishing = asyncio.ensure_future(desk.finish())
    await asyncio.sleep(0)
    assert not desk.transport.cancelled
    desk.transport.answers(Body([ANSWER]), content_type="application/json")
    await finishing
    assert desk.request.meter.usage == REPORTED


async def test_an_answer_that_does_not_come_is_given_up_after_the_wait() -> None:
    desk = Desk()
    client = asyncio.ensure_future(desk.response())
    await asyncio.sleep(0)
    client.cancel()
    await desk.finish(wait_s=0.01)
    assert desk.transport.cancelled
    assert desk.request.meter.sent
    assert desk.request.meter.status is None


async def test_a_stream_that_has_begun_is_broken_off_at_once() -> None:
    desk = Desk(stream=True)
    body = desk.transport.answers(Body([EVENT], then="hang"))
    response = await desk.response()
    assert not isinstance(response.body, bytes)
    await anext(response.body)
    await desk.finish()
    assert body.closed
    assert desk.request.meter.usage is None
    assert not desk.request.meter.complete


async def test_a_stream_can_be_read_on_to_its_usage() -> None:
    desk = Desk(stream=True)
    body = desk.transport.answers(Body([EVENT], then="hang"))
    response = await desk.response()
    assert not isinstance(response.body, bytes)
    await anext(response.body)
    finishing = asyncio.ensure_future(desk.finish(drain=True))
    await asyncio.sleep(0)
    assert not body.closed
    body.give(USAGE)
    body.end()
    await finishing
    assert desk.request.meter.usage == REPORTED
    assert body.closed


async def test_a_wait_can_be_cut_short() -> None:
    desk = Desk()
    client = asyncio.ensure_future(desk.response())
    await asyncio.sleep(0)
    client.cancel()
    finishing = asyncio.ensure_future(desk.finish(wait_s=3600))
    await asyncio.sleep(0)
    assert desk.request.meter.exchange is not None
    desk.request.meter.exchange.abort()
    await finishing
    assert desk.transport.cancelled


@pytest.mark.parametrize(("reached", "sent"), [(False, False), (True, True)])
async def test_what_never_went_out_counts_as_not_sent(reached: bool, sent: bool) -> None:
    desk = Desk()
    desk.transport.answer.set_exception(UpstreamTimeoutError("late", reached=reached))
    with pytest.raises(UpstreamTimeoutError):
        await desk.response()
    assert desk.request.meter.sent is sent


@pytest.mark.parametrize(
    ("content", "content_type", "strange"),
    [
        (b"<html>", "text/html; charset=utf-8", True),
        (b"", "text/plain", False),
        (b'{"choices": [', "application/json", False),
        (b"[]", "application/json", False),
    ],
)
async def test_a_senseless_answer_is_an_upstream_error(
    content: bytes, content_type: str, strange: bool
) -> None:
    desk = Desk()
    desk.transport.answers(Body([content] if content else []), content_type=content_type)
    with pytest.raises(UpstreamError):
        await desk.response()
    assert desk.request.meter.strange is strange
    assert not desk.request.meter.complete


async def test_an_endless_answer_is_cut_at_its_limit() -> None:
    desk = Desk()
    body = desk.transport.answers(Body([b"x" * 600] * 3), content_type="application/json")
    with pytest.raises(UpstreamError, match="1000 bytes"):
        await desk.response()
    assert body.closed


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_an_error_status_passes_with_its_body_whatever_it_is(status: int) -> None:
    desk = Desk(stream=True)
    desk.transport.answers(Body([b"<html>no</html>"]), status, "text/html")
    response = await desk.response()
    assert (response.status, response.body) == (status, b"<html>no</html>")
    assert desk.request.meter.status == status


@pytest.mark.parametrize(
    ("name", "value", "error", "shown"),
    [
        ("authorization", "Bearer sk-1", "Bad key: sk-1", "Bad key: ***"),
        ("authorization", "Bearer sk-1", "Bad header: Bearer sk-1", "Bad header: ***"),
        ("x-api-key", "k", "k?", "***?"),
        ("authorization", "", "no key", "no key"),
        ("x-tenant-secret", "hunter2-hunter2", "hunter2-hunter2 is unknown", "*** is unknown"),
        ("x-tenant-secret", "Token hunter2-hunter2", "no hunter2-hunter2", "no ***"),
        ("x-tenant-secret", "clé-secrète", "clé-secrète", "***"),
        ("x-region", "eu", "europe is busy", "europe is busy"),
        ("content-type", "application/json", "send application/json", "send application/json"),
    ],
)
def test_an_error_shows_no_secret_that_was_sent(
    name: str, value: str, error: str, shown: str
) -> None:
    sent = UpstreamRequest("POST", "https://provider.test", ((name, value),), b"")
    assert _without_secrets(error.encode(), sent).decode() == shown
