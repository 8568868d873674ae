"""One request on a connection, and the answer to it as it is read."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import httpx

from pouch.infra.http.stream import ResumableStream

# An answer is not read further while more than this is unread.
UNREAD_BYTES_MAX: Final = 256 * 1024
# What comes so soon after other bytes were handed over waits for more, up to so many bytes. From a
# model that writes 500 pieces a second or fewer each is read at once, and so is the end of any.
GATHER_S: Final = 0.002
GATHER_BYTES_MAX: Final = 16 * 1024


class Line(Protocol):
    """The connection that an answer comes in on, as its reader sees it."""

    def resume(self) -> None: ...
    def abort(self) -> None: ...


Failure = Callable[[str], httpx.TransportError]
Translate = Callable[[httpx.TransportError], Exception]


class Exchange(ResumableStream):
    """What has arrived of an answer and is not read yet.

    Bytes that arrived before a failure are read before it is raised. The connection writes to it
    through ``arrived``, ``completed`` and ``failed`` and forgets it after the latter two.
    """

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self.until = until
        self._line = line
        self._loop = loop
        self._parts: list[bytes] = []
        self._unread = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: tuple[Failure, str] | None = None
        self._translate: Translate | None = None
        self._closed = False
        self._gather_until = 0.0
        self._gathering: asyncio.TimerHandle | None = None

    def translate(self, translate: "Translate") -> None:
        """Have failures of a read raised as what ``translate`` makes of them."""
        self._translate = translate

    async def head(self) -> None:
        """Wait for ``status`` and ``headers``; if cancelled, the connection is given up."""
        try:
            while not self.status:
                self._raise_failure()
                await self._change()
        except asyncio.CancelledError:
            self._give_up_line()
            raise

    async def __anext__(self) -> bytes:
        """See ``ResumableStream``; what arrived since the last read comes as one."""
        while not self._parts:
            self._raise_failure()
            if self.complete:
                raise StopAsyncIteration
            await self._change()
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if self._unread > UNREAD_BYTES_MAX and not self.complete and self._failure is None:
            self._line.resume()
        self._unread = 0
        return data

    async def aclose(self) -> None:
        """See ``ResumableStream``."""
        if self._closed:
            return
        self._closed = True
        self._parts.clear()
        self._give_up_line()
        self._failure = (httpx.ReadError, "the answer was given up")
        self._wake()

    def began(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The head has come."""
        self.status = status
        self.headers = headers
        self._wake()

    def arrived(self, data: bytes) -> bool:
        """Bytes of the body have come; false if no more should until ``Line.resume``."""
        self._parts.append(data)
        self._unread += len(data)
        if self._unread >= GATHER_BYTES_MAX or self._loop.time() >= self._gather_until:
            self._hand_over()
        elif self._gathering is None:
            self._gathering = self._loop.call_at(self._gather_until, self._hand_over)
        return self._unread <= UNREAD_BYTES_MAX

    def completed(self) -> None:
        """Nothing is missing any more."""
        self.complete = True
        self._hand_over()

    def failed(self, failure: Failure, message: str) -> None:
        """Nothing more will come, though something is missing."""
        if self._failure is None:
            self._failure = (failure, message)
        self._hand_over()

    def _give_up_line(self) -> None:
        """Close the connection, unless it has gone or serves another request by now."""
        if not self.complete and self._failure is None:
            self._line.abort()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, message = self._failure
            error = failure(message)
            if self._translate is None:
                raise error
            raise self._translate(error) from error

    def _change(self) -> "asyncio.Future[None]":
        assert self._waiter is None or self._waiter.done(), "two readers of one answer"
        self._waiter = self._loop.create_future()
        return self._waiter

    def _hand_over(self) -> None:
        """Let what has come be read, and gather from now on."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._gather_until = self._loop.time() + GATHER_S
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
