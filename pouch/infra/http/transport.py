"""The ``Transport`` port around any ``httpx`` transport, called directly and not by a client."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext, create_default_context
from typing import Final, Literal

import httpx

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.domain.provider import Headers, UpstreamRequest, UpstreamResponse
from pouch.infra.http.decoding import DecodedStream, decoder_of
from pouch.infra.http.exchange import Exchange
from pouch.infra.http.lean import CONNECTIONS_MAX, LeanTransport, Prepared
from pouch.infra.http.stock import EnvironmentProxies, StockCarrier, proxy_in_environment
from pouch.infra.http.stream import ResumableStream
from pouch.infra.http.timeouts import Timeouts

# Addresses, with the headers that go there, whose form on the wire is remembered.
ADDRESSES_MAX: Final = 256
PORT_MAX: Final = 65535

# What is raised before a byte of the request can have gone out.
_NOT_REACHED: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
# Headers that say where the body ends or whose the connection is; they are the carrier's.
_FRAMING: Final = frozenset(
    {b"connection", b"content-length", b"host", b"te", b"transfer-encoding", b"upgrade", b"expect"}
)
_DECODED: Final = frozenset({"content-encoding", "content-length"})


@dataclass(slots=True)
class _Address:
    """A request's URL and headers, checked and in the form that ``httpx`` takes; ``prepared`` in
    the form that goes out, once something was sent there.
    """

    url: httpx.URL
    headers: httpx.Headers
    prepared: Prepared | None = None


class HttpTransport:
    """Sends providers' requests by ``carrier``. Holds connections open between them."""

    def __init__(self, carrier: httpx.AsyncBaseTransport, timeouts: Timeouts | None = None) -> None:
        self._lean = carrier if isinstance(carrier, LeanTransport) else None
        self._carrier = self._lean or StockCarrier(carrier, timeouts or Timeouts())
        self._addresses: dict[tuple[str, Headers], _Address] = {}

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """See ``pouch.domain.provider.Transport``."""
        address = self._address(request.url, request.headers)
        host = address.url.host
        stream: ResumableStream
        exchange: Exchange | None = None
        try:
            if self._lean is not None and request.method == "POST":
                if address.prepared is None:
                    address.prepared = self._lean.prepare(address.url, address.headers)
                stream = exchange = await self._lean.post(address.prepared, request.content)
                status, raw = exchange.status, exchange.headers
            else:
                status, raw, stream = await self._carried(request, address)
        except httpx.TransportError as error:
            raise _translated(error, host) from error
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
        encoding = ", ".join([value for name, value in headers if name == "content-encoding"])
        if encoding:
            headers, stream = await _decoded(encoding, headers, stream, host)
        if stream is exchange:
            # One coroutine less for each piece.
            exchange.translate(partial(_translated, host=host))
            return UpstreamResponse(status, headers, exchange)
        return UpstreamResponse(status, headers, _Body(stream, host))

    async def _carried(
        self, request: UpstreamRequest, address: _Address
    ) -> tuple[int, list[tuple[bytes, bytes]], ResumableStream]:
        """Status, headers and body of an answer, by way of httpx's objects."""
        content = request.content
        outgoing = httpx.Request(
            request.method,
            address.url,
            headers=address.headers,
            stream=httpx.ByteStream(content),
        )
        outgoing.headers["content-length"] = str(len(content))
        # The very object, and not the copy that was made of it: a carrier knows it again.
        outgoing.url = address.url
        answer = await self._carrier.handle_async_request(outgoing)
        assert isinstance(answer.stream, ResumableStream)
        headers = [(name.lower(), value) for name, value in answer.headers.raw]
        return answer.status_code, headers, answer.stream

    async def aclose(self) -> None:
        """Give every connection up."""
        await self._carrier.aclose()

    def _address(self, url: str, headers: Headers) -> _Address:
        key = (url, tuple(headers))
        address = self._addresses.get(key)
        if address is None:
            if len(self._addresses) >= ADDRESSES_MAX:
                self._addresses.clear()
            address = self._addresses[key] = _checked(url, headers)
        return address


class _Body:
    """A carrier's stream with the domain's errors."""

    __slots__ = ("_host", "_stream")

    def __init__(self, stream: ResumableStream, host: str) -> None:
        self._stream = stream
        self._host = host

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._stream.__anext__()
        except httpx.TransportError as error:
            raise _translated(error, self._host) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def make_transport(
    kind: Literal["auto", "lean", "httpx"],
    timeouts: Timeouts | None = None,
    *,
    connections_max: int = CONNECTIONS_MAX,
    http2: bool = False,
) -> HttpTransport:
    """A transport of the kind that the configuration names.

    "auto" is the lean one, but ``httpx``'s where the environment names a proxy or ``http2`` is
    asked for, which only that one can do.

    Raises:
        ImportError: ``http2`` is asked for and its package is not installed.
    """
    timeouts = timeouts or Timeouts()
    tls = create_default_context()
    if kind == "auto":
        kind = "httpx" if http2 or proxy_in_environment() else "lean"
    if kind == "lean":
        return HttpTransport(LeanTransport(timeouts, connections_max=connections_max, tls=tls))
    return HttpTransport(_stock(connections_max, tls, http2=http2), timeouts)


def _stock(connections_max: int, tls: SSLContext, *, http2: bool) -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(max_connections=connections_max)
    if proxy_in_environment():
        return EnvironmentProxies(limits, tls, http2=http2)
    return httpx.AsyncHTTPTransport(limits=limits, verify=tls, http2=http2)


def _checked(url: str, headers: Headers) -> _Address:
    """The address for ``url`` and ``headers``, with those headers that a carrier needs.

    Raises:
        UpstreamError: they cannot be sent. The message names no value.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UpstreamError("The provider's URL is not valid.", reached=False) from error
    if parsed.port is not None and not 0 < parsed.port <= PORT_MAX:
        raise UpstreamError("The provider's URL names no port that there is.", reached=False)
    raw = [(b"host", parsed.netloc), *_encoded(headers, parsed.host)]
    if all(name != b"accept-encoding" for name, _ in raw):
        raw.append((b"accept-encoding", b"identity"))
    return _Address(parsed, httpx.Headers(raw))


def _encoded(headers: Headers, host: str) -> Sequence[tuple[bytes, bytes]]:
    encoded = []
    for name, value in headers:
        raw = name.lower().encode(), value.encode()
        if not (_NAME.fullmatch(raw[0]) and _VALUE.fullmatch(raw[1])):
            message = f"A header for the provider at {host} holds what no header can carry."
            raise UpstreamError(message, reached=False)
        if raw[0] not in _FRAMING:
            encoded.append(raw)
    return encoded


async def _decoded(
    encoding: str, headers: list[tuple[str, str]], stream: ResumableStream, host: str
) -> tuple[list[tuple[str, str]], ResumableStream]:
    """Headers and body without the content encoding.

    Raises:
        UpstreamError: it is unknown.
    """
    try:
        begin = decoder_of(encoding)
    except httpx.DecodingError as error:
        await stream.aclose()
        raise UpstreamError(f"The provider at {host} answered oddly: {error}.") from error
    if begin is None:
        return headers, stream
    kept = [(name, value) for name, value in headers if name not in _DECODED]
    return kept, DecodedStream(stream, begin)


def _translated(error: httpx.TransportError, host: str) -> UpstreamError:
    """The domain's error. What a carrier says is safe to repeat."""
    reached = not isinstance(error, _NOT_REACHED)
    what = "broke the exchange off" if reached else "could not be reached"
    if isinstance(error, httpx.TimeoutException):
        message = f"The provider at {host} took too long: {error}."
        return UpstreamTimeoutError(message, reached=reached)
    return UpstreamError(f"The provider at {host} {what}: {error}.", reached=reached)
