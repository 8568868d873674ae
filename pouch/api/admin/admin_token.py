"""Route that replaces the administrator's token."""

from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Shape
from pouch.api.admin.services import AdminServices
from pouch.api.admin.session import add_session
from pouch.domain.errors import StoreUnavailableError
from pouch.domain.key import hash_of


class AdminTokenObject(Shape):
    """The new token, shown this once."""

    token: str


def admin_token_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/admin-token``."""
    auth, tokens = services.auth, services.tokens

    async def rotate(request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        has_session = auth.session_until(request) is not None
        if auth.token_hash is None:
            raise StoreUnavailableError("The admin token cannot be checked now.")
        token = await tokens.rotate(auth.token_hash)
        auth.renew(hash_of(token))
        response = answer(AdminTokenObject(token=token), 201)
        if has_session:
            add_session(response, request, auth)
        return response

    return [
        Endpoint(
            method="POST",
            path="/admin-token/rotate",
            name="rotate_admin_token",
            summary="A new admin token; the old one, and other sessions, end in every worker",
            handler=rotate,
            answer=AdminTokenObject,
            status=201,
        )
    ]
