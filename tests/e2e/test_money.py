"""What a request costs, followed through the pages: reserved, settled, refused, refunded."""

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.dashboard import Dashboard
from tests.fakes.gateway_process import GatewayProcess

POLL = "document.dispatchEvent(new Event('visibilitychange'))"
WITHOUT_END: dict[str, Any] = {"mock": {"delay_s": 300}}


def ask(gateway: GatewayProcess, secret: str, *, words: int = 1, **more: Any) -> None:
    with openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=secret, max_retries=0, timeout=20
    ) as client:
        messages: Any = [{"role": "user", "content": "Hello " * words}]
        client.chat.completions.create(
            model="paid-mock", messages=messages, max_tokens=50, extra_body=more
        )


def tile(dashboard: Dashboard, label: str) -> Locator:
    return dashboard.page.locator("dl > div").filter(has_text=label)


def money(inside: Locator, usd: str) -> Locator:
    """An amount to its last digit: as it stands there, or as it is told when one points at it."""
    exact = f"${usd}"
    return inside.get_by_title(exact, exact=True).or_(inside.get_by_text(exact, exact=True)).first


def open_row(dashboard: Dashboard, number: int = 0) -> Locator:
    """The drawer of a request of the list."""
    dashboard.page.get_by_role("link", name="Open the request of").nth(number).click()
    drawer = dashboard.page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Ledger")).to_be_visible()
    return drawer


@pytest.fixture
def fresh_dashboard(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """Before a gateway that nobody has asked anything yet."""
    gateway = GatewayProcess(tmp_path_factory.mktemp("fresh"))
    try:
        opened = Dashboard(page, gateway.start())
        opened.sign_in()
        yield opened
    finally:
        gateway.close()


def test_the_first_request_is_seen_to_arrive(fresh_dashboard: Dashboard) -> None:
    dashboard, page = fresh_dashboard, fresh_dashboard.page
    dashboard.open("/")
    example = page.get_by_role("region", name="curl example")
    expect(example).to_contain_text(f"{dashboard.gateway.url}/v1/chat/completions")
    expect(page.get_by_text("Waiting for the first request")).to_be_visible()
    assert dashboard.violations() == []

    page.get_by_role("button", name="Create another key").click()
    form = dashboard.dialog("Create a key")
    form.get_by_label("Name", exact=True).fill("newcomer")
    form.get_by_role("button", name="Create key").click()
    once = dashboard.dialog("“newcomer” is ready")
    secret = once.get_by_label("The key").input_value()
    once.get_by_label("I have saved it").check()
    once.get_by_role("button", name="Done").click()

    ask(dashboard.gateway, secret)
    [request] = dashboard.gateway.settled(1, "newcomer")
    expect(page.get_by_text("It is here: paid-mock")).to_be_visible()
    page.get_by_role("button", name="Show the overview").click()
    expect(money(tile(dashboard, "Spent today"), request["cost_usd"])).to_be_visible()
    expect(tile(dashboard, "Requests today")).to_contain_text("1 this month")
    assert dashboard.complaints == []


def test_money_is_reserved_while_a_request_is_at_work(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    secret = gateway.create_key("at work", "5")
    ask(gateway, secret)
    gateway.settled(1, "at work")
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(ask, gateway, secret, **WITHOUT_END)
        dashboard.open("/")
        expect(tile(dashboard, "Reserved now")).to_contain_text("for 1 request")
        [live] = gateway.admin.get("/api/live").json()["data"]
        expect(money(tile(dashboard, "Reserved now"), live["reserved_usd"])).to_be_visible()
        gateway.admin.post(f"/api/live/{live['id']}/stop")
        with pytest.raises(openai.APIStatusError):
            running.result()
    gateway.settled(2, "at work")
    dashboard.page.evaluate(POLL)
    expect(tile(dashboard, "Reserved now")).to_contain_text("$0.00nothing in flight")


def test_the_pouch_nearest_its_limit_stands_first(dashboard: Dashboard) -> None:
    secret = dashboard.gateway.create_key("nearly full", "0.00052")
    ask(dashboard.gateway, secret)
    dashboard.gateway.settled(1, "nearly full")
    dashboard.open("/")
    budgets = dashboard.page.get_by_role("meter")
    fullest = [int(budget.get_attribute("aria-valuenow") or 0) for budget in budgets.all()]
    assert fullest == sorted(fullest, reverse=True)
    dashboard.page.get_by_role("link", name="nearly full").first.click()
    expect(dashboard.dialog("nearly full")).to_be_visible()


def test_a_request_tells_what_it_reserved_what_it_cost_and_why(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    ask(gateway, gateway.create_key("storied", "5"))
    [request] = gateway.settled(1, "storied")
    dashboard.open(f"/requests?key={request['key']}")
    expect(dashboard.page.locator("tbody")).to_contain_text("given back")
    drawer = open_row(dashboard)
    for amount in (request["reserved_usd"], request["cost_usd"]):
        expect(money(drawer, amount)).to_be_visible()
    cost = drawer.get_by_role("group", name="Cost")
    expect(cost.get_by_role("row", name="Charged")).to_contain_text(f"${request['cost_usd']}")
    expect(drawer).to_contain_text(f"pouch-{gateway.port}.yaml, line")
    steps = drawer.get_by_role("list", name="Where the time went").get_by_role("listitem")
    expect(steps.first).to_contain_text("rate_limit")
    expect(steps.last).to_contain_text("money reserved")
    entries = drawer.get_by_role("group", name="Entries of").get_by_role("row")
    expect(entries).to_contain_text(["Entry", "reserve", "settle"])
    expect(entries.nth(2)).to_contain_text(f"+${request['cost_usd']}")
    assert f"id={request['id']}" in dashboard.page.url
    dashboard.page.go_back()
    expect(drawer).to_be_hidden()


def test_a_refusal_tells_its_reason_and_the_step(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    secret = gateway.create_key("capped", "0.002")
    with pytest.raises(openai.APIStatusError) as refusal:
        for _ in range(20):
            ask(gateway, secret, words=400)
    assert refusal.value.status_code == 402
    dashboard.open(f"/requests?key={gateway.key('capped')['id']}&error=budget_exceeded")
    expect(dashboard.page.locator("tbody tr")).to_have_count(1)
    drawer = open_row(dashboard)
    told = refusal.value.body
    assert isinstance(told, dict)
    expect(drawer).to_contain_text(told["message"])
    expect(drawer).to_contain_text("Budget reached by the step usage_tracking")
    expect(drawer).to_contain_text("Nothing was reserved")
    assert dashboard.complaints == []


def test_a_request_is_refunded_once_and_for_a_reason(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    ask(gateway, gateway.create_key("given back", "5"))
    [request] = gateway.settled(1, "given back")
    dashboard.open(f"/requests?id={request['id']}")
    page = dashboard.page
    page.get_by_role("button", name="Refund").click()
    asking = dashboard.dialog("Refund this request?")
    expect(asking.get_by_label("Amount in USD")).to_have_value(request["cost_usd"])
    asking.get_by_label("Amount in USD").fill("1000")
    asking.get_by_label("Reason").fill("the answer was <b>empty</b>")
    asking.get_by_role("button", name="Refund").click()
    expect(asking.get_by_role("alert")).to_be_visible()
    asking.get_by_label("Amount in USD").fill(request["cost_usd"])
    asking.get_by_role("button", name="Refund").click()
    expect(asking).to_be_hidden()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("the answer was <b>empty</b>")
    expect(drawer.get_by_role("button", name="Refund")).to_have_count(0)
    [refunded] = gateway.requests("given back")
    assert refunded["refunded_usd"] == request["cost_usd"]


def test_new_requests_are_counted_and_do_not_move_the_list(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    secret = gateway.create_key("moving")
    ask(gateway, secret)
    gateway.settled(1, "moving")
    dashboard.open(f"/requests?key={gateway.key('moving')['id']}")
    rows = dashboard.page.locator("tbody tr")
    expect(rows).to_have_count(1)
    ask(gateway, secret)
    gateway.settled(2, "moving")
    dashboard.page.evaluate(POLL)
    new = dashboard.page.get_by_role("button", name="1 new")
    expect(new).to_be_visible()
    expect(rows).to_have_count(1)
    new.click()
    expect(rows).to_have_count(2)
    expect(new).to_be_hidden()


def test_filters_live_in_the_address(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    secret = gateway.create_key("filtered", models=["mock"])
    with pytest.raises(openai.PermissionDeniedError):
        ask(gateway, secret)
    dashboard.open("/requests")
    page = dashboard.page
    page.get_by_role("button", name="Key: every key").click()
    page.get_by_label("Search name or prefix").fill("filtere")
    page.get_by_role("group", name="Key").get_by_role("button", name="filtered").click()
    page.get_by_label("Outcome").select_option(label="Model not allowed")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert f"key={gateway.key('filtered')['id']}&error=model_not_allowed" in page.url
    page.reload()
    expect(page.get_by_role("button", name="Key: filtered")).to_be_visible()
    page.get_by_label("Outcome").select_option(label="Succeeded")
    expect(page.get_by_text("No requests match")).to_be_visible()
    page.get_by_role("button", name="Clear filters").first.click()
    expect(page.get_by_role("button", name="Key: every key")).to_be_visible()
    assert "?" not in page.url


def test_usage_is_shared_out_by_key_and_saved_as_a_file(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    ask(gateway, gateway.create_key("counted"))
    [request] = gateway.settled(1, "counted")
    dashboard.open(f"/usage?by=model&key={request['key']}")
    row = dashboard.page.locator("tbody tr").filter(has_text=request["model"])
    expect(row).to_contain_text("100%")
    expect(money(row, request["cost_usd"])).to_be_visible()
    with dashboard.page.expect_download() as saving:
        dashboard.page.get_by_role("button", name="Download CSV").click()
    with saving.value.path().open(encoding="utf-8", newline="") as file:
        [saved] = csv.DictReader(file)
    assert (saved["by"], saved["cost_usd"]) == (request["model"], request["cost_usd"])
    row.get_by_role("link").click()
    expect(dashboard.page.get_by_role("button", name="Key: counted")).to_be_visible()
    expect(dashboard.page.locator("tbody tr")).to_have_count(1)
    assert dashboard.complaints == []


PAGES: dict[str, Callable[[Dashboard], Locator]] = {
    "/": lambda dashboard: tile(dashboard, "Spent today"),
    "/requests": lambda dashboard: dashboard.page.locator("tbody tr").first,
    "/usage": lambda dashboard: tile(dashboard, "Tokens"),
}


@pytest.mark.parametrize("path", PAGES)
def test_what_was_seen_stays_when_the_gateway_goes_away(dashboard: Dashboard, path: str) -> None:
    ask(dashboard.gateway, dashboard.gateway.create_key("seen"))
    dashboard.gateway.settled(1, "seen")
    dashboard.open(path)
    seen = PAGES[path](dashboard).inner_text()
    dashboard.page.context.set_offline(True)
    dashboard.page.evaluate(POLL)
    expect(dashboard.page.get_by_text("The gateway cannot be reached.").first).to_be_visible()
    assert PAGES[path](dashboard).inner_text() == seen
    dashboard.page.context.set_offline(False)
    dashboard.page.evaluate(POLL)
    expect(dashboard.page.get_by_text("The gateway cannot be reached.")).to_have_count(0)
