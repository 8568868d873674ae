"""The pipeline as YAML, providers and prices: what pouch.yaml says, and what it might say."""

import re
import subprocess
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.fakes.gateway_process import GatewayProcess


def with_pipeline(gateway: GatewayProcess, section: str) -> str:
    """The gateway's configuration with other middlewares, which begin its last section."""
    before, _ = gateway.config.read_text(encoding="utf-8").split("middlewares:")
    return before + section


def mistakes(gateway: GatewayProcess, configuration: str, folder: Path) -> str:
    """What ``pouch check`` finds wrong with it; empty where it is right."""
    file = folder / "pouch.yaml"
    file.write_text(configuration, encoding="utf-8")
    command = [*gateway.command, "check", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr if done.returncode else ""


def test_the_pipeline_is_copied_as_yaml_that_pouch_check_accepts(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    page = dashboard.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("/pipeline?step=mock")
    drawer = dashboard.dialog("mock")
    drawer.get_by_label("Enabled").check()
    reply = 'yes: "no" #1 ${NOT_SET} 監視'
    drawer.get_by_label("reply").fill(reply)
    drawer.get_by_label("match").fill("openai/*\npaid-mock")
    expect(drawer.get_by_role("region", name="YAML of mock")).to_contain_text('match: ["openai/*"')
    drawer.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Move rate_limit further in").click()
    page.get_by_role("link", name="rate_limit").click()
    dashboard.dialog("rate_limit").get_by_label("requests").fill("7")
    dashboard.dialog("rate_limit").get_by_role("button", name="Close").click()
    expect(page.get_by_text("2 steps changed, the order is another.")).to_be_visible()

    page.get_by_role("button", name="Pipeline as YAML").click()
    dialog = dashboard.dialog("The pipeline as YAML")
    dialog.get_by_role("button", name="Copy as YAML").click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    section = page.evaluate("navigator.clipboard.readText()")
    assert section.index("budget_reset") < section.index("rate_limit")
    assert mistakes(dashboard.gateway, with_pipeline(dashboard.gateway, section), tmp_path) == ""
    assert dashboard.complaints == []


def test_edits_of_the_pipeline_stay_here_and_are_discarded(dashboard: Dashboard) -> None:
    page = dashboard.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    dashboard.open("/pipeline")
    expect(page.get_by_text("The file stays the only truth.")).to_be_visible()
    page.get_by_label("usage_tracking is on").uncheck()
    expect(page.get_by_text("Changed only here")).to_be_visible()
    expect(page.get_by_text("No step that is on reserves money")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("Changed only here")).to_have_count(0)
    expect(page.get_by_label("usage_tracking is on")).to_be_checked()
    assert set(sent) == {"GET"}


def test_what_cannot_be_meant_is_told_at_its_field(dashboard: Dashboard) -> None:
    dashboard.open("/pipeline?step=rate_limit")
    drawer = dashboard.dialog("rate_limit")
    drawer.get_by_label("requests").fill("0")
    expect(drawer).to_contain_text("Above 0.")
    drawer.get_by_label("requests").fill("")
    expect(drawer).to_contain_text("It cannot be left out.")


def test_a_provider_is_tested_and_says_how_it_answers(dashboard: Dashboard) -> None:
    dashboard.open("/providers")
    rows = dashboard.page.get_by_role("group", name="providers").get_by_role("row")
    works, fails = rows.filter(has_text="uses mock"), rows.filter(has_text="uses openai")
    works.get_by_role("button", name="Test mock").click()
    expect(works).to_contain_text("Works")
    expect(works).to_contain_text("HTTP 200")
    fails.get_by_role("button", name="Test scripted").click()
    expect(fails).to_contain_text("Does not work")
    expect(fails).to_contain_text("could not be reached")
    expect(fails).not_to_contain_text("sk-upstream-secret")
    assert dashboard.complaints == []


def test_a_model_without_a_price_comes_with_the_lines_that_price_it(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    page = dashboard.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("/providers")
    page.get_by_role("button", name="Copy the lines").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    lines = page.evaluate("navigator.clipboard.readText()")
    configuration = dashboard.gateway.config.read_text(encoding="utf-8")
    [model] = re.findall(r'^ +"unheard-of": .*$', lines, re.MULTILINE)
    priced = configuration.replace("    scripted:\n", f"    scripted:\n{model.replace('?', '2')}\n")
    assert mistakes(dashboard.gateway, priced, tmp_path) == ""


def test_models_are_searched_and_the_search_stands_in_the_address(dashboard: Dashboard) -> None:
    dashboard.open("/providers")
    search = dashboard.page.get_by_label("Search models")
    search.fill("GPT")
    expect(dashboard.page.get_by_role("link", name="Open paid-mock")).to_have_count(0)
    assert "q=GPT" in dashboard.page.url
    dashboard.page.get_by_role("link", name="Open gpt-4o-mini").click()
    expect(dashboard.dialog("gpt-4o-mini")).to_contain_text("128,000 tokens")
    dashboard.page.keyboard.press("Escape")
    search.fill("nothing like it")
    expect(dashboard.page.get_by_text("No models match")).to_be_visible()
