"""The token counter: bounds at once, counts in threads of its own."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import tiktoken

from pouch.domain.chat import ChatBody
from pouch.domain.errors import InvalidRequestError
from pouch.infra.tokens import vocabulary
from pouch.infra.tokens.images import ceiling_of, tokens_of_images
from pouch.infra.tokens.models import encoding_of
from pouch.infra.tokens.prompt import count_prompt
from pouch.infra.tokens.text import (
    AllowanceSpentError,
    Encode,
    Tally,
    byte_length,
    slices,
    tokens_of,
    tokens_of_slice,
)

THREADS: Final = 2
# Counts that run or wait; one more is answered by its bound.
QUEUE_MAX: Final = 256
# What a vendor may add to an input by itself: a template, or instructions for the use of tools,
# which is about 350 tokens at Anthropic. OpenAI's own additions are less than the JSON around them.
UNPUBLISHED_MARGIN: Final = 512

T = TypeVar("T")
_log: Final = logging.getLogger("pouch.tokens")


class Tokens:
    """Implements ``TokenCounter``. A vocabulary is loaded when it is first needed, once.

    A count never fails and never waits for long: whatever stands in its way (an encoding that is
    not published or whose file is corrupt, more text than is worth counting, a full queue) makes
    the answer the bound instead, which is true and only dearer.
    """

    def __init__(
        self,
        load: Callable[[str], tiktoken.Encoding] = vocabulary.load,
        *,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._load = load
        self._encodes: dict[str, Encode | None] = {}
        self._loading = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="pouch-tokens")
        self._places = threading.BoundedSemaphore(queue_max)

    def prepare(self, encodings: Iterable[str]) -> None:
        """Load vocabularies now, in the caller's thread.

        Building one holds the interpreter for 0.05 to 0.2 s, which a server that already answers
        requests would notice.
        """
        for encoding in encodings:
            self._encode_of(encoding)

    def close(self) -> None:
        """Let the threads go; counts that wait are cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def input_bound(self, body: ChatBody, *, model: str, context_window: int | None) -> int:
        """Bytes of the body for its text and audio, ceilings for its images.

        Where a model's vocabulary is not published, neither is what its vendor adds to an input;
        then there is a margin for that.

        Raises:
            InvalidRequestError: a part of the input has no bound, and no ``context_window`` is
                known to stand in for one.
        """
        media = body.media
        if media.unbounded is not None:
            if context_window is None:
                raise InvalidRequestError(
                    f"The input holds a {media.unbounded!r} whose tokens nothing bounds, and "
                    f"{model!r} has no known context window; declare its context_window in "
                    "pouch.yaml under pricing.",
                    param="messages",
                )
            return context_window
        margin = 0 if encoding_of(model) else UNPUBLISHED_MARGIN
        return _text_bytes(body) + ceiling_of(media.images, model) + margin

    async def input_tokens(
        self, body: ChatBody, *, model: str, encoding: str, context_window: int | None
    ) -> int:
        """Tokens of the input by the published formulas; never more than ``input_bound``."""
        bound = self.input_bound(body, model=model, context_window=context_window)
        if body.media.unbounded is not None:
            return bound
        count = partial(self._count_input, body, model, encoding)
        return min(await self._in_thread(count, lambda: bound), bound)

    async def text_tokens(self, text: str, *, encoding: str) -> int:
        """Tokens of ``text``; its UTF-8 length where they cannot be counted."""
        count = partial(self._count_text, text, encoding)
        return await self._in_thread(count, partial(byte_length, text))

    async def exact_tokens(self, texts: Sequence[str], *, encoding: str) -> Sequence[int] | None:
        """Tokens of each of ``texts``; ``None`` where only their length would be an answer."""
        count = partial(self._count_exactly, texts, encoding)
        return await self._in_thread(count, lambda: None)

    async def _in_thread(self, work: Callable[[], T], otherwise: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            return otherwise()
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def _count_input(self, body: ChatBody, model: str, encoding: str) -> int:
        images = tokens_of_images(body.media.images, model)
        encode = self._encode_of(encoding)
        if encode is None:
            return images + _text_bytes(body)
        tally = Tally(encode)
        try:
            count_prompt(body, tally, encoding=encoding)
        except AllowanceSpentError:
            rest = max(_text_bytes(body) - tally.counted_bytes, 0)
            return images + tally.tokens + rest
        return images + tally.tokens

    def _count_text(self, text: str, encoding: str) -> int:
        encode = self._encode_of(encoding)
        return byte_length(text) if encode is None else tokens_of(text, encode)

    def _count_exactly(self, texts: Sequence[str], encoding: str) -> Sequence[int] | None:
        encode = self._encode_of(encoding)
        if encode is None:
            return None
        return [sum(tokens_of_slice(part, encode) for part in slices(text)) for text in texts]

    def _encode_of(self, encoding: str) -> Encode | None:
        """What counts text of ``encoding``; ``None`` if only its bytes are known to bound it."""
        if encoding not in vocabulary.SPECIFICATIONS:
            return None
        with self._loading:
            if encoding not in self._encodes:
                self._encodes[encoding] = self._loaded(encoding)
            return self._encodes[encoding]

    def _loaded(self, encoding: str) -> Encode | None:
        try:
            return self._load(encoding).encode_ordinary
        except vocabulary.VocabularyError as error:
            _log.error("Counting %s text by its bytes: %s", encoding, error)
            return None


def _text_bytes(body: ChatBody) -> int:
    """Bytes of the body that are not images, which no vocabulary makes more tokens of."""
    return max(body.size_bytes - body.media.inline_bytes, 0)
