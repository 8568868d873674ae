"""The endpoints by which a key mints keys, lists its own and ends them."""

from typing import Final

from sanic import Blueprint, HTTPResponse, Request

from pouch.api.admin.asked import new_allowance
from pouch.api.admin.bodies import AllowanceBody, NoQuery, PageQuery
from pouch.api.admin.endpoint import answer, no_content, read_body, read_query
from pouch.api.admin.objects.keys import KeyList, issued_key_object, key_object
from pouch.api.auth import key_of
from pouch.api.gateway import Gateway
from pouch.domain.errors import InvalidRequestError
from pouch.service.allowances import AllowanceService

blueprint = Blueprint("allowances", url_prefix="/v1")

_KEYS: Final = "/keys"


@blueprint.post(_KEYS)
async def mint(http: Request) -> HTTPResponse:
    """Make a key with a part of the caller's rights; the only time that its secret is shown."""
    gateway: Gateway = http.app.ctx.gateway
    parent = await key_of(http, gateway.keys)
    body = read_body(http, AllowanceBody)
    known = {route.provider for route in gateway.routes.all()}
    if body.provider is not None and body.provider not in known:
        raise InvalidRequestError(f"there is no provider {body.provider!r}", param="provider")
    issued = await _service(gateway).mint(parent, new_allowance(body))
    return answer(issued_key_object(issued, gateway.clock.now()), 201)


@blueprint.get(_KEYS)
async def list_own(http: Request) -> HTTPResponse:
    """The keys that the caller has minted, newest first."""
    gateway: Gateway = http.app.ctx.gateway
    parent = await key_of(http, gateway.keys)
    query = read_query(http, PageQuery)
    page = await _service(gateway).page(parent, cursor=query.cursor, limit=query.limit)
    now = gateway.clock.now()
    data = [key_object(stored, now) for stored in page.items]
    return answer(KeyList(data=data, next_cursor=page.next_cursor))


@blueprint.delete(f"{_KEYS}/<key_id:str>")
async def revoke(http: Request, key_id: str) -> HTTPResponse:
    """End a key that descends from the caller, and all that descend from it."""
    gateway: Gateway = http.app.ctx.gateway
    parent = await key_of(http, gateway.keys)
    read_query(http, NoQuery)
    await _service(gateway).revoke(parent, key_id)
    return no_content()


def _service(gateway: Gateway) -> AllowanceService:
    return AllowanceService(gateway.keys, gateway.clock)
