"""The administration API as one blueprint under ``/api``."""

from functools import wraps

from sanic import Blueprint, HTTPResponse, Request

from pouch.api.admin.about import about_endpoints
from pouch.api.admin.admin_token import admin_token_endpoints
from pouch.api.admin.alerts import alert_endpoints
from pouch.api.admin.corrections import correction_endpoints
from pouch.api.admin.endpoint import Endpoint, Handle
from pouch.api.admin.keys import key_endpoints
from pouch.api.admin.live import live_endpoints
from pouch.api.admin.openapi import document
from pouch.api.admin.pipeline import pipeline_endpoints
from pouch.api.admin.playground import playground_endpoints
from pouch.api.admin.pouches import pouch_endpoints
from pouch.api.admin.prices import price_endpoints
from pouch.api.admin.providers import provider_endpoints
from pouch.api.admin.requests import request_endpoints
from pouch.api.admin.reservations import reservation_endpoints
from pouch.api.admin.services import AdminServices
from pouch.api.admin.session import session_endpoints
from pouch.api.admin.usage import usage_endpoints
from pouch.api.auth import by_newest_token


def admin_endpoints(services: AdminServices) -> list[Endpoint]:
    """Every route but that of the OpenAPI document, which describes them."""
    return [
        *key_endpoints(services),
        *pouch_endpoints(services),
        *request_endpoints(services),
        *correction_endpoints(services),
        *usage_endpoints(services),
        *reservation_endpoints(services),
        *provider_endpoints(services),
        *price_endpoints(services),
        *pipeline_endpoints(services),
        *alert_endpoints(services),
        *session_endpoints(services),
        *live_endpoints(services),
        *playground_endpoints(),
        *about_endpoints(services),
        *admin_token_endpoints(services),
    ]


def admin_blueprint(services: AdminServices) -> Blueprint:
    """The routes, each of which asks for an administrator unless it says that it is open."""
    blueprint = Blueprint("admin", url_prefix="/api")
    endpoints = admin_endpoints(services)
    for endpoint in endpoints:
        handler = endpoint.handler
        blueprint.add_route(
            handler if endpoint.open else require_admin(services, handler),
            endpoint.path.replace("{", "<").replace("}", ":str>"),
            methods=[endpoint.method],
            name=endpoint.name,
        )
    described = document(endpoints)

    async def show_document(request: Request) -> HTTPResponse:
        del request
        return HTTPResponse(described, content_type="application/json")

    blueprint.add_route(show_document, "/openapi.json", methods=["GET"], name="openapi")
    return blueprint


def require_admin(services: AdminServices, handler: Handle) -> Handle:
    """``handler``, for administrators only."""

    @wraps(handler)
    async def guarded(request: Request, **parameters: str) -> HTTPResponse | None:
        auth = services.auth
        await by_newest_token(auth, services.tokens, lambda: auth.require(request))
        return await handler(request, **parameters)

    return guarded
