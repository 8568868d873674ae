"""Routes that show what became of requests."""

from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery, RequestQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import RequestList, RequestObject, request_object
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import NotFoundError
from pouch.domain.reports import RequestFilter


class RequestRoutes:
    """Handlers of ``/api/requests``."""

    def __init__(self, services: AdminServices) -> None:
        self._reports = services.reports

    async def list(self, request: Request) -> HTTPResponse:
        query = read_query(request, RequestQuery)
        wanted = RequestFilter(
            key_id=query.key,
            model=query.model,
            provider=query.provider,
            status=query.status,
            since=query.since,
            until=query.until,
        )
        page = await self._reports.requests(wanted, cursor=query.cursor, limit=query.limit)
        data = [request_object(logged) for logged in page.items]
        return answer(RequestList(data=data, next_cursor=page.next_cursor))

    async def show(self, request: Request, request_id: str) -> HTTPResponse:
        read_query(request, NoQuery)
        logged = await self._reports.request(request_id)
        if logged is None:
            raise NotFoundError(f"No request {request_id[:64]!r} has ended.")
        return answer(request_object(logged))


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
            summary="One request",
            handler=routes.show,
            answer=RequestObject,
        ),
    ]
