"""A lean HTTP/1.1 carrier: asyncio protocols and a C parser behind ``httpx``'s transport interface.

A request is never sent twice. One that was written to a connection that then closed unanswered
may have been processed, and paid for, so that is an error for the caller to judge. What can be
done without that risk is done: a kept connection is looked at before each use, and given up
before the provider is likely to.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

import httpx

from pouch.infra.http.exchange import Exchange
from pouch.infra.http.pool import Origin, Pool
from pouch.infra.http.timeouts import Timeouts

CONNECTIONS_MAX: Final = 1000
# Just below the five seconds after which the impatient among servers close.
KEEPALIVE_S: Final = 4.5
# URLs whose parts are remembered. A provider has a few.
ROUTES_MAX: Final = 256

_PORTS: Final = {"http": 80, "https": 443}
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_VERSION: Final = {"http_version": b"HTTP/1.1"}
_NO_BODY: Final = b"content-length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What requests that differ only in their bodies share: all of a head but its last line."""

    pool: Pool
    head: bytes


@dataclass(frozen=True, slots=True)
class _Route:
    """What a URL says, in the form in which it is needed. ``url`` keeps its identity unique."""

    url: httpx.URL
    pool: Pool
    target: bytes
    host_line: bytes


class LeanTransport(httpx.AsyncBaseTransport):
    """See the module. Belongs to the event loop that first uses it; may be made outside of one.

    ``connections_max`` is per origin. A connection is kept for ``keepalive_s`` seconds after an
    answer, or for about as long as the provider says in the answer's ``keep-alive``.
    ``Response.stream`` is a ``ResumableStream``; its messages hold nothing of the request.
    """

    def __init__(
        self,
        timeouts: Timeouts | None = None,
        *,
        connections_max: int = CONNECTIONS_MAX,
        keepalive_s: float = KEEPALIVE_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._connections_max = connections_max
        self._keepalive_s = keepalive_s
        self._tls = tls or ssl.create_default_context()
        self._pools: dict[tuple[str, str, int], Pool] = {}
        self._routes: dict[int, _Route] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` and wait for the head of the answer.

        Raises:
            httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.PoolTimeout,
            httpx.ConnectTimeout, httpx.ConnectError: nothing was sent.
            httpx.TransportError: of any other kind, the request may have been received.
        """
        route = self._route(request.url)
        stream = request.stream
        if isinstance(stream, httpx.ByteStream):
            body = b"".join(stream)
        else:
            body = await request.aread()
        head = _head(request, route, len(body))
        head_only = request.method == "HEAD"
        exchange = await self._exchange(route.pool, head, body, head_only=head_only)
        return httpx.Response(
            exchange.status, headers=exchange.headers, stream=exchange, extensions=_VERSION
        )

    def prepare(self, url: httpx.URL, headers: httpx.Headers) -> Prepared:
        """For ``post``. ``headers`` hold no framing.

        Raises:
            httpx.UnsupportedProtocol, httpx.LocalProtocolError: as in ``handle_async_request``.
        """
        route = self._route(url)
        request = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(b""))
        whole = _head(request, route, 0)
        return Prepared(route.pool, whole.removesuffix(_NO_BODY))

    async def post(self, prepared: Prepared, body: bytes) -> Exchange:
        """Send ``body`` as ``handle_async_request`` does, without an object of httpx's: making
        those takes longer than sending.
        """
        head = b"%scontent-length: %d\r\n\r\n" % (prepared.head, len(body))
        return await self._exchange(prepared.pool, head, body, head_only=False)

    async def _exchange(self, pool: Pool, head: bytes, body: bytes, *, head_only: bool) -> Exchange:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        until = loop.time() + self._timeouts.total_s
        connection = pool.take() or await pool.connect()
        exchange = connection.send(head, body, until=until, head_only=head_only)
        await exchange.head()
        return exchange

    async def aclose(self) -> None:
        """Give every connection up."""
        self._closed = True
        for pool in self._pools.values():
            await pool.aclose()

    def _route(self, url: httpx.URL) -> _Route:
        route = self._routes.get(id(url))
        if route is None:
            if len(self._routes) >= ROUTES_MAX:
                self._routes.clear()
            route = self._routes[id(url)] = _Route(
                url, self._pool(url), url.raw_path, b"host: " + url.netloc
            )
        return route

    def _pool(self, url: httpx.URL) -> Pool:
        if self._closed:
            raise httpx.ConnectError("the transport is closed")
        default_port = _PORTS.get(url.scheme)
        if default_port is None or not url.host:
            raise httpx.UnsupportedProtocol("not a URL of HTTP or HTTPS")
        host, port = url.raw_host.decode("ascii"), url.port or default_port
        pool = self._pools.get((url.scheme, host, port))
        if pool is None:
            pool = self._pools[url.scheme, host, port] = Pool(
                Origin(host, port, self._tls if url.scheme == "https" else None),
                self._timeouts,
                connections_max=self._connections_max,
                keepalive_s=self._keepalive_s,
            )
        return pool


def _head(request: httpx.Request, route: _Route, body_bytes: int) -> bytes:
    """The request's head, with the headers that its framing needs where it has none.

    Raises:
        httpx.LocalProtocolError: a header would break out of its line, or contradict the body.
    """
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), route.target)]
    named = False
    lengths: list[bytes] = []
    for name, value in request.headers.raw:
        lines.append(b"%s: %s" % (name, value))
        match name.lower():
            case b"host":
                named = True
            case b"content-length":
                lengths.append(value)
            case b"transfer-encoding":
                raise httpx.LocalProtocolError("a body is sent by its length only")
    if not named:
        lines.insert(1, route.host_line)
    if not lengths:
        if body_bytes or request.method in _BODY_METHODS:
            lines.append(b"content-length: %d" % body_bytes)
    elif lengths != [b"%d" % body_bytes]:
        raise httpx.LocalProtocolError("content-length is not the body's")
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
        raise httpx.LocalProtocolError("a header holds a line break")
    return head + b"\r\n\r\n"
