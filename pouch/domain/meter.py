"""What the gateway sees of one request's exchange with its provider; settlement rests on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from pouch.domain.ledger import Reservation, Verdict
from pouch.domain.usage import Usage

# A stream keeps at most this many raw bytes; then the text is taken out of them, which is a
# twentieth of their size.
RAW_BYTES_MAX: Final = 64 * 1024
CHARACTERS_PER_TOKEN: Final = 4
_EVENT: Final = b"data:"


class Exchange(Protocol):
    """An exchange with a provider that may still be under way when the client has gone."""

    async def finish(self, *, wait_s: float, drain: bool) -> None:
        """Bring it to an end, and leave in the meter what became known by it.

        An answer that has not begun is waited for, for up to ``wait_s`` seconds: without it
        nothing is known. One that has begun is read on if ``drain`` says so, for as long, else
        broken off at once.
        """
        ...

    def abort(self) -> None:
        """Cut a ``finish`` short: the server is stopping."""
        ...


@dataclass(slots=True)
class Meter:
    """Mutable, and private to one request.

    ``sent`` is set before the first byte can go upstream. ``status`` is the provider's.
    ``streamed`` says that the answer is an event stream; ``strange`` that what came is no answer
    of a model at all; ``complete`` that the answer ended as it should; ``uncountable`` that some
    of it passed unread; ``more_followed`` that text came after the usage that was reported;
    ``cut`` that the gateway broke it off because it went beyond its output limit.
    ``verdict`` is what a whole answer cost, once that is known.
    ``bytes_relayed`` are those of a stream's events that were handed on.
    """

    reservation: Reservation | None = None
    exchange: Exchange | None = None
    sent: bool = False
    status: int | None = None
    first_byte: float | None = None
    usage: Usage | None = None
    verdict: Verdict | None = None
    streamed: bool = False
    complete: bool = False
    strange: bool = False
    uncountable: bool = False
    more_followed: bool = False
    cut: bool = False
    bytes_relayed: int = 0
    steps: list[tuple[str, float]] = field(default_factory=list)
    _raw: list[bytes] = field(default_factory=list)
    _raw_bytes: int = 0
    _text: list[str] = field(default_factory=list)
    _events: int = 0

    def keep(self, events: bytes, text_in: Callable[[bytes], str]) -> None:
        """Remember whole events that were relayed, so that they can be counted if it must be."""
        self._raw.append(events)
        self._raw_bytes += len(events)
        if self._raw_bytes > RAW_BYTES_MAX:
            self._condense(text_in)

    def relayed_text(self, text_in: Callable[[bytes], str]) -> str:
        """All text that was relayed so far."""
        self._condense(text_in)
        return "".join(self._text)

    @property
    def tokens_estimate(self) -> int:
        """Output tokens of a stream so far, by a rule of thumb that parses nothing: one an event,
        or one for four characters of the text that has been taken out, if those are more.
        """
        events = self._events + b"".join(self._raw).count(_EVENT)
        return max(events, sum(map(len, self._text)) // CHARACTERS_PER_TOKEN)

    def _condense(self, text_in: Callable[[bytes], str]) -> None:
        if self._raw:
            events = b"".join(self._raw)
            self._text.append(text_in(events))
            self._events += events.count(_EVENT)
            self._raw.clear()
            self._raw_bytes = 0
