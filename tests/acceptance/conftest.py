"""A real gateway process and a scripted provider, shared by the tests of a module."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Upstream, answer, upstream
from tests.simulation.desk import Play
from tests.simulation.desk import play as play_at_desk
from tests.simulation.gateway import Installation


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[Upstream]:
    """Runs in a thread of its own, so that tests and SDK may block."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()
    running: list[Upstream] = []

    async def run() -> None:
        async with upstream() as provider:
            running.append(provider)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(10)
    yield running[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def provider(shared_provider: Upstream) -> Upstream:
    """The scripted provider, well-behaved again."""
    shared_provider.script = answer
    shared_provider.calls.clear()
    return shared_provider


@pytest.fixture(scope="module")
def gateway(
    shared_provider: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """One gateway for the module; each test makes its own key."""
    process = GatewayProcess(tmp_path_factory.mktemp("gateway"), upstream=shared_provider.url)
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture
def own_gateway(shared_provider: Upstream, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway that only this test uses, not yet started."""
    process = GatewayProcess(tmp_path, upstream=shared_provider.url)
    try:
        yield process
    finally:
        process.close()


def client_of(gateway: GatewayProcess, key: str) -> openai.OpenAI:
    """The official SDK, unmodified, that does not retry by itself."""
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=20)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """What every gateway in simulated time is made from."""
    return Installation.make(tmp_path_factory.mktemp("installation"))


@pytest.fixture
def play(installed: Installation, tmp_path: Path) -> Play:
    """Tells a story at a desk of its own."""
    return lambda story: play_at_desk(story, tmp_path / "pouch.db", installed)


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.create_key("bad input", "100")


@pytest.fixture
def chat(gateway: GatewayProcess, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{gateway.url}/v1", headers={"authorization": f"Bearer {key}"}, timeout=60
    ) as client:
        yield client
    assert httpx.get(f"{gateway.url}/health").json() == {"status": "ok"}
