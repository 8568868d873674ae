"""How to read the answers of a server that speaks OpenAI's chat completions."""

from collections.abc import Collection, Hashable, Iterable, Sequence

from pouch.domain.provider import Reported
from pouch.domain.usage import Usage
from pouch.providers.chat_completions.envelope import envelope_in
from pouch.providers.chat_completions.finish import cut_short, finished_in
from pouch.providers.chat_completions.text import pieces_in, text_in
from pouch.providers.chat_completions.usage import is_answer, usage_in


class ChatCompletions:
    """All of a provider but ``prepare``, which a vendor adds."""

    def is_answer(self, answer: bytes) -> bool:
        return is_answer(answer)

    def usage_in(self, answer: bytes) -> Reported | None:
        return usage_in(answer)

    def text_in(self, answer: bytes, *, stream: bool) -> str:
        return text_in(answer, stream=stream)

    def pieces_in(self, events: bytes) -> Iterable[tuple[Hashable, str]]:
        return pieces_in(events)

    def envelope_in(self, events: bytes) -> Sequence[bytes]:
        return envelope_in(events)

    def finished_in(self, events: bytes) -> Collection[int]:
        return finished_in(events)

    def cut_short(self, events: bytes, *, choices: Collection[int], usage: Usage | None) -> bytes:
        return cut_short(events, choices=choices, usage=usage)
