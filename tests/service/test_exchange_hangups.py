"""A client may go at any turn of the event loop."""

import asyncio
import gc

import pytest

from pouch.domain.errors import UpstreamTimeoutError
from tests.service.test_exchange import ANSWER, EVENT, REPORTED, USAGE, Body, Desk


@pytest.mark.parametrize("answered_after", range(5))
@pytest.mark.parametrize("goes_after", range(8))
@pytest.mark.parametrize("stream", [False, True])
async def test_whenever_the_client_goes_the_answer_is_metered_and_the_connection_let_go(
    goes_after: int, answered_after: int, stream: bool
) -> None:
    desk = Desk(stream=stream)
    client = asyncio.ensure_future(desk.response())
    body = Body([EVENT, USAGE] if stream else [ANSWER[:9], ANSWER[9:]])
    for turn in range(max(goes_after, answered_after) + 1):
        if turn == answered_after:
            kind = "text/event-stream" if stream else "application/json"
            desk.transport.answers(body, content_type=kind)
        if turn == goes_after:
            client.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([client])
    if desk.request.meter.exchange is None:
        assert not desk.request.meter.sent
        return
    await desk.finish(drain=True)
    assert desk.request.meter.usage == REPORTED
    assert body.closed


@pytest.mark.parametrize("goes_after", range(1, 6))
async def test_an_error_that_nobody_waits_for_any_more_is_not_reported_as_lost(
    goes_after: int,
) -> None:
    lost: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: lost.append(context))
    desk = Desk()
    client = asyncio.ensure_future(desk.response())
    desk.transport.answer.set_exception(UpstreamTimeoutError("late", reached=True))
    for _ in range(goes_after):
        await asyncio.sleep(0)
    client.cancel()
    await asyncio.wait([client])
    await desk.finish()
    assert client.cancelled() or isinstance(client.exception(), UpstreamTimeoutError)
    del client, desk
    gc.collect()
    assert lost == []
