"""A provider without a network: answers like OpenAI at no cost, and misbehaves when asked to.

Whatever goes wrong with a real provider can be had here on request, from ``pouch.yaml`` or from
the ``mock`` object of a request's body: ``{"mock": {"cut_after": 2}}``.
"""

from typing import Final

from pouch.domain.pipeline import Request
from pouch.domain.plugin import BuiltProvider, ProviderPlugin, ProviderPorts
from pouch.domain.provider import UpstreamRequest
from pouch.providers.chat_completions.dialect import ChatCompletions
from pouch.providers.chat_completions.outgoing import outgoing_body
from pouch.providers.mock.behaviour import Config
from pouch.providers.mock.body import Tally
from pouch.providers.mock.transport import MockTransport

__all__ = ["PLUGIN", "URL", "Config", "Mock", "MockTransport", "Tally"]

URL: Final = "mock://here/chat/completions"
PROBE: Final = UpstreamRequest("GET", "mock://here/models", (), b"")


class Mock(ChatCompletions):
    """Speaks OpenAI's dialect; what it prepares, only ``MockTransport`` can send."""

    def prepare(self, request: Request) -> UpstreamRequest:
        content = outgoing_body(request, limit_name="max_completion_tokens", ask_usage=True)
        return UpstreamRequest("POST", URL, (("content-type", "application/json"),), content)


def _build(config: Config, ports: ProviderPorts) -> BuiltProvider:
    return BuiltProvider(Mock(), MockTransport(config, ports.clock), PROBE)


PLUGIN = ProviderPlugin("mock", Config, _build, is_free=True)
