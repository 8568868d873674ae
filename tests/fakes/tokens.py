"""A token counter for tests in which nothing is counted."""

from collections.abc import Sequence

from pouch.domain.chat import ChatBody


class Uncounted:
    """Cannot count a stream, as when its queue is full; must not be asked for anything else."""

    def input_bound(self, body: ChatBody, *, model: str, context_window: int | None) -> int:
        raise NotImplementedError

    async def input_tokens(
        self, body: ChatBody, *, model: str, encoding: str, context_window: int | None
    ) -> int:
        raise NotImplementedError

    async def text_tokens(self, text: str, *, encoding: str) -> int:
        raise NotImplementedError

    async def exact_tokens(self, texts: Sequence[str], *, encoding: str) -> Sequence[int] | None:
        return None
