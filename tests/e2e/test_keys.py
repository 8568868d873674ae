"""A key's life in the browser, from the first sign-in until it is revoked."""

import openai
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dashboard import Dashboard
from tests.fakes.gateway_process import ADMIN_TOKEN, GatewayProcess

HELLO = [{"role": "user", "content": "Hello"}]


def ask(gateway: GatewayProcess, secret: str, words: int = 1) -> None:
    with openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=secret, max_retries=0, timeout=20
    ) as client:
        messages = [{"role": "user", "content": "Hello " * words}]
        client.chat.completions.create(model="paid-mock", messages=messages, max_tokens=50)  # type: ignore[arg-type]


def made(dashboard: Dashboard, name: str, **more: str) -> str:
    """A key that the form made; its secret, from the dialog that shows it once."""
    dashboard.open("/keys")
    dashboard.page.get_by_role("button", name="Create key").click()
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill(name)
    if "limit" in more:
        form.get_by_label("Limit in USD").fill(more["limit"])
    form.get_by_role("button", name="Create key").click()
    return saved(dashboard, f"“{name}” is ready")


def saved(dashboard: Dashboard, title: str) -> str:
    """The secret that is shown once, after one has said that it is saved."""
    once = dashboard.dialog(title)
    secret = once.get_by_label("The key").input_value()
    once.get_by_label("I have saved it").check()
    once.get_by_role("button", name="Done").click()
    expect(once).to_be_hidden()
    return secret


def test_who_is_signed_out_signs_in_and_gets_where_they_wanted(
    page: Page, gateway: GatewayProcess
) -> None:
    page.goto(f"{gateway.url}/keys?view=pouches")
    page.wait_for_url("**/login?next=*")
    page.get_by_label("Admin token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Admin token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/keys?view=pouches")
    expect(page.get_by_role("heading", name="Pouches")).to_be_visible()
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_signing_out_takes_the_cookie_back(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.page.get_by_role("button", name="Sign out").click()
    dashboard.page.wait_for_url("**/login")
    assert dashboard.page.context.cookies() == []


def test_a_key_is_made_copied_used_and_seen_to_spend(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.page.get_by_role("button", name="Create key").click()
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill("reader")
    form.get_by_label("Limit in USD").fill("2.50")
    form.get_by_label("Models", exact=True).fill("paid-mock")
    expect(form).to_contain_text("“reader” may spend $2.50 a month, on paid-mock.")
    form.get_by_role("button", name="Create key").click()
    secret = saved(dashboard, "“reader” is ready")

    ask(dashboard.gateway, secret)
    [request] = dashboard.gateway.settled(1, "reader")
    dashboard.page.reload()
    row = dashboard.row("reader")
    expect(row).to_contain_text("of $2.50")
    spent = row.get_by_role("meter").get_attribute("title")
    assert spent == f"${request['cost_usd']} spent, $0.00 reserved of $2.50"
    dashboard.page.get_by_role("link", name="Open reader").click()
    story = dashboard.dialog("reader")
    expect(story.get_by_role("link", name="Open this request")).to_have_count(1)
    assert dashboard.complaints == []


def test_what_is_shown_once_is_not_closed_by_accident(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.page.get_by_role("button", name="Create key").click()
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill("shown once")
    form.get_by_role("button", name="Create key").click()
    once = dashboard.dialog("“shown once” is ready")
    expect(once).to_be_visible()
    for _ in range(3):
        dashboard.page.keyboard.press("Escape")
    dashboard.page.mouse.click(5, 5)
    expect(once).to_be_visible()
    expect(once.get_by_role("button", name="Done")).to_be_disabled()
    saved(dashboard, "“shown once” is ready")
    expect(dashboard.row("shown once")).to_be_visible()


def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(dashboard: Dashboard) -> None:
    dashboard.open("/keys")
    dashboard.page.get_by_role("button", name="Create key").click()
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill("<script>")
    form.get_by_label("Limit in USD").fill("five")
    form.get_by_role("button", name="Create key").click()
    expect(form).to_contain_text("An amount such as 5 or 0.25.")
    form.get_by_label("Limit in USD").fill("5")
    form.get_by_role("button", name="Create key").click()
    expect(form).to_contain_text("a name has letters")
    expect(form.get_by_label("Name", exact=True)).to_have_value("<script>")


def test_a_key_at_its_limit_says_so_until_it_is_reset(dashboard: Dashboard) -> None:
    secret = made(dashboard, "small", limit="0.002")
    with pytest.raises(openai.APIStatusError) as refusal:
        for _ in range(20):
            ask(dashboard.gateway, secret, words=400)
    assert refusal.value.status_code == 402
    dashboard.open("/keys")
    dashboard.page.get_by_role("link", name="Open small").click()
    story = dashboard.dialog("small")
    expect(story.get_by_text("402").first).to_be_visible()
    expect(story).not_to_contain_text("$0.00 of")
    story.get_by_role("button", name="More actions").click()
    story.get_by_role("button", name="Reset budget").click()
    dashboard.dialog("Reset the budget of “small”?").get_by_role(
        "button", name="Reset budget"
    ).click()
    expect(story).to_contain_text("$0.00 of $0.002")
    ask(dashboard.gateway, secret)


def test_a_rotated_key_has_a_new_secret_and_the_old_one_stops(dashboard: Dashboard) -> None:
    old = made(dashboard, "leaked")
    dashboard.choose("leaked", "Rotate")
    rotating = dashboard.dialog("Rotate “leaked”")
    rotating.get_by_label("At once").check()
    rotating.get_by_role("button", name="Rotate key").click()
    new = saved(dashboard, "A new secret for “leaked”")
    ask(dashboard.gateway, new)
    with pytest.raises(openai.AuthenticationError):
        ask(dashboard.gateway, old)


def test_a_disabled_key_is_refused_until_it_is_enabled(dashboard: Dashboard) -> None:
    secret = made(dashboard, "resting")
    dashboard.choose("resting", "Disable")
    dashboard.dialog("Disable “resting”?").get_by_role("button", name="Disable key").click()
    expect(dashboard.row("resting")).to_contain_text("Disabled")
    with pytest.raises(openai.PermissionDeniedError):
        ask(dashboard.gateway, secret)
    dashboard.choose("resting", "Enable")
    expect(dashboard.row("resting")).to_contain_text("Active")
    ask(dashboard.gateway, secret)


def test_a_key_is_revoked_once_its_name_is_typed(dashboard: Dashboard) -> None:
    secret = made(dashboard, "doomed")
    dashboard.choose("doomed", "Revoke")
    asking = dashboard.dialog("Revoke “doomed”?")
    expect(asking.get_by_role("button", name="Revoke key")).to_be_disabled()
    asking.get_by_role("textbox").fill("doomed")
    asking.get_by_role("button", name="Revoke key").click()
    expect(dashboard.row("doomed")).to_have_count(0)
    with pytest.raises(openai.AuthenticationError):
        ask(dashboard.gateway, secret)


def test_a_key_is_edited_and_only_what_changed_is_sent(dashboard: Dashboard) -> None:
    made(dashboard, "growing", limit="1")
    sent = []
    dashboard.page.on("request", lambda request: sent.append((request.method, request.post_data)))
    dashboard.choose("growing", "Edit")
    form = dashboard.dialog("Edit “growing”")
    form.get_by_label("Limit in USD").fill("3")
    form.get_by_role("button", name="Save").click()
    expect(dashboard.row("growing")).to_contain_text("of $3.00")
    assert ("PATCH", '{"budget":{"limit_usd":"3"}}') in sent


def test_keys_are_found_by_name_in_any_script_and_case(dashboard: Dashboard) -> None:
    for name in ("Überprüfung", "監視 eins", "something else"):
        dashboard.gateway.create_key(name)
    dashboard.open("/keys")
    search = dashboard.page.get_by_label("Search name or prefix")
    search.fill("üBERPRÜF")
    expect(dashboard.row("something else")).to_have_count(0)
    expect(dashboard.row("Überprüfung")).to_be_visible()
    assert "q=" in dashboard.page.url
    search.fill("nobody")
    dashboard.page.get_by_role("button", name="Clear filters").click()
    expect(dashboard.row("監視 eins")).to_be_visible()
    assert "q=" not in dashboard.page.url
    dashboard.page.get_by_label("Order").select_option(label="By name")
    dashboard.page.get_by_label("Status").select_option(label="Expired")
    expect(dashboard.page.get_by_text("No keys match")).to_be_visible()


def test_escape_closes_a_menu_before_the_drawer_that_it_is_in(dashboard: Dashboard) -> None:
    dashboard.gateway.create_key("layered")
    dashboard.open(f"/keys?id={dashboard.gateway.key('layered')['id']}")
    story = dashboard.dialog("layered")
    story.get_by_role("button", name="More actions").click()
    expect(story.get_by_role("button", name="Revoke")).to_be_visible()
    dashboard.page.keyboard.press("Escape")
    expect(story.get_by_role("button", name="Revoke")).to_be_hidden()
    expect(story).to_be_visible()
    dashboard.page.keyboard.press("Escape")
    expect(story).to_be_hidden()
    assert "id=" not in dashboard.page.url


def test_a_team_shares_a_pouch_that_its_keys_lie_in(dashboard: Dashboard) -> None:
    dashboard.open("/keys?view=pouches")
    dashboard.page.get_by_role("button", name="Create pouch").click()
    form = dashboard.dialog("Create a pouch")
    form.get_by_label("Name").fill("Data team")
    form.get_by_label("Limit in USD").fill("40")
    form.get_by_role("button", name="Create pouch").click()
    dashboard.choose("Data team", "New key inside")
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill("data bot")
    expect(form).to_contain_text("$40.00 are left in it now")
    form.get_by_role("button", name="Create key").click()
    saved(dashboard, "“data bot” is ready")
    expect(dashboard.page.get_by_role("button", name="What lies in Data team")).to_be_visible()
    assert dashboard.gateway.key("data bot")["pouch"]["parent"] is not None


def test_a_session_that_ends_is_begun_again_over_the_page_as_it_stands(
    dashboard: Dashboard,
) -> None:
    dashboard.open("/keys")
    dashboard.page.get_by_role("button", name="Create key").click()
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill("half typed")
    dashboard.page.context.clear_cookies()
    form.get_by_role("button", name="Create key").click()
    again = dashboard.dialog("Your session has ended")
    again.get_by_label("Admin token").fill(ADMIN_TOKEN)
    again.get_by_role("button", name="Sign in").click()
    expect(again).to_be_hidden()
    form.get_by_role("button", name="Create key").click()
    saved(dashboard, "“half typed” is ready")


def test_a_gateway_that_goes_away_leaves_what_was_seen(dashboard: Dashboard) -> None:
    dashboard.gateway.create_key("still here")
    dashboard.open("/keys")
    dashboard.page.context.set_offline(True)
    dashboard.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(dashboard.page.get_by_text("The gateway cannot be reached.")).to_be_visible()
    expect(dashboard.row("still here")).to_be_visible()
    dashboard.page.context.set_offline(False)
    dashboard.page.get_by_role("button", name="Try again").click()
    expect(dashboard.page.get_by_text("The gateway cannot be reached.")).to_be_hidden()
