"""Every test runs with every carrier on both event loops, unless it says otherwise."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from pouch.infra.http import HttpTransport
from tests.fakes.carriers import LEAN, STOCK, Open, opened


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=[LEAN, STOCK])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def open_transport(kind: str) -> AsyncIterator[Open]:
    async for open_ in opened(kind):
        yield open_


@pytest.fixture
def transport(open_transport: Open) -> HttpTransport:
    return open_transport()
