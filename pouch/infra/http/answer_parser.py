"""Bytes of a connection to answers: framing, and the limits on what a provider may send.

An answer is complete only where its framing says so: at its length, at the last chunk, or, for
one that names neither, at the end of the connection. All that is not HTTP, exceeds a limit, or
leaves the framing in doubt is a mistake that ends the answer.
"""

from typing import Final

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

HEADERS_MAX: Final = 200
# Of the head with its interim answers, and of everything between two bytes of the body.
HEAD_BYTES_MAX: Final = 64 * 1024

_INTERIM: Final = range(100, 200)
_WITHOUT_BODY: Final = frozenset({204, 304})


class _RefusedError(Exception):
    """Stops the parser from inside one of its callbacks."""


class AnswerParser:
    """Reads a connection's answers, one after the other. ``begin`` comes before each."""

    def __init__(self) -> None:
        self._body: list[bytes] = []
        # The parser calls it once per piece of the body; what it is bound to is never replaced.
        self.on_body = self._body.append
        self._parser = HttpResponseParser(self)
        self.begin(head_only=False)

    def begin(self, *, head_only: bool) -> None:
        """Expect an answer; ``head_only`` says that it has no body, whatever its head says."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_complete = False
        self.complete = False
        self.mistake: str | None = None
        self.keep_alive = False
        self.ends_with_connection = False
        self._head_only = head_only
        self._fields = 0
        self._bytes_without_body = 0

    def feed(self, data: bytes) -> bytes:
        """Take what has arrived; returns what there is of the body in it.

        Where it makes no sense, ``mistake`` says why, and what came before counts. What follows a
        complete answer is no mistake of that answer; it keeps the connection from being used again.
        """
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.keep_alive = False
            if not self.complete:
                self.mistake = f"malformed answer: {error.__context__ or error}"
        body = self._body
        if body and not self._head_only:
            self._bytes_without_body = 0
            whole = body[0] if len(body) == 1 else b"".join(body)
            body.clear()
            return whole
        body.clear()
        self._bytes_without_body += len(data)
        if self._bytes_without_body > HEAD_BYTES_MAX and not self.complete:
            where = "between its chunks" if self.head_complete else "in its head"
            self.mistake = f"answer with over {HEAD_BYTES_MAX} bytes {where}"
        return b""

    def end_of_connection(self) -> None:
        """The provider has closed in an orderly way, which may be how the answer ends."""
        if self.head_complete and self.ends_with_connection:
            self.complete = True

    def on_message_begin(self) -> None:
        if self.complete:
            raise _RefusedError("data after the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > HEADERS_MAX:
            raise _RefusedError(f"more than {HEADERS_MAX} headers")
        if not self.head_complete:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status in _INTERIM and status != httpx.codes.SWITCHING_PROTOCOLS:
            self.headers = []
            return
        if status < httpx.codes.OK:
            raise _RefusedError(f"status {status} was not asked for")
        if sum([len(name) + len(value) for name, value in self.headers]) > HEAD_BYTES_MAX:
            raise _RefusedError(f"head of over {HEAD_BYTES_MAX} bytes")
        self._decide_framing(status)
        self.status = status
        self.head_complete = True

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True

    def _decide_framing(self, status: int) -> None:
        sized = False
        for name, value in self.headers:
            if name == b"transfer-encoding":
                if sized or value.strip().lower() != b"chunked":
                    raise _RefusedError("unknown transfer-encoding")
                sized = True
            elif name == b"content-length":
                sized = True
        if self._head_only:
            # The parser awaits the body that the head describes, so it is of no further use.
            self.complete = True
            return
        self.keep_alive = self._parser.should_keep_alive()
        self.ends_with_connection = not sized and status not in _WITHOUT_BODY
