"""What the administration API is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pouch.api.auth import AdminAuth
from pouch.domain.alerts import AlertLog
from pouch.domain.ledger import Ledger
from pouch.domain.pipeline import Route
from pouch.domain.ports import Clock
from pouch.domain.reports import Reports
from pouch.service.freezes import KeyFreezes
from pouch.service.keys import KeyService


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """A step as ``pouch.yaml`` declares it. ``config`` is shown: it holds no secret in the clear.

    ``schema`` is the JSON Schema of the plugin's config.
    """

    name: str
    use: str
    enabled: bool
    config: Mapping[str, object]
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A configured provider: why it is ``off``, if it is, and the aliases that lead to it."""

    name: str
    use: str
    off: str | None
    models: Sequence[str]


@dataclass(frozen=True, slots=True)
class AdminServices:
    """Services, and what start-up fixed: ``prices`` are the routes of every configured model."""

    keys: KeyService
    reports: Reports
    ledger: Ledger
    freezes: KeyFreezes
    alerts: AlertLog
    auth: AdminAuth
    clock: Clock
    pipeline: Sequence[PipelineStep]
    providers: Sequence[ProviderView]
    prices: Sequence[Route]
