"""Routes that sign an administrator in and out of the dashboard."""

from datetime import timedelta

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import SessionBody
from pouch.api.admin.endpoint import Endpoint, answer, no_content, read_body
from pouch.api.admin.objects import TimeText, time_text
from pouch.api.admin.services import AdminServices
from pouch.api.auth import (
    SESSION_COOKIE,
    SESSION_LIFETIME,
    AdminAuth,
    by_newest_token,
    is_https,
)

# Only the administration API reads the cookie, so the browser sends it nowhere else.
_COOKIE_PATH = "/api"


class SessionObject(BaseModel):
    """Who asks is an administrator; ``expires_at`` is null for one with the token itself."""

    authenticated: bool
    expires_at: TimeText | None


class SessionRoutes:
    """Handlers of ``/api/session``."""

    def __init__(self, services: AdminServices) -> None:
        self._auth = services.auth
        self._tokens = services.tokens

    async def begin(self, request: Request) -> HTTPResponse:
        body = read_body(request, SessionBody)
        auth, address = self._auth, request.client_ip
        await by_newest_token(
            auth, self._tokens, lambda: auth.check_token(body.token, address=address)
        )
        value, until = self._auth.new_session()
        response = answer(SessionObject(authenticated=True, expires_at=time_text(until)))
        _set_cookie(response, request, value, SESSION_LIFETIME)
        return response

    async def show(self, request: Request) -> HTTPResponse:
        until = self._auth.session_until(request)
        expires_at = None if until is None else time_text(until)
        return answer(SessionObject(authenticated=True, expires_at=expires_at))

    async def end(self, request: Request) -> HTTPResponse:
        response = no_content()
        _set_cookie(response, request, "", timedelta(0))
        return response


def add_session(response: HTTPResponse, request: Request, auth: AdminAuth) -> None:
    """Sign the browser that asked in, under the token that is good now."""
    value, _ = auth.new_session()
    _set_cookie(response, request, value, SESSION_LIFETIME)


def _set_cookie(response: HTTPResponse, request: Request, value: str, lasts: timedelta) -> None:
    response.add_cookie(
        SESSION_COOKIE,
        value,
        path=_COOKIE_PATH,
        httponly=True,
        samesite="Strict",
        secure=is_https(request),
        max_age=int(lasts.total_seconds()),
    )


def session_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/session``."""
    routes = SessionRoutes(services)
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
