"""Any other ``httpx`` transport, made to keep the carriers' contract: httpx's own, or a proxy's.

What such a transport cannot do by itself is done around it: its reads survive cancellation, the
silence inside an answer and the whole exchange have limits of their own, and its messages, which
may quote a header, are replaced.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final
from urllib.request import getproxies

import httpx

from pouch.infra.http.stream import ResumableStream
from pouch.infra.http.timeouts import Timeouts

# From the most special to the most general.
_WORDS: Final[tuple[tuple[type[httpx.TransportError], str], ...]] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.PoolTimeout, "no connection became free in time"),
    (httpx.WriteTimeout, "the request was not taken in time"),
    (httpx.ReadTimeout, "no answer in time"),
    (httpx.UnsupportedProtocol, "not a URL of HTTP or HTTPS"),
    (httpx.LocalProtocolError, "the request is no valid HTTP"),
    (httpx.RemoteProtocolError, "the answer was cut off, or is no valid HTTP"),
    (httpx.ProxyError, "the proxy refused the connection"),
    (httpx.WriteError, "the connection broke while the request was sent"),
    (httpx.TransportError, "the connection broke"),
)


class StockCarrier(httpx.AsyncBaseTransport):
    """Carries requests by ``inner``. See the module."""

    def __init__(self, inner: httpx.AsyncBaseTransport, timeouts: Timeouts) -> None:
        self._inner = inner
        self._timeouts = timeouts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` and wait for the head of the answer.

        Raises:
            httpx.TransportError: with a message that is safe to show.
        """
        timeouts = self._timeouts
        limits: dict[str, float | None] = {
            "connect": timeouts.connect_s,
            "write": timeouts.write_s,
            "read": timeouts.first_byte_s,
            "pool": timeouts.pool_s,
        }
        request.extensions["timeout"] = limits
        until = asyncio.get_running_loop().time() + timeouts.total_s
        try:
            async with asyncio.timeout_at(until):
                answer = await self._inner.handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout(f"it was not over after {timeouts.total_s:g} s") from None
        except httpx.TransportError as error:
            raise _reworded(error) from error
        # The same record is looked at before every read of the body, which has its own limit.
        limits["read"] = None
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        answer.stream = _StockStream(answer.stream, timeouts, until)
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


class EnvironmentProxies(httpx.AsyncBaseTransport):
    """Goes through the proxies that the environment names, as ``httpx`` understands it."""

    def __init__(self, limits: httpx.Limits, tls: ssl.SSLContext, *, http2: bool) -> None:
        self._client = httpx.AsyncClient(limits=limits, verify=tls, http2=http2, trust_env=True)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request, stream=True, follow_redirects=False)

    async def aclose(self) -> None:
        await self._client.aclose()


def proxy_in_environment() -> bool:
    """Whether ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` or the system name a proxy."""
    proxies = getproxies()
    return any(proxies.get(scheme) for scheme in ("http", "https", "all"))


class _StockStream(ResumableStream):
    """Reads in a task that a cancelled reader leaves to the next."""

    def __init__(self, stream: httpx.AsyncByteStream, timeouts: Timeouts, until: float) -> None:
        self._stream = stream
        self._parts: AsyncIterator[bytes] = aiter(stream)
        self._timeouts = timeouts
        self._until = until
        self._reading: asyncio.Task[bytes | None] | None = None
        self._closed = False

    async def __anext__(self) -> bytes:
        part = b""
        while not part:
            next_part = await self._next()
            if next_part is None:
                raise StopAsyncIteration
            part = next_part
        return part

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if isinstance(self._parts, AsyncGenerator):
            await self._parts.aclose()
        await self._stream.aclose()

    async def _next(self) -> bytes | None:
        if self._closed:
            raise httpx.ReadError("the answer was given up")
        reading = self._reading
        if reading is None:
            reading = self._reading = asyncio.ensure_future(self._read())
        left_s = self._until - asyncio.get_running_loop().time()
        await asyncio.wait([reading], timeout=min(self._timeouts.read_s, left_s))
        if not reading.done():
            await self.aclose()
            if left_s <= self._timeouts.read_s:
                raise httpx.ReadTimeout(f"it was not over after {self._timeouts.total_s:g} s")
            raise httpx.ReadTimeout(f"its answer stalled for {self._timeouts.read_s:g} s")
        if reading.cancelled():
            raise httpx.ReadError("the answer was given up")
        try:
            part = reading.result()
        except httpx.TransportError as error:
            raise _reworded(error) from error
        self._reading = None
        return part

    async def _read(self) -> bytes | None:
        part = await anext(self._parts, None)
        if part is None:
            # The end alone does not free the connection for the next request.
            await self._stream.aclose()
        return part


def _reworded(error: httpx.TransportError) -> httpx.TransportError:
    """The same kind of error, without a word of what was sent or received."""
    if type(error) is httpx.ConnectError:
        return httpx.ConnectError(str(error))
    kind, words = next(pair for pair in _WORDS if isinstance(error, pair[0]))
    return kind(words)
