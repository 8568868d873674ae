"""JSON answers, encoded by the same fast encoder everywhere."""

import msgspec
from sanic import HTTPResponse


def json_response(content: object, status: int = 200) -> HTTPResponse:
    """``content`` (plain containers and scalars) as a JSON answer that no cache keeps."""
    return HTTPResponse(
        msgspec.json.encode(content), status, {"cache-control": "no-store"}, "application/json"
    )
