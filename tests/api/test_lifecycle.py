"""What outlives its request is waited for; what cannot be waited for is not lost unseen."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sanic import HTTPResponse, Request, Sanic

from pouch.api.background import BackgroundTasks
from tests.fakes.clock import FakeClock
from tests.fakes.server import serve


@pytest.fixture
async def background() -> AsyncIterator[BackgroundTasks]:
    app: Sanic[Any, Any] = Sanic("background")

    @app.get("/")
    async def nothing(request: Request) -> HTTPResponse:
        del request
        return HTTPResponse()

    async with serve(app):
        yield BackgroundTasks(app, FakeClock())


async def test_draining_waits_for_work_and_for_what_that_begins(
    background: BackgroundTasks,
) -> None:
    done: list[str] = []

    async def second() -> None:
        await asyncio.sleep(0)
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        done.append("first")
        background.spawn(second(), name="second")

    background.spawn(first(), name="first")
    assert len(background) == 1
    assert await background.drain(10)
    assert done == ["first", "second"]
    assert len(background) == 0


async def test_work_that_is_not_done_in_time_is_left_and_can_be_cancelled(
    background: BackgroundTasks, caplog: pytest.LogCaptureFixture
) -> None:
    background.spawn(asyncio.sleep(3600), name="settle:req_1")
    await asyncio.sleep(0)
    assert not await background.drain(0)
    assert len(background) == 1
    await background.cancel()
    assert len(background) == 0
    assert "settle:req_1 was cancelled" in caplog.messages


async def test_work_that_fails_is_logged(
    background: BackgroundTasks, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> None:
        raise ValueError("a bug")

    background.spawn(fails(), name="settle:req_1")
    assert await background.drain(10)
    [record] = caplog.records
    assert record.getMessage() == "settle:req_1 failed"
    assert record.exc_info is not None
