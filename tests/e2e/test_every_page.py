"""Every page and dialog, on both widths, in both themes: accessible, quiet, within the screen."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.at_work import FAR, listed
from tests.e2e.dashboard import Dashboard
from tests.fakes.gateway_process import GatewayProcess

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}

PAGES = (
    "/",
    "/?range=24h&by=key",
    "/usage",
    "/usage?by=key&split=model&range=24h",
    "/requests",
    "/requests?failed=true",
    "/requests?evidence=overrun",
    "/live",
    "/keys",
    "/keys?view=pouches",
    "/keys?q=nothing-has-this-name",
    "/providers",
    "/providers?q=nothing-has-this-name",
    "/pipeline",
    "/playground",
    "/settings",
    "/login",
)


def create_a_key(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.page.get_by_role("button", name="Create key").click()
    dashboard.page.get_by_text("Rate limit, expiry, provider").click()


def save_a_secret(dashboard: Dashboard) -> None:
    create_a_key(dashboard)
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill("shown once")
    form.get_by_role("button", name="Create key").click()
    dashboard.page.get_by_role("region", name="curl example").wait_for()


def look_at_a_key(dashboard: Dashboard) -> None:
    dashboard.open(f"/keys?id={dashboard.gateway.key('production')['id']}")
    dashboard.page.get_by_text("Last requests").wait_for()


def rotate_a_key(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.choose("production", "Rotate")


def revoke_a_key(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.choose("production", "Revoke")


def create_a_pouch(dashboard: Dashboard) -> None:
    dashboard.open("/keys?view=pouches")
    dashboard.page.get_by_role("button", name="Create pouch").click()


def look_at_a_request(dashboard: Dashboard) -> None:
    newest = dashboard.gateway.requests("production")[0]
    dashboard.open(f"/requests?id={newest['id']}")
    dashboard.page.get_by_role("heading", name="Ledger").wait_for()


def look_at_a_refusal(dashboard: Dashboard) -> None:
    dashboard.open("/requests?error=budget_exceeded")
    dashboard.page.get_by_role("link", name="Open the request of").first.click()
    dashboard.page.get_by_role("link", name="Others that ended so").wait_for()


def refund_a_request(dashboard: Dashboard) -> None:
    look_at_a_request(dashboard)
    dashboard.page.get_by_role("button", name="Refund").click()


def choose_a_key(dashboard: Dashboard) -> None:
    dashboard.open("/usage")
    dashboard.page.get_by_role("button", name="Key: every key").click()
    dashboard.page.get_by_role("group", name="Key").get_by_text("switched off").wait_for()


def stop_a_request(dashboard: Dashboard) -> None:
    dashboard.page.route("**/api/live", lambda route: route.fulfill(json=listed(FAR)))
    dashboard.open("/live")
    dashboard.page.get_by_role("button", name="Stop req_1").click()


def ask_in_the_playground(dashboard: Dashboard) -> None:
    key = dashboard.gateway.key("production")["id"]
    dashboard.open(f"/playground?key={key}&model=paid-mock")
    dashboard.page.get_by_label("User", exact=True).fill("How much?")
    dashboard.page.get_by_role("button", name="Send").click()
    dashboard.page.get_by_text("Settled.").wait_for()


def write_all_of_a_request(dashboard: Dashboard) -> None:
    dashboard.open("/playground?model=unpriced")
    dashboard.page.get_by_role("button", name="Add a system message").click()
    dashboard.page.get_by_role("button", name="Add a message").click()
    dashboard.page.get_by_text("More fields of the request").click()
    dashboard.page.get_by_label("As JSON").fill("{")
    dashboard.page.get_by_role("button", name="Send").click()
    dashboard.page.get_by_text("An object in JSON").wait_for()


def change_a_step(dashboard: Dashboard) -> None:
    dashboard.open("/pipeline?step=mock")
    dashboard.dialog("mock").get_by_label("match").fill("openai/*")
    dashboard.dialog("mock").get_by_text("Changed only here").wait_for()


def copy_the_pipeline(dashboard: Dashboard) -> None:
    dashboard.open("/pipeline")
    dashboard.page.get_by_label("usage_tracking is on").uncheck()
    dashboard.page.get_by_role("button", name="Pipeline as YAML").click()


def look_at_a_price(dashboard: Dashboard) -> None:
    dashboard.open("/providers?model=gpt-4o-mini")
    dashboard.dialog("gpt-4o-mini").wait_for()


def try_the_providers(dashboard: Dashboard) -> None:
    dashboard.open("/providers")
    for name in ("mock", "scripted"):
        dashboard.page.get_by_role("button", name=f"Test {name}").click()
    dashboard.page.get_by_text("Does not work").wait_for()


def save_a_token(dashboard: Dashboard) -> None:
    """As it is where the gateway made the token itself, without ending the session of others."""
    about = dashboard.gateway.admin.get("/api/about").json() | {"admin_token": "store"}
    dashboard.page.route("**/api/about", lambda route: route.fulfill(json=about))
    new = {"token": "pouch-admin-" + "x" * 43}
    rotate = "**/api/admin-token/rotate"
    dashboard.page.route(rotate, lambda route: route.fulfill(status=201, json=new))
    dashboard.open("/settings")
    dashboard.page.get_by_role("button", name="Rotate the admin token").click()
    dashboard.page.get_by_role("button", name="Rotate token").click()
    dashboard.dialog("The new admin token").wait_for()


STATES: tuple[Callable[[Dashboard], None], ...] = (
    create_a_key,
    save_a_secret,
    look_at_a_key,
    rotate_a_key,
    revoke_a_key,
    create_a_pouch,
    look_at_a_request,
    look_at_a_refusal,
    refund_a_request,
    choose_a_key,
    stop_a_request,
    ask_in_the_playground,
    write_all_of_a_request,
    change_a_step,
    copy_the_pipeline,
    look_at_a_price,
    try_the_providers,
    save_a_token,
)


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(SIZES))
def dashboard(
    request: pytest.FixtureRequest, browser: Browser, theme: str, busy_gateway: GatewayProcess
) -> Iterator[Dashboard]:
    width, height = SIZES[request.param]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.set_default_timeout(10_000)
    opened = Dashboard(page, busy_gateway)
    opened.sign_in()
    yield opened
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_quiet_and_fits(dashboard: Dashboard, theme: str, path: str) -> None:
    dashboard.open(path)
    assert dashboard.page.locator("html").get_attribute("data-theme") == f"pouch-{theme}"
    assert dashboard.violations() == []
    assert not dashboard.is_wider_than_the_screen()
    assert dashboard.complaints == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_dialog_is_accessible_quiet_and_fits(
    dashboard: Dashboard, state: Callable[[Dashboard], None]
) -> None:
    state(dashboard)
    assert dashboard.violations() == []
    assert not dashboard.is_wider_than_the_screen()
    assert dashboard.complaints == []
