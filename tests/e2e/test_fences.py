"""What the browser itself keeps out of the dashboard."""

from playwright.sync_api import Page, expect

from tests.e2e.dashboard import Dashboard
from tests.fakes.gateway_process import GatewayProcess

INJECT = """(code) => {
    const script = document.createElement("script");
    script.textContent = code;
    document.body.append(script);
}"""


def test_a_script_that_is_injected_into_a_page_does_not_run(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.page.evaluate(INJECT, "window.injected = true")
    assert dashboard.page.evaluate("window.injected") is None
    assert any("Content Security Policy" in said for said in dashboard.complaints)


def test_a_page_cannot_send_what_it_knows_to_another_host(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    sent = "fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')"
    assert dashboard.page.evaluate(sent) == "refused"
    assert any("connect-src" in said for said in dashboard.complaints)


def test_no_other_site_can_frame_the_dashboard(page: Page, gateway: GatewayProcess) -> None:
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.set_content(f'<iframe src="{gateway.url}/keys"></iframe>')
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Keys")).to_have_count(0)


def test_a_token_never_stands_in_an_address(page: Page, gateway: GatewayProcess) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{gateway.url}/login")
    page.get_by_label("Admin token").fill("a-wrong-token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert not [url for url in asked if "a-wrong-token" in url]
