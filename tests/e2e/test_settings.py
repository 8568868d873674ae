"""This gateway, its admin token, and how one sees it."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.dashboard import Dashboard
from tests.fakes.gateway_process import GatewayProcess

WITHOUT_TOKEN = {"POUCH_ADMIN_TOKEN": ""}


@pytest.fixture
def own_token(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Dashboard, str]]:
    """The dashboard of a gateway that made its admin token itself, and that token."""
    gateway = GatewayProcess(tmp_path_factory.mktemp("token"))
    context = browser.new_context()
    try:
        gateway.start(WITHOUT_TOKEN)
        [token] = re.findall(r"pouch-admin-[\w-]+", gateway.log.read_text(encoding="utf-8"))[:1]
        opened = Dashboard(context.new_page(), gateway)
        opened.sign_in(token)
        yield opened, token
    finally:
        context.close()
        gateway.close()


def status_with(gateway: GatewayProcess, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{gateway.url}/api/about", headers=headers, timeout=20).status_code


def test_the_admin_token_is_rotated_and_shown_once(own_token: tuple[Dashboard, str]) -> None:
    dashboard, old = own_token
    page = dashboard.page
    dashboard.open("/settings")
    page.get_by_role("button", name="Rotate the admin token").click()
    dashboard.dialog("Rotate the admin token?").get_by_role("button", name="Rotate token").click()
    once = dashboard.dialog("The new admin token")
    new = once.get_by_label("The token").input_value()
    assert (status_with(dashboard.gateway, old), status_with(dashboard.gateway, new)) == (401, 200)
    for _ in range(3):
        page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(once).to_be_visible()
    expect(once.get_by_role("button", name="Done")).to_be_disabled()
    assert dashboard.violations() == []
    once.get_by_label("I have saved it").check()
    once.get_by_role("button", name="Done").click()
    page.reload()
    expect(page.get_by_text("Pouch 0.")).to_be_visible()
    assert new not in page.content()
    assert dashboard.complaints == []


def test_a_token_of_the_environment_is_not_rotated_but_explained(dashboard: Dashboard) -> None:
    dashboard.open("/settings")
    expect(dashboard.page.get_by_text("It comes from the environment")).to_be_visible()
    expect(dashboard.page.get_by_role("button", name="Rotate the admin token")).to_have_count(0)


def test_a_theme_is_kept_for_every_page(dashboard: Dashboard) -> None:
    dashboard.open("/settings")
    html = dashboard.page.locator("html")
    dashboard.page.get_by_role("button", name="Dark", exact=True).click()
    expect(html).to_have_attribute("data-theme", "pouch-dark")
    dashboard.open("/live")
    expect(html).to_have_attribute("data-theme", "pouch-dark")
