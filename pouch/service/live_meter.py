"""A stream is measured as it is relayed, so that what ignores its output limit is cut off.

Nothing is counted as long as nothing can be wrong: a text of N bytes is at most N tokens, and the
events that carry it are longer still. Only when the raw bytes, without what is the same around each
text, pass the limit is the text taken out of them, and only when the text's bytes pass it are its
tokens counted, in a thread, while the relay goes on. The relay waits for a count only if the stream
outruns it, so a runaway is cut within a small multiple of its limit, and what is remembered of it
stays as small.

A stream within its limit is never cut. Models need not choose the tokens that a tokenizer would:
even tokens drawn at random are counted as 1.06 times as many where there are many of them, and as
two or three times as many where there are few. And where a vocabulary is not published, the count
is one by another vocabulary. Hence the margins of ``limit_of``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final

from pouch.domain.pipeline import Request
from pouch.domain.ports import TokenCounter
from pouch.domain.pricing import output_total
from pouch.domain.provider import Provider
from pouch.domain.usage import Usage
from pouch.service.verdicts import encoding_to_count

# Raw events that are held at most before their text is taken out.
RAW_BYTES_MAX: Final = 64 * 1024
# A text is counted in slices of so many characters; those that are full are counted once.
SLICE_CHARACTERS: Final = 16_384
# Between two counts there are at least so many bytes of text (or the limit, if that is less).
STEP_BYTES: Final = 1024
# No published vocabulary has a longer token; for text that cannot be counted.
TOKEN_BYTES_MAX: Final = 128
# How far a stream whose choices have all ended may go on, to report its usage.
AFTERWARDS_BYTES_MAX: Final = 64 * 1024


def limit_of(bound: int, *, published: bool) -> int:
    """How many tokens are counted before an answer of at most ``bound`` is surely too long."""
    return bound + bound // 8 + 16 if published else 2 * bound + 64


class LiveMeter:
    """Watches one stream. ``saw`` never waits; before the next read, see ``behind``, ``must_stop``.

    ``close`` gives up the connection to the provider; it is called as soon as the stream is known
    to be too long, also while a read waits for more of it.
    """

    def __init__(
        self,
        request: Request,
        provider: Provider,
        tokens: TokenCounter,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        body, price = request.body, request.price
        assert request.output_bound is not None
        assert price is not None
        self._request = request
        self._provider = provider
        self._tokens = tokens
        self._close = close
        self._encoding = encoding_to_count(price)
        self._bound = request.output_bound * body.choices + body.prediction_bytes
        self._limit = limit_of(self._bound, published=self._encoding == price.encoding)
        self._step = max(min(STEP_BYTES, self._limit), self._limit // 32)
        self._raw: list[bytes] = []
        self._raw_bytes = 0
        self._due = min(self._limit + 1, RAW_BYTES_MAX)
        self._envelope: Sequence[bytes] = ()
        self._weighed = 0
        self._most_text = 0
        self._last = b""
        self._texts: dict[Hashable, list[str]] = {}
        self._text_bytes = 0
        self._count_above = self._limit
        self._full: list[str] = []
        self._full_tokens = 0
        self._output_tokens = 0
        self._reported = 0
        self._counting: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None
        self._exceeded = False
        self._afterwards = 0
        self._finished: set[int] = set()
        self.behind = False

    @property
    def must_stop(self) -> bool:
        """It is too long, and has not ended by itself."""
        return self._exceeded and not (
            self._all_finished and self._afterwards <= AFTERWARDS_BYTES_MAX
        )

    def saw(self, events: bytes) -> None:
        """Whole events are about to be relayed."""
        if self._exceeded:
            self._note_ends(events)
            self._afterwards += len(events)
            return
        self._raw.append(events)
        self._raw_bytes += len(events)
        if self._reported > self._bound:
            self._exceed(self._reported)
        elif self._raw_bytes >= self._due:
            self._weigh()

    def reported(self, usage: Usage) -> None:
        """The provider reported ``usage`` in passing, in events that ``saw`` is told of next."""
        self._reported = output_total(usage)

    async def caught_up(self) -> None:
        """Wait for the count that is under way. May be cancelled without harm."""
        if self._counting is not None:
            await asyncio.wait([self._counting])
            if not self._counting.cancelled():
                self._counting.result()
        self.behind = False

    async def ending(self) -> bytes:
        """The events that end the client's stream properly, if the provider's is broken off."""
        body = self._request.body
        usage = None
        if body.include_usage:
            usage = Usage(await self._input_tokens(), self._output_tokens)
        events = self._last + b"".join(self._raw)
        left = [index for index in range(body.choices) if index not in self._finished]
        return self._provider.cut_short(events, choices=left, usage=usage)

    def stop(self) -> None:
        """The stream has ended; a count of it is of no use any more."""
        if self._counting is not None:
            self._counting.cancel()

    @property
    def _all_finished(self) -> bool:
        return len(self._finished) == self._request.body.choices

    def _weigh(self) -> None:
        """Take the text out, and count it if its bytes do not prove that it is short enough."""
        if self._counting is not None and not self._counting.done():
            self.behind = True
            return
        self._weigh_raw()
        could_be = self._text_bytes + self._most_text
        if could_be <= self._count_above and self._raw_bytes < RAW_BYTES_MAX:
            room = self._count_above - could_be + 1
            self._due = min(self._raw_bytes + room, RAW_BYTES_MAX)
            return
        self._take_text()
        if self._text_bytes > self._count_above:
            self._counting = asyncio.ensure_future(self._count())
            self._due = min(self._limit, RAW_BYTES_MAX)
        else:
            self._due = min(self._count_above - self._text_bytes + 1, RAW_BYTES_MAX)

    def _weigh_raw(self) -> None:
        """Add how many bytes of the newest events can be text, by what is known to hold none."""
        events = b"".join(self._raw[self._weighed :])
        if not self._envelope:
            self._envelope = self._provider.envelope_in(events)
        self._most_text += len(events)
        for part in self._envelope:
            self._most_text -= events.count(part) * len(part)
        self._weighed = len(self._raw)

    def _note_ends(self, events: bytes) -> None:
        """Which choices have ended matters only once the stream is too long."""
        for index in self._provider.finished_in(events):
            if 0 <= index < self._request.body.choices:
                self._finished.add(index)

    def _take_text(self) -> None:
        events = b"".join(self._raw)
        self._note_ends(events)
        self._raw.clear()
        self._weighed = self._most_text = 0
        self._raw_bytes = 0
        for place, piece in self._provider.pieces_in(events):
            self._texts.setdefault(place, []).append(piece)
            self._text_bytes += len(piece.encode("utf-8", "surrogatepass"))
            self._last = events

    async def _count(self) -> None:
        text_bytes = self._text_bytes
        begun = [self._without_full_slices(pieces) for pieces in self._texts.values()]
        full = len(self._full)
        counts = await self._tokens.exact_tokens([*self._full, *begun], encoding=self._encoding)
        if counts is None:
            if text_bytes > self._limit * TOKEN_BYTES_MAX:
                self._exceed(self._limit)
            self._count_above = text_bytes + self._step
            return
        self._full_tokens += sum(counts[:full])
        self._full.clear()
        tokens = self._full_tokens + sum(counts[full:])
        if tokens > self._limit:
            self._exceed(tokens)
        self._count_above = text_bytes + max(self._limit - tokens, self._step)

    def _without_full_slices(self, pieces: list[str]) -> str:
        """The part of a text that may still grow; what comes before it is moved to ``_full``."""
        text = "".join(pieces)
        while len(text) > SLICE_CHARACTERS:
            self._full.append(text[:SLICE_CHARACTERS])
            text = text[SLICE_CHARACTERS:]
        pieces[:] = [text]
        return text

    def _exceed(self, output_tokens: int) -> None:
        self._output_tokens = output_tokens
        if not self._exceeded:
            self._exceeded = True
            self._note_ends(b"".join(self._raw))
            if not self._all_finished:
                self._closing = asyncio.ensure_future(self._close())

    async def _input_tokens(self) -> int:
        """What the provider reported in passing, else a count."""
        request, price = self._request, self._request.price
        assert price is not None
        if request.meter.usage is not None:
            return request.meter.usage.input_tokens
        return await self._tokens.input_tokens(
            request.body,
            model=request.route.model,
            encoding=self._encoding,
            context_window=price.context_window,
        )
