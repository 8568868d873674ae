"""Watching what is at work, and stopping it."""

from playwright.sync_api import expect

from tests.e2e.at_work import FAR, Asking, listed
from tests.e2e.dashboard import Dashboard


def test_a_request_at_work_is_stopped_and_its_client_told(dashboard: Dashboard) -> None:
    secret = dashboard.gateway.create_key("stalled", "1")
    asking = Asking(dashboard.gateway, secret, text="slow and slower", stall_after=2)
    dashboard.gateway.at_work(1, "stalled")
    dashboard.open("/live")
    row = dashboard.page.get_by_role("row").filter(has_text="stalled")
    expect(row).to_contain_text("Answering")
    expect(row).to_contain_text("≈ $0.0")
    row.get_by_role("button", name="Stop").click()
    asked = dashboard.dialog("Stop this request?")
    expect(asked).to_contain_text("stalled")
    asked.get_by_role("button", name="Stop request").click()
    expect(dashboard.page.get_by_text("The request is stopped.")).to_be_visible()
    expect(row).to_have_count(0)
    assert "stopped_by_administrator" in asking.ended()
    [request] = dashboard.gateway.settled(1, "stalled")
    assert request["evidence"] == "counted"
    assert dashboard.complaints == []


def test_a_request_that_ended_by_itself_is_not_called_stopped(dashboard: Dashboard) -> None:
    secret = dashboard.gateway.create_key("ending", "1")
    asking = Asking(dashboard.gateway, secret, text="soon", stall_after=1, stall_s=2)
    dashboard.gateway.at_work(1, "ending")
    dashboard.open("/live")
    row = dashboard.page.get_by_role("row").filter(has_text="ending")
    row.get_by_role("button", name="Stop").click()
    asking.ended()
    dashboard.gateway.settled(1, "ending")
    dashboard.dialog("Stop this request?").get_by_role("button", name="Stop request").click()
    expect(dashboard.page.get_by_text("The request had ended already.")).to_be_visible()


def test_nothing_at_work_is_said_calmly(dashboard: Dashboard) -> None:
    dashboard.page.route("**/api/live", lambda route: route.fulfill(json=listed()))
    dashboard.open("/live")
    expect(dashboard.page.get_by_text("Nothing at work", exact=True)).to_be_visible()


def test_what_only_other_workers_know_is_not_shown_as_nothing(dashboard: Dashboard) -> None:
    elsewhere = listed(*(FAR | {"id": f"req_{number}"} for number in range(2)))
    dashboard.page.route("**/api/live", lambda route: route.fulfill(json=elsewhere))
    dashboard.open("/live")
    expect(dashboard.page.get_by_text("2 are served by other workers")).to_be_visible()
    row = dashboard.page.get_by_role("row").filter(has_text="far away").first
    expect(row).to_contain_text("1:15")
    expect(row.get_by_title("At work for more than 60 s")).to_be_visible()
    cells = row.get_by_role("cell")
    expect(cells.nth(2)).to_have_text("Other worker")
    expect(cells.nth(3)).to_have_text("—")
    expect(cells.nth(4)).to_contain_text("—of $0.05")
    assert dashboard.violations() == []


def test_a_gateway_that_goes_away_leaves_what_was_at_work(dashboard: Dashboard) -> None:
    dashboard.page.route("**/api/live", lambda route: route.fulfill(json=listed(FAR)))
    dashboard.open("/live")
    expect(dashboard.page.get_by_text("far away")).to_be_visible()
    dashboard.page.unroute("**/api/live")
    dashboard.page.context.set_offline(True)
    expect(dashboard.page.get_by_text("The gateway cannot be reached.")).to_be_visible()
    expect(dashboard.page.get_by_text("far away")).to_be_visible()
    dashboard.page.context.set_offline(False)
    expect(dashboard.page.get_by_text("The gateway cannot be reached.")).to_be_hidden()
