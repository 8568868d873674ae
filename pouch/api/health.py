"""Liveness and readiness."""

from sanic import Blueprint, HTTPResponse, Request

from pouch.api.gateway import Gateway
from pouch.api.json import json_response
from pouch.domain.errors import DrainingError

blueprint = Blueprint("health")


@blueprint.get("/health")
async def health(request: Request) -> HTTPResponse:
    """The process answers."""
    del request
    return json_response({"status": "ok"})


@blueprint.get("/ready")
async def ready(request: Request) -> HTTPResponse:
    """New requests can be served: the store is reachable, and the server is not draining."""
    gateway: Gateway = request.app.ctx.gateway
    if gateway.draining:
        raise DrainingError("The server is shutting down.")
    await gateway.ping()
    return json_response({"status": "ready"})
