"""The built-in providers, in one list."""

from typing import Final

from pouch.domain.plugin import AnyProviderPlugin
from pouch.providers import mock, openai

BUILTIN: Final[tuple[AnyProviderPlugin, ...]] = (mock.PLUGIN, openai.PLUGIN)
