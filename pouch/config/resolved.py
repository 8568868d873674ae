"""The configuration as the rest of the gateway gets it: complete, checked and immutable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from pouch.config.alerts import Alerts
from pouch.config.models import Http, Idempotency, Server, Settlement
from pouch.domain.plugin import AnyMiddlewarePlugin, AnyProviderPlugin
from pouch.domain.pricing import Price

PriceTable = Mapping[str, Mapping[str, Price]]
"""Provider, then the model's name or a glob, to its price."""


@dataclass(frozen=True, slots=True)
class Store:
    """``path`` is absolute."""

    url: str
    path: Path
    busy_timeout_s: float
    synchronous: Literal["full", "normal"]


@dataclass(frozen=True, slots=True)
class ConfiguredProvider:
    """``off`` says why it cannot serve, or ``None``."""

    name: str
    plugin: AnyProviderPlugin
    config: BaseModel = field(repr=False)
    off: str | None

    @property
    def is_paid(self) -> bool:
        """It is on, and what it does can cost money."""
        return self.off is None and not self.plugin.is_free


@dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """What a client asks for, and where it leads. Both may end in ``*``."""

    alias: str
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class ConfiguredStep:
    """A middleware in its place in the chain. ``line`` is where the YAML has it, ``use`` how."""

    name: str
    use: str
    plugin: AnyMiddlewarePlugin
    config: BaseModel = field(repr=False)
    enabled: bool
    line: int


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that ``pouch.yaml`` says.

    ``price_tables`` come in the order in which they are looked up. ``steps`` include those that
    are not enabled, outermost first.
    """

    path: Path
    server: Server
    store: Store
    http: Http
    settlement: Settlement
    idempotency: Idempotency
    alerts: Alerts
    providers: tuple[ConfiguredProvider, ...]
    models: tuple[ConfiguredModel, ...]
    price_tables: Sequence[PriceTable]
    steps: tuple[ConfiguredStep, ...]

    @property
    def unavailable(self) -> tuple[tuple[ConfiguredModel, str], ...]:
        """The models that lead to a provider that is off, each with the reason."""
        off = {provider.name: provider.off for provider in self.providers}
        return tuple(
            (model, reason) for model in self.models if (reason := off[model.provider]) is not None
        )

    @property
    def paid_models(self) -> tuple[ConfiguredModel, ...]:
        """The models that can cost money, so that they need a price to be served."""
        paid = {provider.name for provider in self.providers if provider.is_paid}
        return tuple(model for model in self.models if model.provider in paid)
