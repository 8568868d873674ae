"""Passing an answer on to the client, whole or as it comes."""

from typing import Final, Protocol

from sanic import HTTPResponse
from sanic import Request as HttpRequest
from sanic.compat import Header

from pouch.api.errors import event_of
from pouch.domain.errors import PouchError
from pouch.domain.pipeline import Request, Response

# Sanic cuts a larger answer off if a slow client has not read it when keep-alive ends; one that
# is sent as a stream it does not.
WHOLE_BYTES_MAX: Final = 1024 * 1024

_JSON: Final = "application/json"
_EVENTS: Final = "text/event-stream"


class Finish(Protocol):
    """What is due when an answer was passed on: ``ProxyService`` settles the request."""

    def finish(self, request: Request, response: Response, broken: BaseException | None) -> None:
        """The answer was passed on whole, or until ``broken``. Never waits, never raises."""
        ...

    def cost_comment(self, request: Request) -> bytes:
        """The SSE comment that ends a stream; empty if there is none."""
        ...


async def relay(
    http: HttpRequest, proxy: Finish, request: Request, response: Response
) -> HTTPResponse | None:
    """Pass ``response`` on, and have the request settled, however that ends."""
    headers = Header(response.headers)
    headers["x-request-id"] = request.id
    if isinstance(response.body, bytes):
        proxy.finish(request, response, None)
        return await _send_whole(http, response.status, headers, response.body)
    await _send_stream(http, proxy, request, response, headers)
    return None


async def _send_stream(
    http: HttpRequest, proxy: Finish, request: Request, response: Response, headers: Header
) -> None:
    assert not isinstance(response.body, bytes)
    content_type = headers.pop("content-type", _EVENTS)
    headers["cache-control"] = "no-cache"
    headers["x-accel-buffering"] = "no"
    broken: BaseException | None = None
    try:
        out = await http.respond(status=response.status, headers=headers, content_type=content_type)
        try:
            async for chunk in response.body:
                await out.send(chunk)
        except PouchError as error:
            broken = error
            await out.send(event_of(error))
            # Without the terminator, which would make the answer look whole.
            http.transport.close()
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


async def _send_whole(
    http: HttpRequest, status: int, headers: Header, body: bytes
) -> HTTPResponse | None:
    content_type = headers.pop("content-type", _JSON)
    if len(body) <= WHOLE_BYTES_MAX:
        return HTTPResponse(body, status, headers, content_type)
    headers["content-length"] = str(len(body))
    out = await http.respond(status=status, headers=headers, content_type=content_type)
    for start in range(0, len(body), WHOLE_BYTES_MAX):
        await out.send(body[start : start + WHOLE_BYTES_MAX])
    await out.eof()
    return None
