"""A real ``pouch serve`` with the mock provider, and a real Chromium before its dashboard."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.dashboard import AXE, Dashboard
from tests.fakes.gateway_process import GatewayProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 10_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = None
    if CHROMIUM is None:
        reason = "there is no chromium on this machine"
    elif not AXE.is_file():
        reason = "frontend/node_modules is missing: python hatch_build.py --tools"
    if reason is not None:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        # As root, which CI often is, Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One for all tests of a worker; each test makes keys with names of its own."""
    process = GatewayProcess(tmp_path_factory.mktemp("gateway"))
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture(scope="session")
def busy_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One that has keys in several states, nested pouches and some requests behind it."""
    process = GatewayProcess(tmp_path_factory.mktemp("busy"))
    try:
        process.start()
        _make_busy(process)
        yield process
    finally:
        process.close()


def _make_busy(gateway: GatewayProcess) -> None:
    team = gateway.admin.post(
        "/api/pouches",
        json={"name": "Engineering", "budget": {"limit_usd": "50", "period": "month"}},
    ).json()
    secrets = [
        gateway.create_key("production", "20", pouch=team["id"], models=["paid-mock", "mock"]),
        gateway.create_key("Überwachung 監視"),
        gateway.create_key("nearly used up", "0.002"),
    ]
    gateway.create_key("switched off", "5", models=["mock"])
    gateway.admin.patch(f"/api/keys/{gateway.key('switched off')['id']}", json={"disabled": True})
    for secret in secrets:
        for words in (20, 60, 5000):
            httpx.post(
                f"{gateway.url}/v1/chat/completions",
                headers={"authorization": f"Bearer {secret}"},
                json={
                    "model": "paid-mock",
                    "messages": [{"role": "user", "content": "Hello " * words}],
                    "max_tokens": 50,
                },
                timeout=20,
            )


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def dashboard(page: Page, gateway: GatewayProcess) -> Dashboard:
    """The dashboard of ``gateway``, signed in."""
    opened = Dashboard(page, gateway)
    opened.sign_in()
    return opened
