"""Route that shows what is set aside now."""

from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import LimitQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects.reservations import ReservationList, reservation_object
from pouch.api.admin.services import AdminServices


def reservation_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/reservations``."""

    async def show(request: Request) -> HTTPResponse:
        query = read_query(request, LimitQuery)
        open_ones = await services.reports.open_reservations(limit=query.limit)
        now = services.clock.now()
        data = [reservation_object(reservation, now) for reservation in open_ones]
        return answer(ReservationList(data=data, next_cursor=None))

    return [
        Endpoint(
            method="GET",
            path="/reservations",
            name="list_reservations",
            summary="Reservations that have not ended, oldest first",
            handler=show,
            query=LimitQuery,
            answer=ReservationList,
        )
    ]
