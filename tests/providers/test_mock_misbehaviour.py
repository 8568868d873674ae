"""The mock provider fails in every way that a real one does, when it is asked to."""

import asyncio
import json

import pytest

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from tests.fakes.mock_upstream import MockUpstream, read

# Longer than any test takes: nothing here waits for it to pass.
LONG_S = 500


@pytest.fixture
def upstream() -> MockUpstream:
    return MockUpstream()


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_it_refuses_with_a_status(upstream: MockUpstream, status: int) -> None:
    response = await upstream.send({"status": status}, stream=True)
    parts, _ = await read(response.body)
    assert response.status == status
    assert response.header("content-type") == "application/json"
    assert json.loads(b"".join(parts))["error"]["type"] == "mock_error"


async def test_a_stream_breaks_off_after_so_many_events(upstream: MockUpstream) -> None:
    response = await upstream.send({"cut_after": 2}, stream=True)
    parts, error = await read(response.body)
    assert len(parts) == 2
    assert isinstance(error, UpstreamError)
    assert error.reached
    with pytest.raises(UpstreamError):
        await response.body.__anext__()
    await response.body.aclose()
    assert (upstream.tally.bodies_broken, upstream.tally.bodies_closed_early) == (1, 0)


async def test_a_whole_answer_breaks_off_in_the_middle(upstream: MockUpstream) -> None:
    response = await upstream.send({"cut_after": 1})
    parts, error = await read(response.body)
    assert len(parts) == 1
    assert isinstance(error, UpstreamError)
    assert not upstream.provider.is_answer(parts[0])


async def test_a_stream_ends_in_an_error_event_without_the_terminator(
    upstream: MockUpstream,
) -> None:
    response = await upstream.send({"error_after": 2}, stream=True)
    parts, error = await read(response.body)
    assert error is None
    assert len(parts) == 3
    assert "error" in json.loads(parts[-1].removeprefix(b"data: "))


async def test_an_error_can_come_with_a_status_that_says_all_is_well(
    upstream: MockUpstream,
) -> None:
    response = await upstream.send({"error_after": 0})
    parts, _ = await read(response.body)
    assert response.status == 200
    assert json.loads(b"".join(parts)).keys() == {"error"}


async def test_it_answers_a_page_that_is_no_answer(upstream: MockUpstream) -> None:
    response = await upstream.send({"strange": True})
    parts, _ = await read(response.body)
    assert (response.status, response.header("content-type")) == (200, "text/html")
    assert not upstream.provider.is_answer(b"".join(parts))


@pytest.mark.parametrize(
    ("connection", "kind", "reached"),
    [
        ("refused", UpstreamError, False),
        ("lost", UpstreamError, True),
        ("timeout", UpstreamTimeoutError, True),
    ],
)
async def test_there_is_no_answer_at_all(
    upstream: MockUpstream, connection: str, kind: type[UpstreamError], reached: bool
) -> None:
    with pytest.raises(UpstreamError) as error:
        await upstream.send({"connection": connection})
    assert type(error.value) is kind
    assert error.value.reached is reached


async def test_a_stall_ends_as_a_timeout(upstream: MockUpstream) -> None:
    response = await upstream.send({"stall_after": 3, "stall_s": 0.01}, stream=True)
    parts, error = await read(response.body)
    assert len(parts) == 3
    assert isinstance(error, UpstreamTimeoutError)


async def test_an_answer_waits_before_it_begins_and_can_be_given_up(upstream: MockUpstream) -> None:
    sending = asyncio.create_task(upstream.send({"delay_s": LONG_S}))
    while not upstream.tally.requests:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not sending.done()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_a_cancelled_read_loses_nothing_and_does_not_begin_its_wait_anew(
    upstream: MockUpstream,
) -> None:
    response = await upstream.send({"chunk_delay_s": 0.02, "text": "one two"}, stream=True)
    parts: list[bytes] = []
    interrupted = 0
    while True:
        try:
            # Shorter than the wait: only if waits add up does an event ever come.
            async with asyncio.timeout(0.005):
                parts.append(await response.body.__anext__())
        except TimeoutError:
            interrupted += 1
        except StopAsyncIteration:
            break
    assert interrupted >= 6
    assert upstream.provider.text_in(b"".join(parts), stream=True) == "one two"
    assert parts[-1] == b"data: [DONE]\n\n"


async def test_a_body_that_is_closed_early_is_counted_once_and_never_looks_complete(
    upstream: MockUpstream,
) -> None:
    response = await upstream.send(stream=True)
    await response.body.__anext__()
    await response.body.aclose()
    await response.body.aclose()
    with pytest.raises(UpstreamError):
        await response.body.__anext__()
    assert upstream.tally.bodies_closed_early == 1
    assert upstream.tally.bodies_completed == 0


async def test_closing_a_body_ends_the_read_that_waits(upstream: MockUpstream) -> None:
    response = await upstream.send({"stall_after": 0}, stream=True)
    reading = asyncio.create_task(read(response.body))
    await asyncio.sleep(0)
    await response.body.aclose()
    parts, error = await asyncio.wait_for(reading, timeout=10)
    assert parts == []
    assert isinstance(error, UpstreamError)


async def test_closing_a_body_that_was_read_to_its_end_is_not_early(upstream: MockUpstream) -> None:
    response = await upstream.send()
    await read(response.body)
    await response.body.aclose()
    assert (upstream.tally.bodies_completed, upstream.tally.bodies_closed_early) == (1, 0)
