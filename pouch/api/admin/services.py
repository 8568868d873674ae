"""What the administration API is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pouch.api.auth import AdminAuth
from pouch.domain.alerts import AlertLog
from pouch.domain.ledger import Ledger
from pouch.domain.pipeline import Route
from pouch.domain.ports import Clock, StoreInspection
from pouch.domain.reports import Reports
from pouch.service.admin_token import AdminTokens
from pouch.service.freezes import KeyFreezes
from pouch.service.keys import KeyService
from pouch.service.live import LiveRequests
from pouch.service.probes import ProviderProbes
from pouch.service.stopping import Stopping


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """A step as ``pouch.yaml`` declares it. ``config`` is shown: it holds no secret in the clear.

    ``schema`` is the JSON Schema of the plugin's config; ``reserves`` and ``calls_upstream`` are as
    the plugin declares.
    """

    name: str
    use: str
    enabled: bool
    config: Mapping[str, object]
    schema: Mapping[str, object]
    reserves: bool = False
    calls_upstream: bool = False


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A configured provider: why it is ``off``, if it is, and the aliases that lead to it."""

    name: str
    use: str
    off: str | None
    models: Sequence[str]


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs here. ``started_at`` and ``worker_pid`` are of this process."""

    version: str
    python: str
    started_at: datetime
    workers: int
    worker_pid: int
    synchronous: str
    transport: str
    config_file: str


@dataclass(frozen=True, slots=True)
class AdminServices:
    """Services, and what start-up fixed: ``prices`` are the routes of every configured model."""

    keys: KeyService
    reports: Reports
    ledger: Ledger
    freezes: KeyFreezes
    alerts: AlertLog
    auth: AdminAuth
    tokens: AdminTokens
    live: LiveRequests
    stopping: Stopping
    probes: ProviderProbes
    store: StoreInspection
    installation: Installation
    clock: Clock
    pipeline: Sequence[PipelineStep]
    providers: Sequence[ProviderView]
    prices: Sequence[Route]
