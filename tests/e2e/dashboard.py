"""The dashboard as a person uses it, in the words of its pages."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.fakes.gateway_process import ADMIN_TOKEN, GatewayProcess

AXE = Path(__file__).resolve().parents[2] / "frontend/node_modules/axe-core/axe.min.js"
_VIOLATIONS = """async () => (await axe.run()).violations.map(({id, nodes}) =>
    `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`)"""


class Dashboard:
    """A page of the dashboard, and what the browser complained of while it was open.

    ``complaints`` are errors of the console, uncaught exceptions, and requests to other hosts.
    """

    def __init__(self, page: Page, gateway: GatewayProcess) -> None:
        self.page = page
        self.gateway = gateway
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._watch)

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location})")

    def _watch(self, request: Any) -> None:
        if not request.url.startswith((self.gateway.url, "data:", "blob:")):
            self.complaints.append(f"another host: {request.url}")

    def sign_in(self, token: str = ADMIN_TOKEN) -> None:
        """By the API, as a browser that has been here before."""
        answer = self.page.context.request.post(
            f"{self.gateway.url}/api/session", data={"token": token}
        )
        assert answer.ok, answer.text()

    def open(self, path: str) -> None:
        """Open a page and wait until it has fetched what it shows."""
        self.page.goto(self.gateway.url + path)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        expect(self.page.locator("[aria-busy=true], .skeleton")).to_have_count(0)

    def row(self, name: str) -> Locator:
        """The row of a table, or the card, whose link opens ``name``."""
        link = self.page.get_by_role("link", name=f"Open {name}", exact=True)
        return self.page.locator("tr, li").filter(has=link)

    def choose(self, name: str, action: str) -> None:
        """An action of the menu in the row of ``name``."""
        self.page.get_by_role("button", name=f"Actions for {name}", exact=True).click()
        self.page.get_by_role("button", name=action, exact=True).click()

    def dialog(self, title: str) -> Locator:
        return self.page.get_by_role("dialog", name=title, exact=True)

    def violations(self) -> list[str]:
        """What axe finds wrong with what is shown now."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(_VIOLATIONS)
        return found

    def is_wider_than_the_screen(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))
