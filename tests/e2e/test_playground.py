"""Asking a model from the browser, and what that costs."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.dashboard import Dashboard
from tests.fakes.gateway_process import GatewayProcess

SLOW = {"text": "one coin after the other " * 40, "chunk_delay_s": 0.05}


def opened(dashboard: Dashboard, key: str, model: str = "paid-mock") -> None:
    """The playground with a key of its own, and a question written."""
    dashboard.gateway.create_key(key, "1")
    key_id = dashboard.gateway.key(key)["id"]
    dashboard.open(f"/playground?key={key_id}&model={model}")
    dashboard.page.get_by_label("User", exact=True).fill("Where does the money go?")


def misbehaving(dashboard: Dashboard, **mock: object) -> None:
    dashboard.page.get_by_text("More fields of the request").click()
    dashboard.page.get_by_label("As JSON").fill(json.dumps({"mock": mock}))


def press(dashboard: Dashboard, button: str) -> None:
    dashboard.page.get_by_role("button", name=button, exact=True).click()


def answer(dashboard: Dashboard) -> Locator:
    return dashboard.page.get_by_role("region", name="Answer", exact=True)


def figure(dashboard: Dashboard, name: str) -> Locator:
    term = dashboard.page.get_by_role("term").filter(has_text=name)
    return answer(dashboard).locator("dl > div").filter(has=term).get_by_role("definition")


def exactly(inside: Locator, usd: str) -> Locator:
    """An amount, as it stands there or as it is told when one points at it."""
    return inside.get_by_title(f"${usd}", exact=True).or_(inside.get_by_text(f"${usd}", exact=True))


def test_an_answer_streams_and_ends_with_what_it_cost(dashboard: Dashboard) -> None:
    opened(dashboard, "asker")
    expect(dashboard.page.get_by_text("Reserves at most")).to_be_visible()
    press(dashboard, "Send")
    expect(answer(dashboard)).to_contain_text("Complete")
    expect(answer(dashboard)).to_contain_text('Mock response to: "Where does the money go?"')
    [request] = dashboard.gateway.settled(1, "asker")
    assert request["endpoint"] == "/api/playground"
    expect(exactly(figure(dashboard, "Cost"), request["cost_usd"])).to_be_visible()
    expect(dashboard.page.get_by_text("left of $1.00")).not_to_contain_text("$1.00 left")
    assert dashboard.complaints == []


def test_an_answer_that_is_stopped_is_charged_for_what_came(dashboard: Dashboard) -> None:
    opened(dashboard, "stopper")
    misbehaving(dashboard, **SLOW)
    press(dashboard, "Send")
    expect(answer(dashboard)).to_contain_text("one coin after the other")
    expect(figure(dashboard, "Cost so far")).to_contain_text("≈ $0.0")
    press(dashboard, "Stop")
    expect(answer(dashboard)).to_contain_text("Stopped")
    expect(answer(dashboard)).to_contain_text("Settled. Counted")
    [request] = dashboard.gateway.settled(1, "stopper")
    expect(exactly(figure(dashboard, "Cost"), request["cost_usd"])).to_be_visible()
    expect(dashboard.page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    assert dashboard.complaints == []


def test_what_is_stopped_before_the_answer_begins_is_found_and_settled(
    dashboard: Dashboard,
) -> None:
    opened(dashboard, "impatient")
    misbehaving(dashboard, delay_s=30)
    press(dashboard, "Send")
    expect(answer(dashboard)).to_contain_text("Waiting")
    live = dashboard.gateway.at_work(1, "impatient")
    assert live[0]["phase"] == "waiting"
    press(dashboard, "Stop")
    expect(answer(dashboard)).to_contain_text("Stopped before the answer began.")
    expect(answer(dashboard)).to_contain_text("Settled.", timeout=20_000)
    [request] = dashboard.gateway.settled(1, "impatient")
    expect(figure(dashboard, "Cost")).not_to_have_text("—")
    assert request["evidence"] in {"counted", "held_full"}


def test_a_stream_that_breaks_shows_what_came_and_why(dashboard: Dashboard) -> None:
    opened(dashboard, "unlucky")
    misbehaving(dashboard, text="half an answer and then", chunk_delay_s=0.2, cut_after=3)
    press(dashboard, "Send")
    expect(answer(dashboard)).to_contain_text("Broke off")
    expect(answer(dashboard)).to_contain_text("half")
    expect(answer(dashboard).get_by_role("alert")).to_contain_text("upstream_error")
    expect(answer(dashboard)).to_contain_text("Settled. Counted")


def test_a_refusal_is_told_before_and_after_it_is_asked_for(dashboard: Dashboard) -> None:
    opened(dashboard, "refused", model="unpriced")
    expect(dashboard.page.get_by_text("It would be refused")).to_contain_text("No price is known")
    press(dashboard, "Send")
    expect(answer(dashboard).get_by_role("alert")).to_contain_text("model_not_priced")


def test_an_answer_that_is_no_stream_is_shown_whole_and_can_be_replied_to(
    dashboard: Dashboard,
) -> None:
    opened(dashboard, "talker", model="mock")
    dashboard.page.get_by_label("Stream the answer").uncheck()
    press(dashboard, "Send")
    expect(answer(dashboard)).to_contain_text("Complete")
    press(dashboard, "Reply")
    expect(dashboard.page.get_by_label("Assistant")).to_have_value(
        'Mock response to: "Where does the money go?"'
    )
    dashboard.page.get_by_label("User", exact=True).last.fill("And then?")
    press(dashboard, "Send")
    expect(answer(dashboard)).to_contain_text('Mock response to: "And then?"')


def test_only_models_that_the_key_may_use_are_offered(dashboard: Dashboard) -> None:
    dashboard.gateway.create_key("narrow", models=["mock/*"])
    dashboard.open(f"/playground?key={dashboard.gateway.key('narrow')['id']}")
    offered = dashboard.page.get_by_label("Model", exact=True).locator("option").all_inner_texts()
    assert offered == ["mock", "paid-mock", "Another name …"]


def test_the_request_is_copied_as_curl_without_a_secret(dashboard: Dashboard) -> None:
    dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(dashboard, "copier")
    press(dashboard, "Copy as curl")
    expect(dashboard.page.get_by_role("button", name="Copied")).to_be_visible()
    curl = dashboard.page.evaluate("navigator.clipboard.readText()")
    assert f"{dashboard.gateway.url}/v1/chat/completions" in curl
    assert "Bearer $POUCH_KEY" in curl
    assert '"Where does the money go?"' in curl


@pytest.fixture
def unused(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """The dashboard of a gateway of its own."""
    gateway = GatewayProcess(tmp_path_factory.mktemp("unused"))
    page = browser.new_page()
    try:
        opened = Dashboard(page, gateway.start())
        opened.sign_in()
        yield opened
    finally:
        page.close()
        gateway.close()


def test_without_a_key_it_says_to_make_one(unused: Dashboard) -> None:
    for key in unused.gateway.admin.get("/api/keys").json()["data"]:
        unused.gateway.admin.delete(f"/api/keys/{key['id']}")
    unused.open("/playground")
    expect(unused.page.get_by_text("Make a key first")).to_be_visible()
    assert unused.violations() == []
    unused.page.get_by_role("link", name="Go to Keys").click()
    expect(unused.page.get_by_role("heading", level=1, name="Keys")).to_be_visible()
