"""``POST /v1/quote``: what a chat completion would cost, before it is asked for."""

from typing import Final

import msgspec
from sanic import Blueprint, HTTPResponse
from sanic import Request as HttpRequest

from pouch.api.errors import body_of
from pouch.api.gateway import Gateway
from pouch.api.json import json_response
from pouch.api.openai import request_of
from pouch.domain.money import Money
from pouch.domain.pricing import Rates
from pouch.service.quotes import Quote

QUOTE: Final = "/v1/quote"

blueprint = Blueprint("quote", url_prefix="/v1")


@blueprint.post("/quote")
async def quote(http: HttpRequest) -> HTTPResponse:
    """The most and the likely cost of the chat in the body; nothing is reserved or sent."""
    gateway: Gateway = http.app.ctx.gateway
    with gateway.admission():
        request = await request_of(http, gateway, QUOTE)
        return json_response(quote_object(await gateway.quotes.quote(request)))


def quote_object(quoted: Quote) -> dict[str, object]:
    """A quote as it is answered."""
    request, price = quoted.request, quoted.request.price
    pouch = quoted.pouch
    return {
        "object": "quote",
        "model": request.route.alias,
        "provider": request.route.provider,
        "admitted": quoted.refusal is None,
        "refusal": msgspec.json.decode(body_of(quoted.refusal))["error"]
        if quoted.refusal
        else None,
        "input_tokens": quoted.input_tokens,
        "max_output_tokens": request.output_bound,
        "most_usd": str(quoted.most) if quoted.refusal is None else None,
        "likely_usd": str(quoted.likely) if quoted.likely is not None else None,
        "price": {"source": price.source, **_rates(price.rates)} if price else None,
        "pouch": None
        if pouch is None
        else {
            "id": pouch.id,
            "name": pouch.name,
            "limit_usd": str(pouch.limit),
            "remaining_usd": str(pouch.remaining),
        },
    }


def _rates(rates: Rates) -> dict[str, str]:
    """USD per million tokens: a rate and an amount are the same number of nano-dollars."""
    return {"input": str(Money(rates.input)), "output": str(Money(rates.output))}
