"""Routes that show what became of requests."""

from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects.request_story import RequestStoryObject, request_story_object
from pouch.api.admin.objects.requests import RequestList, request_object
from pouch.api.admin.queries import RequestQuery
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import NotFoundError
from pouch.domain.reports import Reports


class RequestRoutes:
    """Handlers of ``/api/requests``."""

    def __init__(self, services: AdminServices) -> None:
        self._reports = services.reports

    async def list(self, request: Request) -> HTTPResponse:
        query = read_query(request, RequestQuery)
        query.check_span()
        page = await self._reports.requests(query.wanted, cursor=query.cursor, limit=query.limit)
        if not page.items:
            await check_key(self._reports, query.key)
        data = [request_object(logged) for logged in page.items]
        return answer(RequestList(data=data, next_cursor=page.next_cursor))

    async def show(self, request: Request, request_id: str) -> HTTPResponse:
        read_query(request, NoQuery)
        story = await self._reports.story(request_id)
        if story is None:
            raise NotFoundError(f"No request {request_id[:64]!r} has ended.")
        return answer(request_story_object(story))


def request_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/requests``."""
    routes = RequestRoutes(services)
    return [
        Endpoint(
            method="GET",
            path="/requests",
            name="list_requests",
            summary="Requests that have ended, newest first",
            handler=routes.list,
            query=RequestQuery,
            answer=RequestList,
        ),
        Endpoint(
            method="GET",
            path="/requests/{request_id}",
            name="show_request",
            summary="One request, with its whole story",
            handler=routes.show,
            answer=RequestStoryObject,
        ),
    ]


async def check_key(reports: Reports, key_id: str | None) -> None:
    """Tell a key that has done nothing from one that has never been.

    Raises:
        NotFoundError: there is no such key, and there was none.
    """
    if key_id is not None and not await reports.knows_key(key_id):
        raise NotFoundError(f"There is no key {key_id[:64]!r}.")
