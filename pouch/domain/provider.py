"""How a provider is spoken to: a request is prepared, a transport sends it, the answer streams."""

from collections.abc import AsyncIterator, Collection, Hashable, Iterable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from pouch.domain.usage import Usage
from pouch.domain.value import value

if TYPE_CHECKING:
    from pouch.domain.pipeline import Request

Headers = Sequence[tuple[str, str]]


@value
class UpstreamRequest:
    """An HTTP request to a provider. ``headers`` hold its secret: they are never shown."""

    method: str
    url: str
    headers: Headers = field(repr=False)
    content: bytes = field(repr=False)


class UpstreamBody(Protocol):
    """The bytes of an answer as they arrive.

    A cancelled read loses nothing: the next read goes on where it was. ``aclose`` gives the
    connection up at once and may be called at any time, more than once.
    """

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def __anext__(self) -> bytes:
        """The next bytes, never empty.

        Raises:
            StopAsyncIteration: the answer is complete.
            UpstreamError: it broke off or stalled.
        """
        ...

    async def aclose(self) -> None: ...


@value
class UpstreamResponse:
    """Status and headers (names in lower case) of an answer, and its body, not yet read."""

    status: int
    headers: Headers
    body: UpstreamBody

    def header(self, name: str) -> str:
        """The first header called ``name`` (lower case); empty if there is none."""
        for own, text in self.headers:
            if own == name:
                return text
        return ""


class Transport(Protocol):
    """Sends requests. Shared by all requests to a provider."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send and wait for status and headers. Cancelling gives the connection up.

        Raises:
            UpstreamError: unreachable or broken off; ``UpstreamTimeoutError`` if too slow.
        """
        ...

    async def aclose(self) -> None: ...


@value
class Reported:
    """Usage that a provider reported. ``alone``: the event holds nothing else for a client."""

    usage: Usage
    alone: bool = False


class Provider(Protocol):
    """One vendor's dialect."""

    def prepare(self, request: "Request") -> UpstreamRequest:
        """The HTTP request for ``request``: upstream's model name, output bound, secret.

        Where ``request.output_bound`` is set and the client named no limit of its own, the bound
        is sent as the output limit, under the name that this provider knows.
        """
        ...

    def is_answer(self, answer: bytes) -> bool:
        """Whether a whole, successful answer is of the form that this provider's answers have."""
        ...

    def usage_in(self, answer: bytes) -> Reported | None:
        """The usage that an answer, or one event of a stream, reports.

        ``answer`` is a whole JSON document, without ``data:``. ``None`` if it holds no usage, or
        one that makes no sense (negative, not whole numbers).
        """
        ...

    def text_in(self, answer: bytes, *, stream: bool) -> str:
        """All text of an answer that is billed as output: content, reasoning, tool calls, refusals.

        ``answer`` is a whole JSON document, or with ``stream`` any number of whole SSE events.
        What cannot be read is left out.
        """
        ...

    def pieces_in(self, events: bytes) -> Iterable[tuple[Hashable, str]]:
        """The text of whole SSE events in pieces, each with a mark of the text that it goes on.

        Together they are never more than is billed: what a provider may repeat is left out.
        """
        ...

    def envelope_in(self, events: bytes) -> Sequence[bytes]:
        """Byte strings that hold no text, wherever they occur in the stream of these whole events.

        Empty if none is known. They spare the parsing of what is surely short.
        """
        ...

    def finished_in(self, events: bytes) -> Collection[int]:
        """The choices that whole SSE events say have ended. Called for every block of a stream."""
        ...

    def cut_short(self, events: bytes, *, choices: Collection[int], usage: Usage | None) -> bytes:
        """The SSE events that end a stream as if its output limit had been reached.

        ``events`` are the last that it sent, ``choices`` those that have not ended, ``usage`` is
        for a client that asked for it.
        """
        ...
