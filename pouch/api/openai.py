"""The endpoints that OpenAI's clients know."""

import asyncio
from typing import Final
from urllib.parse import unquote

from sanic import Blueprint, HTTPResponse
from sanic import Request as HttpRequest

from pouch.api.auth import key_of
from pouch.api.chat_body import parse_chat_body
from pouch.api.errors import forget_frames
from pouch.api.gateway import Gateway
from pouch.api.idempotent import answer_once
from pouch.api.json import json_response
from pouch.api.relay import relay
from pouch.domain.errors import InvalidRequestError, ModelNotAllowedError
from pouch.domain.idempotency import IDEMPOTENCY_KEY, name_of
from pouch.domain.ids import new_id
from pouch.domain.key import Key
from pouch.domain.money import Money
from pouch.domain.pipeline import Request, Route

CHAT: Final = "/v1/chat/completions"
MAX_COST: Final = "x-pouch-max-cost"

blueprint = Blueprint("openai", url_prefix="/v1")


@blueprint.post("/chat/completions")
async def chat(http: HttpRequest) -> HTTPResponse | None:
    """Answer a chat completion: authenticate, parse, run the chain, relay."""
    gateway: Gateway = http.app.ctx.gateway
    try:
        return await _answered(http, gateway)
    except asyncio.CancelledError as gone:
        forget_frames(gone)
        raise


async def _answered(http: HttpRequest, gateway: Gateway) -> HTTPResponse | None:
    with gateway.admission():
        request = await request_of(http, gateway, CHAT)
        if name := name_of(http.headers.getall(IDEMPOTENCY_KEY, [])):
            return await answer_once(http, gateway, request, name)
        # It is parsed; Sanic's objects, which name each other, would keep it beyond the connection.
        http.body = b""
        response = await gateway.proxy.handle(request)
        return await relay(http, gateway.proxy, request, response)


async def request_of(
    http: HttpRequest,
    gateway: Gateway,
    endpoint: str,
    *,
    key: Key | None = None,
    content: bytes | None = None,
) -> Request:
    """A chat completion as the chain takes it: authenticated, parsed, routed.

    ``key`` and ``content`` stand in for those that the HTTP request comes with.

    Raises:
        AuthenticationError: it comes with no key that is known.
        InvalidRequestError: its body is not what the endpoint takes.
        ModelNotFoundError: no model of this name can be asked.
    """
    clock = gateway.clock
    started, started_at = clock.monotonic(), clock.now()
    request_id = new_id("req", int(started_at.timestamp() * 1000))
    http.ctx.request_id = request_id
    key = key or await key_of(http, gateway.keys)
    body = parse_chat_body(http.body if content is None else content)
    return Request(
        id=request_id,
        key=key,
        body=body,
        route=gateway.routes.find(body.model),
        endpoint=endpoint,
        started_at=started_at,
        started=started,
        max_cost=_max_cost(http),
    )


@blueprint.get("/models")
async def list_models(http: HttpRequest) -> HTTPResponse:
    """The models that the key may use."""
    gateway: Gateway = http.app.ctx.gateway
    key = await key_of(http, gateway.keys)
    routes = gateway.routes.allowed_to(key)
    return json_response({"object": "list", "data": [_model_object(route) for route in routes]})


@blueprint.get("/models/<name:path>")
async def get_model(http: HttpRequest, name: str) -> HTTPResponse:
    """One model, by the name that a chat may use."""
    gateway: Gateway = http.app.ctx.gateway
    key = await key_of(http, gateway.keys)
    # A client may write the slash of "provider/model" as %2F, which the path keeps that way.
    route = gateway.routes.find(unquote(name))
    if not key.allows(alias=route.alias, provider=route.provider, model=route.model):
        raise ModelNotAllowedError(f"This key may not use the model {name!r}.")
    return json_response(_model_object(route))


def _max_cost(http: HttpRequest) -> Money | None:
    """What ``X-Pouch-Max-Cost`` allows this one request to cost, in USD."""
    text: str | None = http.headers.get(MAX_COST)
    if text is None:
        return None
    try:
        ceiling = Money.usd(text)
    except ValueError as error:
        raise InvalidRequestError(f"{MAX_COST}: {error}", param=MAX_COST) from error
    if ceiling.nanos < 0:
        raise InvalidRequestError(f"{MAX_COST} must not be negative.", param=MAX_COST)
    return ceiling


def _model_object(route: Route) -> dict[str, object]:
    return {"id": route.alias, "object": "model", "created": 0, "owned_by": route.provider}
