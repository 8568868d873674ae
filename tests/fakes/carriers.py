"""The transports that the contract of ``tests/infra/http`` is held against."""

import functools
import ssl
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from pouch.domain.provider import UpstreamRequest, UpstreamResponse
from pouch.infra.http import HttpTransport, LeanTransport, Timeouts

LEAN, STOCK = "lean", "stock"
# Long enough for a loaded machine: what is not about time must not depend on it.
PATIENT = Timeouts(connect_s=20, write_s=20, first_byte_s=20, read_s=20, pool_s=20, total_s=60)

Open = Callable[..., HttpTransport]


@functools.cache
def _system_trust() -> ssl.SSLContext:
    """The same for all, since it takes longer to load than most tests."""
    return ssl.create_default_context()


def carrier(
    kind: str,
    timeouts: Timeouts = PATIENT,
    *,
    connections_max: int = 10,
    tls: ssl.SSLContext | None = None,
) -> httpx.AsyncBaseTransport:
    tls = tls or _system_trust()
    if kind == LEAN:
        return LeanTransport(timeouts, connections_max=connections_max, tls=tls)
    limits = httpx.Limits(max_connections=connections_max)
    return httpx.AsyncHTTPTransport(limits=limits, verify=tls)


def not_by_stock(reason: str) -> pytest.MarkDecorator:
    """The contract asks for something that ``httpx``'s own transport cannot do."""
    beyond_stock = pytest.param(STOCK, marks=pytest.mark.xfail(reason=reason, strict=True))
    return pytest.mark.parametrize("kind", [LEAN, beyond_stock], indirect=True)


def post(url: str, content: bytes = b'{"model": "m"}') -> UpstreamRequest:
    headers = (("content-type", "application/json"), ("authorization", "Bearer sk-secret"))
    return UpstreamRequest("POST", url, headers, content)


async def whole(answer: UpstreamResponse) -> bytes:
    return b"".join([part async for part in answer.body])


async def opened(kind: str) -> AsyncIterator[Open]:
    """Makes transports of ``kind``, and closes them in the end."""
    transports: list[HttpTransport] = []

    def open_transport(
        timeouts: Timeouts = PATIENT,
        *,
        connections_max: int = 10,
        tls: ssl.SSLContext | None = None,
    ) -> HttpTransport:
        inner = carrier(kind, timeouts, connections_max=connections_max, tls=tls)
        transports.append(HttpTransport(inner, timeouts))
        return transports[-1]

    yield open_transport
    for transport in transports:
        await transport.aclose()
