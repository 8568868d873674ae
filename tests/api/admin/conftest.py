"""An administration API on a real server, over stores in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from sanic import Sanic

from pouch.api import errors
from pouch.api.admin.blueprint import admin_blueprint
from pouch.api.admin.services import AdminServices, PipelineStep, ProviderView
from pouch.api.auth import AdminAuth
from pouch.domain.alerts import LoggedAlert
from pouch.domain.errors import PouchError
from pouch.domain.key import hash_of
from pouch.domain.ledger import Ledger
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Route
from pouch.domain.pricing import Price, Rates
from pouch.service.admin_token import AdminTokens
from pouch.service.freezes import KeyFreezes
from pouch.service.keys import KeyService
from pouch.service.live import LiveRequests
from pouch.service.probes import ProviderProbes
from pouch.service.stopping import Stopping
from tests.fakes.administration import INSTALLATION, FakeSettings, FakeStops
from tests.fakes.clock import FakeClock
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.reports import FakeReports
from tests.fakes.server import serve

TOKEN = "an-admin-token-of-this-test"
PRICED = Route(
    "gpt-4o-mini",
    "openai",
    "gpt-4o-mini",
    Price(
        Rates(input=150_000_000, output=600_000_000, cached_input=75_000_000),
        source="pouch.yaml",
        max_output_tokens=16_384,
        tiers=((200_000, Rates(input=300_000_000, output=1_200_000_000)),),
    ),
)
UNPRICED = Route("mystery", "openai", "mystery-1", None)
PIPELINE = (
    PipelineStep("rate_limit", "rate_limit", True, {"requests": 60}, {"type": "object"}),
    PipelineStep("mock", "mock", False, {}, {"type": "object"}),
)
PROVIDERS = (
    ProviderView("openai", "openai", "OPENAI_API_KEY is not set", ("gpt-4o-mini", "mystery")),
    ProviderView("mock", "mock", None, ("mock",)),
)


class FakeAlerts:
    """Answers what it was given."""

    def __init__(self) -> None:
        self.logged: list[LoggedAlert] = []

    async def recent(self, *, limit: int) -> Sequence[LoggedAlert]:
        return self.logged[:limit]


class ResettingLedger:
    """The acts of a ledger that administrators ask for; ``refusal`` is raised by the next one."""

    def __init__(self, store: FakeKeyStore) -> None:
        self._store = store
        self.resets: list[tuple[str, str]] = []
        self.refunds: list[tuple[str, Money | None, str]] = []
        self.adjustments: list[tuple[str, Money, str]] = []
        self.refusal: PouchError | None = None

    async def reset(self, pouch_id: str, *, reason: str) -> bool:
        self.resets.append((pouch_id, reason))
        self._store.spend(pouch_id, ZERO)
        return True

    async def refund(self, request_id: str, amount: Money | None, *, reason: str) -> Money:
        if self.refusal is not None:
            raise self.refusal
        self.refunds.append((request_id, amount, reason))
        return amount or ZERO

    async def adjust(self, pouch_id: str, spent: Money, *, reason: str) -> bool:
        if self.refusal is not None:
            raise self.refusal
        if pouch_id not in [pouch.id for pouch in await self._store.pouches()]:
            return False
        self.adjustments.append((pouch_id, spent, reason))
        self._store.spend(pouch_id, spent)
        return True


@dataclass
class Admin:
    """The API and what is behind it; ``client`` sends the admin token, ``stranger`` nothing."""

    clock: FakeClock
    store: FakeKeyStore
    keys: KeyService
    reports: FakeReports
    alerts: FakeAlerts
    ledger: ResettingLedger
    client: httpx.AsyncClient
    stranger: httpx.AsyncClient
    url: str

    async def created(self, **fields: Any) -> dict[str, Any]:
        """A key made over the API, as it was answered."""
        answer = await self.client.post("/api/keys", json={"name": "ci-bot", **fields})
        assert answer.status_code == 201, answer.text
        return cast("dict[str, Any]", answer.json())


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    clock = FakeClock()
    store = FakeKeyStore(clock)
    keys = KeyService(store, clock)
    reports = FakeReports(store)
    alerts = FakeAlerts()
    ledger = ResettingLedger(store)
    settings = FakeSettings(admin_token_hash=hash_of(TOKEN))
    live = LiveRequests(clock)
    services = AdminServices(
        keys=keys,
        reports=reports,
        ledger=cast("Ledger", ledger),
        freezes=KeyFreezes(store, keys, clock),
        alerts=alerts,
        auth=AdminAuth(hash_of(TOKEN), clock),
        tokens=AdminTokens(settings, environment=None),
        live=live,
        stopping=Stopping(live, FakeStops(), reports, clock),
        probes=ProviderProbes({}, clock),
        store=settings,
        installation=INSTALLATION,
        clock=clock,
        pipeline=PIPELINE,
        providers=PROVIDERS,
        prices=(PRICED, UNPRICED),
    )
    app = Sanic("admin-test")
    app.blueprint(admin_blueprint(services))
    errors.install(app)
    token = {"authorization": f"Bearer {TOKEN}"}
    async with (
        serve(app) as url,
        httpx.AsyncClient(base_url=url, headers=token) as client,
        httpx.AsyncClient(base_url=url) as stranger,
    ):
        yield Admin(clock, store, keys, reports, alerts, ledger, client, stranger, url)
