"""Route that sums requests up."""

from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import UsageQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import UsageList, usage_total
from pouch.api.admin.services import AdminServices


def usage_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/usage``."""

    async def show(request: Request) -> HTTPResponse:
        query = read_query(request, UsageQuery)
        rows = await services.reports.usage(query.by, since=query.since, until=query.until)
        return answer(UsageList(data=[usage_total(row) for row in rows], next_cursor=None))

    return [
        Endpoint(
            method="GET",
            path="/usage",
            name="show_usage",
            summary="Totals by day (UTC), key, model or provider",
            handler=show,
            query=UsageQuery,
            answer=UsageList,
        )
    ]
