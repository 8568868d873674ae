"""A response of Sanic's that costs less: its headers are encoded, and its chunks sent, in one go.

Sanic cleans and encodes each header by itself, which took a seventh of a whole request's time, and
hands each chunk through six coroutines.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sanic import HTTPResponse

# What would break out of a header's line. Sanic leaves these out, too.
_BREAKS: Final = str.maketrans("", "", "\r\n\x00")

Headers = Sequence[tuple[str, str]]


class Relayed(HTTPResponse):
    """An answer with ``relayed`` headers, names in lower case, and those that Sanic adds."""

    def __init__(self, status: int, relayed: Headers, body: bytes = b"") -> None:
        super().__init__(body, status)
        # Sanic sets, looks up and deletes lower-case names in it, and nothing else.
        self.headers = {}  # type: ignore[assignment]
        self._relayed = relayed

    async def send(self, data: Any = None, end_stream: bool | None = None) -> None:  # noqa: FBT001
        """See Sanic's; a chunk after the first goes straight to a connection that has room."""
        stream: Any = self.stream
        begun = stream is not None and stream.response_func == stream.http1_response_chunked
        if not begun or not data or end_stream:
            await super().send(data, end_stream)
            return
        protocol = stream.protocol
        chunk = b"%x\r\n%b\r\n" % (len(data), data)
        if protocol._can_write.is_set() and not protocol.transport.is_closing():
            protocol.transport.write(chunk)
            protocol._time = protocol.loop.time()
        else:
            await protocol.send(chunk)

    @property
    def processed_headers(self) -> Iterator[tuple[bytes, bytes]]:
        """Names and values in the order in which they are sent."""
        lines = [*self._relayed, *((name, str(value)) for name, value in self.headers.items())]
        text = "\n".join([f"{name}\n{value}" for name, value in lines])
        if text.count("\n") != 2 * len(lines) - 1 or "\r" in text or "\0" in text:
            lines = [(name.translate(_BREAKS), value.translate(_BREAKS)) for name, value in lines]
            text = "\n".join([f"{name}\n{value}" for name, value in lines])
        encoded = text.encode(errors="surrogateescape").split(b"\n")
        return zip(encoded[::2], encoded[1::2], strict=True)
