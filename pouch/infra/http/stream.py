"""What every carrier's answers are read through."""

from abc import ABC, abstractmethod

import httpx


class ResumableStream(httpx.AsyncByteStream, ABC):
    """A body whose read may be cancelled: the next read goes on where it was.

    A read raises ``StopAsyncIteration`` only if the answer is complete, and an
    ``httpx.TransportError`` if it broke off or stalled. ``aclose`` gives up the connection of an
    answer that is not complete; it may be called at any time, more than once.
    """

    def __aiter__(self) -> "ResumableStream":
        return self

    @abstractmethod
    async def __anext__(self) -> bytes: ...

    @abstractmethod
    async def aclose(self) -> None: ...
