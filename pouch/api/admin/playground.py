"""Routes that make a request in the name of a key, without its secret.

It goes the same way as one over ``/v1``: the same chain, limits and ledger, and the same answer.
"""

from dataclasses import replace
from typing import Final, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import Id, NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Shape, UsdText
from pouch.api.gateway import Gateway
from pouch.api.openai import request_of
from pouch.api.quote import quote_object
from pouch.api.relay import relay
from pouch.domain import pipeline
from pouch.domain.errors import InvalidRequestError

PLAYGROUND: Final = "/api/playground"


class PlaygroundBody(BaseModel):
    """Who is to ask, by the id of its key, and the body of a chat completion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    key: Id
    request: dict[str, JsonValue] = Field(description="What /v1/chat/completions takes.")


class QuotedPrice(Shape):
    """Where the price is from, and its plain rates, in USD per million tokens."""

    source: str
    input: UsdText
    output: UsdText


class QuotedPouch(Shape):
    """The pouch that binds: of those with a limit the one with the least left."""

    id: str
    name: str
    limit_usd: UsdText
    remaining_usd: UsdText


class QuoteObject(Shape):
    """What a request would cost now; ``refusal`` is the error that it would be answered with."""

    object: Literal["quote"]
    model: str
    provider: str
    admitted: bool
    refusal: dict[str, JsonValue] | None
    input_tokens: int
    max_output_tokens: int | None
    most_usd: UsdText | None
    likely_usd: UsdText | None
    price: QuotedPrice | None
    pouch: QuotedPouch | None


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """``PlaygroundBody``, with the chat completion as the very bytes that came."""

    key: str
    request: msgspec.Raw


_asked: Final = msgspec.json.Decoder(_Asked)


async def chat(http: Request) -> HTTPResponse | None:
    """Answer as ``/v1/chat/completions`` does; a stream ends with what it cost."""
    gateway: Gateway = http.app.ctx.gateway
    with gateway.admission():
        request = await _request(http, gateway)
        response = await gateway.proxy.handle(request)
        return await relay(http, gateway.proxy, request, response)


async def quote(http: Request) -> HTTPResponse:
    """Answer as ``/v1/quote`` does."""
    gateway: Gateway = http.app.ctx.gateway
    with gateway.admission():
        quoted = await gateway.quotes.quote(await _request(http, gateway))
        return answer(QuoteObject.model_validate(quote_object(quoted)))


async def _request(http: Request, gateway: Gateway) -> pipeline.Request:
    """The chat completion in the body, as one of the key that it names.

    Raises:
        InvalidRequestError: the body is not what it should be.
        NotFoundError: there is no such key.
        ModelNotFoundError: no model of this name can be asked.
    """
    read_query(http, NoQuery)
    try:
        asked = _asked.decode(http.body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"The body must be a key's id and a request: {error}") from error
    stored = await gateway.keys.get(asked.key)
    key = replace(stored.key, stream_cost=True)
    return await request_of(http, gateway, PLAYGROUND, key=key, content=bytes(asked.request))


def playground_endpoints() -> list[Endpoint]:
    """The routes of ``/api/playground``."""
    return [
        Endpoint(
            method="POST",
            path="/playground",
            name="play",
            summary="Make a request in the name of a key; answers as /v1/chat/completions does",
            handler=chat,
            body=PlaygroundBody,
            answer=None,
        ),
        Endpoint(
            method="POST",
            path="/playground/quote",
            name="quote_play",
            summary="What such a request would cost now; nothing is reserved or sent",
            handler=quote,
            body=PlaygroundBody,
            answer=QuoteObject,
        ),
    ]
