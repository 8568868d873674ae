"""A provider without a network: answers like OpenAI at no cost, and misbehaves when asked to.

Whatever goes wrong with a real provider can be had here on request, from ``pouch.yaml`` or from
the ``mock`` object of a request's body: ``{"mock": {"cut_after": 2}}``.
"""

from collections.abc import Collection, Hashable, Iterable
from typing import Final

from pouch.domain.pipeline import Request
from pouch.domain.plugin import BuiltProvider, ProviderPlugin, ProviderPorts
from pouch.domain.provider import Reported, UpstreamRequest
from pouch.domain.usage import Usage
from pouch.providers.chat_completions.finish import cut_short, finished_in
from pouch.providers.chat_completions.outgoing import outgoing_body
from pouch.providers.chat_completions.text import pieces_in, text_in
from pouch.providers.chat_completions.usage import is_answer, usage_in
from pouch.providers.mock.behaviour import Config
from pouch.providers.mock.body import Tally
from pouch.providers.mock.transport import MockTransport

__all__ = ["PLUGIN", "URL", "Config", "Mock", "MockTransport", "Tally"]

URL: Final = "mock://here/chat/completions"


class Mock:
    """Speaks OpenAI's dialect; what it prepares, only ``MockTransport`` can send."""

    def prepare(self, request: Request) -> UpstreamRequest:
        content = outgoing_body(request, limit_name="max_completion_tokens", ask_usage=True)
        return UpstreamRequest("POST", URL, (("content-type", "application/json"),), content)

    def is_answer(self, answer: bytes) -> bool:
        return is_answer(answer)

    def usage_in(self, answer: bytes) -> Reported | None:
        return usage_in(answer)

    def text_in(self, answer: bytes, *, stream: bool) -> str:
        return text_in(answer, stream=stream)

    def pieces_in(self, events: bytes) -> Iterable[tuple[Hashable, str]]:
        return pieces_in(events)

    def finished_in(self, events: bytes) -> Collection[int]:
        return finished_in(events)

    def cut_short(self, events: bytes, *, choices: Collection[int], usage: Usage | None) -> bytes:
        return cut_short(events, choices=choices, usage=usage)


def _build(config: Config, ports: ProviderPorts) -> BuiltProvider:
    return BuiltProvider(Mock(), MockTransport(config, ports.clock))


PLUGIN = ProviderPlugin("mock", Config, _build, is_free=True)
