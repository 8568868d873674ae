"""Routes that make, show and change pouches."""

from sanic import HTTPResponse, Request

from pouch.api.admin.asked import new_pouch, pouch_change
from pouch.api.admin.bodies import NoQuery, PouchBody, PouchPatch
from pouch.api.admin.endpoint import Endpoint, answer, read_body, read_query
from pouch.api.admin.objects.pouches import PouchList, PouchObject, pouch_object
from pouch.api.admin.queries import PouchQuery
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import NotFoundError
from pouch.domain.reports import Reports


class PouchRoutes:
    """Handlers of ``/api/pouches``."""

    def __init__(self, services: AdminServices) -> None:
        self._pouches = services.keys.pouches
        self._reports = services.reports

    async def create(self, request: Request) -> HTTPResponse:
        made = await self._pouches.create(new_pouch(read_body(request, PouchBody)))
        return answer(await shown_pouch(self._reports, made.id), 201)

    async def list(self, request: Request) -> HTTPResponse:
        query = read_query(request, PouchQuery)
        page = await self._reports.pouches(query.wanted, cursor=query.cursor, limit=query.limit)
        if not page.items and query.parent is not None:
            await shown_pouch(self._reports, query.parent)
        data = [pouch_object(view) for view in page.items]
        return answer(PouchList(data=data, next_cursor=page.next_cursor))

    async def show(self, request: Request, pouch_id: str) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(await shown_pouch(self._reports, pouch_id))

    async def change(self, request: Request, pouch_id: str) -> HTTPResponse:
        body = read_body(request, PouchPatch)
        await self._pouches.change(pouch_id, pouch_change(body))
        return answer(await shown_pouch(self._reports, pouch_id))


async def shown_pouch(reports: Reports, pouch_id: str) -> PouchObject:
    """One pouch as the API shows it.

    Raises:
        NotFoundError: there is none.
    """
    view = await reports.pouch(pouch_id)
    if view is None:
        raise NotFoundError(f"There is no pouch {pouch_id[:64]!r}.")
    return pouch_object(view)


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
            summary="Pouches, the keys' own among them",
            handler=routes.list,
            query=PouchQuery,
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
