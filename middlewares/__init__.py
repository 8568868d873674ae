"""The built-in middlewares, in one list."""

from typing import Final

from pouch.domain.plugin import AnyMiddlewarePlugin
from pouch.middlewares import (
    budget_reset,
    burn_rate,
    key_validation,
    mock,
    rate_limit,
    usage_tracking,
)

BUILTIN: Final[tuple[AnyMiddlewarePlugin, ...]] = (
    budget_reset.PLUGIN,
    burn_rate.PLUGIN,
    key_validation.PLUGIN,
    mock.PLUGIN,
    rate_limit.PLUGIN,
    usage_tracking.PLUGIN,
)
