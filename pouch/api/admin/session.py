"""Routes that sign an administrator in and out of the dashboard."""

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import SessionBody
from pouch.api.admin.endpoint import Endpoint, answer, no_content, read_body
from pouch.api.admin.objects import TimeText, time_text
from pouch.api.admin.services import AdminServices
from pouch.api.auth import SESSION_COOKIE, SESSION_LIFETIME, AdminAuth, is_https

# Only the administration API reads the cookie, so the browser sends it nowhere else.
_COOKIE_PATH = "/api"


class SessionObject(BaseModel):
    """Who asks is an administrator; ``expires_at`` is null for one with the token itself."""

    authenticated: bool
    expires_at: TimeText | None


class SessionRoutes:
    """Handlers of ``/api/session``."""

    def __init__(self, auth: AdminAuth) -> None:
        self._auth = auth

    async def begin(self, request: Request) -> HTTPResponse:
        body = read_body(request, SessionBody)
        self._auth.check_token(body.token, address=request.client_ip)
        value, until = self._auth.new_session()
        response = answer(SessionObject(authenticated=True, expires_at=time_text(until)))
        response.add_cookie(
            SESSION_COOKIE,
            value,
            path=_COOKIE_PATH,
            httponly=True,
            samesite="Strict",
            secure=is_https(request),
            max_age=int(SESSION_LIFETIME.total_seconds()),
        )
        return response

    async def show(self, request: Request) -> HTTPResponse:
        until = self._auth.session_until(request)
        expires_at = None if until is None else time_text(until)
        return answer(SessionObject(authenticated=True, expires_at=expires_at))

    async def end(self, request: Request) -> HTTPResponse:
        response = no_content()
        response.add_cookie(
            SESSION_COOKIE,
            "",
            path=_COOKIE_PATH,
            httponly=True,
            samesite="Strict",
            secure=is_https(request),
            max_age=0,
        )
        return response


def session_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/session``."""
    routes = SessionRoutes(services.auth)
    return [
        Endpoint(
            method="POST",
            path="/session",
            name="begin_session",
            summary="Exchange the admin token for a cookie",
            handler=routes.begin,
            body=SessionBody,
            answer=SessionObject,
            open=True,
        ),
        Endpoint(
            method="GET",
            path="/session",
            name="show_session",
            summary="Whether one is signed in",
            handler=routes.show,
            answer=SessionObject,
        ),
        Endpoint(
            method="DELETE",
            path="/session",
            name="end_session",
            summary="Take the cookie back",
            handler=routes.end,
            answer=None,
            status=204,
            open=True,
        ),
    ]
