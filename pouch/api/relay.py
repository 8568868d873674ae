"""Passing an answer on to the client, whole or as it comes."""

import asyncio
from typing import Any, Final, Protocol, cast

from sanic import HTTPResponse
from sanic import Request as HttpRequest

from pouch.api.errors import event_of, forget_frames
from pouch.api.relayed import Relayed
from pouch.domain.errors import PouchError
from pouch.domain.pipeline import Request, Response

# Sanic cuts a larger answer off if a slow client has not read it when keep-alive ends; one that
# is sent as a stream it does not.
WHOLE_BYTES_MAX: Final = 1024 * 1024
# How long a client that does not read may keep a request that is stopped from ending.
TELL_S: Final = 1.0

_JSON: Final = ("content-type", "application/json")
_EVENTS: Final = ("content-type", "text/event-stream")
# What says where the answer ends, which no step decides.
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding"})
_STREAM_HEADERS: Final = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class Finish(Protocol):
    """What is due when an answer was passed on: ``ProxyService`` settles the request."""

    def finish(self, request: Request, response: Response, broken: BaseException | None) -> None:
        """The answer was passed on whole, or until ``broken``. Never waits, never raises."""
        ...

    def stopped(self, request: Request) -> PouchError | None:
        """Why the current task was cancelled, if the client is to be told; then it goes on."""
        ...

    def cost_comment(self, request: Request) -> bytes:
        """The SSE comment that ends a stream; empty if there is none."""
        ...


async def relay(
    http: HttpRequest, proxy: Finish, request: Request, response: Response
) -> HTTPResponse | None:
    """Pass ``response`` on, and have the request settled, however that ends."""
    headers = [header for header in response.headers if header[0] not in _FRAMING]
    headers.append(("x-request-id", request.id))
    typed = "content-type" in dict(headers)
    if isinstance(response.body, bytes):
        if not typed:
            headers.append(_JSON)
        proxy.finish(request, response, None)
        return await _send_whole(http, response.status, headers, response.body)
    if not typed:
        headers.append(_EVENTS)
    await _send_stream(http, proxy, request, response, headers)
    return None


async def _send_stream(
    http: HttpRequest,
    proxy: Finish,
    request: Request,
    response: Response,
    headers: list[tuple[str, str]],
) -> None:
    assert not isinstance(response.body, bytes)
    headers = [header for header in headers if header[0] not in _STREAM_HEADERS]
    headers += _STREAM_HEADERS.items()
    broken: BaseException | None = None
    try:
        out = await http.respond(Relayed(response.status, headers))
        try:
            async for chunk in response.body:
                await out.send(chunk)
        except PouchError as error:
            broken = error
            forget_frames(error)
            await out.send(event_of(error))
            # Without the terminator, which would make the answer look whole.
            http.transport.close()
            return
        except asyncio.CancelledError:
            broken = proxy.stopped(request)
            if broken is None:
                raise
            await _tell(http, out, broken)
            return
        if request.key.stream_cost and (comment := proxy.cost_comment(request)):
            await out.send(comment)
        await out.eof()
    except BaseException as error:
        broken = broken or error
        raise
    finally:
        # No await here: nothing may come between the end of the relay and its settlement.
        proxy.finish(request, response, broken)


async def _tell(http: HttpRequest, out: Any, error: PouchError) -> None:
    """End a stream with ``error``, even if its client does not read."""
    try:
        async with asyncio.timeout(TELL_S):
            await out.send(event_of(error))
    except TimeoutError:
        cast("asyncio.Transport", http.transport).abort()
    else:
        http.transport.close()


async def _send_whole(
    http: HttpRequest, status: int, headers: list[tuple[str, str]], body: bytes
) -> HTTPResponse | None:
    if len(body) <= WHOLE_BYTES_MAX:
        return Relayed(status, headers, body)
    out = await http.respond(Relayed(status, headers))
    out.headers["content-length"] = str(len(body))
    for start in range(0, len(body), WHOLE_BYTES_MAX):
        await out.send(body[start : start + WHOLE_BYTES_MAX])
    await out.eof()
    return None
