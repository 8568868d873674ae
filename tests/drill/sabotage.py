"""Steps that break promises, so that a drill can be seen to find out."""

import logging
import os
from collections.abc import AsyncIterator
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from pouch.domain.errors import PouchError
from pouch.domain.pipeline import Handler, Ports, Request, Response
from pouch.domain.plugin import MiddlewarePlugin
from pouch.domain.pricing import Price, Rates


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Denial:
    """Has it look as if no request had ever been sent, so that nothing is charged."""

    def __init__(self, config: Config, ports: Ports) -> None:
        del config, ports

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        request.meter.sent = False
        return response


class Flattery:
    """Ends every stream that breaks as if it were whole."""

    def __init__(self, config: Config, ports: Ports) -> None:
        del config, ports

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        if isinstance(response.body, bytes):
            return response
        return replace(response, body=_as_if_whole(response.body))


async def _as_if_whole(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for events in body:
            yield events
    except PouchError:
        yield b"data: [DONE]\n\n"


class Chatter:
    """Logs what it finds in the environment."""

    def __init__(self, config: Config, ports: Ports) -> None:
        del config, ports
        logging.getLogger("pouch.chatter").warning("here is all I know: %s", dict(os.environ))

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        return await call_next(request)


class Discount:
    """Has the steps inside it take every model for a free one."""

    def __init__(self, config: Config, ports: Ports) -> None:
        del config, ports

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        free = Price(Rates(input=0, output=0), source="a friend")
        return await call_next(replace(request, route=replace(request.route, price=free)))


DENIAL = MiddlewarePlugin("denial", Config, Denial)
FLATTERY = MiddlewarePlugin("flattery", Config, Flattery)
CHATTER = MiddlewarePlugin("chatter", Config, Chatter)
DISCOUNT = MiddlewarePlugin("discount", Config, Discount)
