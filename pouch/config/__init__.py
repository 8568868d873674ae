"""``pouch.yaml``: read, expanded, validated and checked; every mistake at once, with its line."""

from pouch.config.document import ConfigError, Mistake
from pouch.config.load import load
from pouch.config.models import Http, Idempotency, Server, Settlement
from pouch.config.resolved import (
    Config,
    ConfiguredModel,
    ConfiguredProvider,
    ConfiguredStep,
    PriceTable,
    Store,
)

__all__ = [
    "Config",
    "ConfigError",
    "ConfiguredModel",
    "ConfiguredProvider",
    "ConfiguredStep",
    "Http",
    "Idempotency",
    "Mistake",
    "PriceTable",
    "Server",
    "Settlement",
    "Store",
    "load",
]
