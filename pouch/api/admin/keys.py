"""Routes that issue, show, change and end keys."""

from datetime import timedelta

from sanic import HTTPResponse, Request

from pouch.api.admin.asked import key_change, new_key
from pouch.api.admin.bodies import (
    KeyBody,
    KeyPatch,
    NoQuery,
    ResetBody,
    RotateBody,
    ThawBody,
)
from pouch.api.admin.endpoint import Endpoint, answer, no_content, read_body, read_query
from pouch.api.admin.objects.keys import (
    IssuedKeyObject,
    KeyList,
    KeyObject,
    issued_key_object,
    key_object,
)
from pouch.api.admin.queries import KeyQuery
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import InvalidRequestError, NotFoundError


class KeyRoutes:
    """Handlers of ``/api/keys``."""

    def __init__(self, services: AdminServices) -> None:
        self._keys = services.keys
        self._ledger = services.ledger
        self._reports = services.reports
        self._freezes = services.freezes
        self._clock = services.clock
        self._providers = frozenset(provider.name for provider in services.providers)

    async def create(self, request: Request) -> HTTPResponse:
        """Answers with the secret, the only time."""
        body = read_body(request, KeyBody)
        self._check_provider(body.provider)
        issued = await self._keys.create(new_key(body))
        return answer(issued_key_object(issued, self._clock.now()), 201)

    async def list(self, request: Request) -> HTTPResponse:
        query = read_query(request, KeyQuery)
        now = self._clock.now()
        page = await self._reports.keys(
            query.wanted, now=now, cursor=query.cursor, limit=query.limit
        )
        data = [key_object(stored, now) for stored in page.items]
        return answer(KeyList(data=data, next_cursor=page.next_cursor))

    async def show(self, request: Request, key_id: str) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(key_object(await self._keys.get(key_id), self._clock.now()))

    async def change(self, request: Request, key_id: str) -> HTTPResponse:
        body = read_body(request, KeyPatch)
        self._check_provider(body.provider)
        stored = await self._keys.change(key_id, key_change(body))
        return answer(key_object(stored, self._clock.now()))

    async def revoke(self, request: Request, key_id: str) -> HTTPResponse:
        read_query(request, NoQuery)
        await self._keys.revoke(key_id)
        return no_content()

    async def rotate(self, request: Request, key_id: str) -> HTTPResponse:
        body = read_body(request, RotateBody, optional=True)
        issued = await self._keys.rotate(key_id, grace=timedelta(seconds=body.grace_s))
        return answer(issued_key_object(issued, self._clock.now()), 201)

    async def reset(self, request: Request, key_id: str) -> HTTPResponse:
        read_body(request, ResetBody, optional=True)
        own = (await self._keys.get(key_id)).pouches[0]
        if not await self._ledger.reset(own.id, reason="administrator"):
            raise NotFoundError(f"The pouch {own.id!r} is gone.")
        return answer(key_object(await self._keys.get(key_id), self._clock.now()))

    async def thaw(self, request: Request, key_id: str) -> HTTPResponse:
        read_body(request, ThawBody, optional=True)
        return answer(key_object(await self._freezes.thaw(key_id), self._clock.now()))

    def _check_provider(self, name: str | None) -> None:
        """A key for a provider that does not exist could never be used."""
        if name is not None and name not in self._providers:
            known = ", ".join(sorted(self._providers))
            raise InvalidRequestError(
                f"there is no provider {name!r}; known: {known}", param="provider"
            )


def key_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/keys``."""
    routes = KeyRoutes(services)
    return [
        Endpoint(
            method="POST",
            path="/keys",
            name="create_key",
            summary="Issue a key, and the pouch that it draws on",
            handler=routes.create,
            body=KeyBody,
            answer=IssuedKeyObject,
            status=201,
        ),
        Endpoint(
            method="GET",
            path="/keys",
            name="list_keys",
            summary="Keys that are not revoked",
            handler=routes.list,
            query=KeyQuery,
            answer=KeyList,
        ),
        Endpoint("GET", "/keys/{key_id}", "show_key", "One key", routes.show, KeyObject),
        Endpoint(
            method="PATCH",
            path="/keys/{key_id}",
            name="change_key",
            summary="Change a key; absent fields stay, null clears",
            handler=routes.change,
            body=KeyPatch,
            answer=KeyObject,
        ),
        Endpoint(
            method="DELETE",
            path="/keys/{key_id}",
            name="revoke_key",
            summary="End a key; its history stays",
            handler=routes.revoke,
            answer=None,
            status=204,
        ),
        Endpoint(
            method="POST",
            path="/keys/{key_id}/rotate",
            name="rotate_key",
            summary="Give a key a new secret; the old one lives on for the grace",
            handler=routes.rotate,
            body=RotateBody,
            answer=IssuedKeyObject,
            status=201,
        ),
        Endpoint(
            method="POST",
            path="/keys/{key_id}/reset",
            name="reset_key",
            summary="Zero what a key's pouch has spent, as a ledger entry",
            handler=routes.reset,
            body=ResetBody,
            answer=KeyObject,
        ),
        Endpoint("POST", "/keys/{key_id}/thaw", "thaw_key", "Thaw a key", routes.thaw, KeyObject),
    ]
