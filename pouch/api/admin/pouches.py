"""Routes that make, show and change pouches."""

from collections.abc import Sequence

from sanic import HTTPResponse, Request

from pouch.api.admin.asked import new_pouch, pouch_change
from pouch.api.admin.bodies import NoQuery, PageQuery, PouchBody, PouchPatch
from pouch.api.admin.endpoint import Endpoint, answer, read_body, read_query
from pouch.api.admin.objects import PouchList, PouchObject, pouch_object
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import InvalidRequestError
from pouch.domain.pouch import Pouch


class PouchRoutes:
    """Handlers of ``/api/pouches``."""

    def __init__(self, services: AdminServices) -> None:
        self._pouches = services.keys.pouches

    async def create(self, request: Request) -> HTTPResponse:
        made = await self._pouches.create(new_pouch(read_body(request, PouchBody)))
        return answer(pouch_object(made), 201)

    async def list(self, request: Request) -> HTTPResponse:
        query = read_query(request, PageQuery)
        newest_first = list(reversed(await self._pouches.all()))
        start = _after(newest_first, query.cursor)
        shown = newest_first[start : start + query.limit]
        more = len(newest_first) > start + query.limit
        data = [pouch_object(pouch) for pouch in shown]
        return answer(PouchList(data=data, next_cursor=shown[-1].id if more else None))

    async def show(self, request: Request, pouch_id: str) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(pouch_object(await self._pouches.get(pouch_id)))

    async def change(self, request: Request, pouch_id: str) -> HTTPResponse:
        body = read_body(request, PouchPatch)
        return answer(pouch_object(await self._pouches.change(pouch_id, pouch_change(body))))


def _after(pouches: Sequence[Pouch], cursor: str | None) -> int:
    """Where the page behind the pouch that ``cursor`` names begins; pouches are never deleted."""
    if cursor is None:
        return 0
    for position, pouch in enumerate(pouches):
        if pouch.id == cursor:
            return position + 1
    raise InvalidRequestError("this is no cursor of this list", param="cursor")


def pouch_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/pouches``."""
    routes = PouchRoutes(services)
    return [
        Endpoint(
            method="POST",
            path="/pouches",
            name="create_pouch",
            summary="Make a pouch for keys and other pouches to lie in",
            handler=routes.create,
            body=PouchBody,
            answer=PouchObject,
            status=201,
        ),
        Endpoint(
            method="GET",
            path="/pouches",
            name="list_pouches",
            summary="Pouches, the keys' own among them, newest first",
            handler=routes.list,
            query=PageQuery,
            answer=PouchList,
        ),
        Endpoint("GET", "/pouches/{pouch_id}", "show_pouch", "One pouch", routes.show, PouchObject),
        Endpoint(
            method="PATCH",
            path="/pouches/{pouch_id}",
            name="change_pouch",
            summary="Change a pouch; absent fields stay, null clears",
            handler=routes.change,
            body=PouchPatch,
            answer=PouchObject,
        ),
    ]
