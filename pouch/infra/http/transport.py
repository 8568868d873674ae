"""The ``Transport`` port around any ``httpx`` transport, called directly and not by a client."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Literal

import httpx

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.domain.provider import UpstreamRequest, UpstreamResponse

# What is raised before a byte of the request can have gone out.
_NOT_REACHED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each part of an exchange may take, in seconds; ``read_s`` is between two reads."""

    connect_s: float = 10
    write_s: float = 30
    first_byte_s: float = 600
    read_s: float = 120
    pool_s: float = 10
    total_s: float = 3600


class HttpTransport:
    """Sends a provider's requests. Holds connections open between them."""

    def __init__(self, carrier: httpx.AsyncBaseTransport, timeouts: Timeouts) -> None:
        self._carrier = carrier
        self._timeouts = timeouts
        self._extensions = {
            "timeout": {
                "connect": timeouts.connect_s,
                "write": timeouts.write_s,
                "read": timeouts.first_byte_s,
                "pool": timeouts.pool_s,
            }
        }

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """See ``pouch.domain.provider.Transport``."""
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=list(request.headers),
            content=request.content,
            extensions=self._extensions,
        )
        host = outgoing.url.host
        try:
            answer = await self._carrier.handle_async_request(outgoing)
        except httpx.TransportError as error:
            raise _translated(error, host) from error
        answer.request = outgoing
        headers = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in answer.headers.raw
        ]
        return UpstreamResponse(answer.status_code, headers, _Body(answer, host))

    async def aclose(self) -> None:
        """Give every connection up."""
        await self._carrier.aclose()


class _Body:
    """The bytes of an answer; a read that is cancelled goes on, and the next one gets it."""

    def __init__(self, answer: httpx.Response, host: str) -> None:
        self._answer = answer
        self._host = host
        self._parts = answer.aiter_raw()
        self._reading: asyncio.Task[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        reading = self._reading
        if reading is None:
            reading = self._reading = asyncio.ensure_future(self._read())
        await asyncio.wait([reading])
        self._reading = None
        part = reading.result()
        if not part:
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        """Give the connection up, unless the answer is whole."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None
        await self._answer.aclose()

    async def _read(self) -> bytes:
        """The next bytes; none at the end, which a task cannot raise as ``StopAsyncIteration``."""
        try:
            return await anext(self._parts, b"")
        except httpx.TransportError as error:
            raise _translated(error, self._host) from error


def make_transport(
    kind: Literal["auto", "lean", "httpx"], timeouts: Timeouts, *, connections_max: int
) -> HttpTransport:
    """A transport of the kind that the configuration names."""
    del kind
    limits = httpx.Limits(max_connections=connections_max)
    return HttpTransport(httpx.AsyncHTTPTransport(limits=limits), timeouts)


def _translated(error: httpx.TransportError, host: str) -> UpstreamError:
    """The domain's error; it names the host and what happened, and nothing of the request."""
    reached = not isinstance(error, _NOT_REACHED)
    if isinstance(error, httpx.TimeoutException):
        return UpstreamTimeoutError(f"The provider at {host} took too long.", reached=reached)
    what = "could not be reached" if not reached else "broke the exchange off"
    return UpstreamError(f"The provider at {host} {what}.", reached=reached)
