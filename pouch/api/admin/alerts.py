"""Route that shows what operators were told."""

from pydantic import BaseModel, ConfigDict
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import LimitQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Listing, TimeText, time_text
from pouch.api.admin.services import AdminServices
from pouch.domain.alerts import AlertKind, DeliveryState, LoggedAlert


class _Object(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeliveryObject(_Object):
    """How far an alert has come on its way to one webhook, which an opaque id stands for."""

    webhook: str
    state: DeliveryState
    attempts: int
    error: str | None


class AlertObject(_Object):
    """Something that an operator is told. ``data`` depends on the type."""

    id: str
    type: AlertKind
    created_at: TimeText
    text: str
    data: dict[str, str | int | None]
    deliveries: list[DeliveryObject]


class AlertList(Listing[AlertObject]):
    """Alerts, newest first."""


def alert_object(logged: LoggedAlert) -> AlertObject:
    """An alert as the API shows it."""
    alert = logged.alert
    return AlertObject(
        id=alert.id,
        type=alert.kind,
        created_at=time_text(alert.created_at),
        text=alert.text,
        data=dict(alert.facts),
        deliveries=[
            DeliveryObject(
                webhook=report.target,
                state=report.state,
                attempts=report.attempts,
                error=report.error,
            )
            for report in logged.deliveries
        ],
    )


def alert_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/alerts``."""

    async def show(request: Request) -> HTTPResponse:
        query = read_query(request, LimitQuery)
        recent = await services.alerts.recent(limit=query.limit)
        data = [alert_object(logged) for logged in recent]
        return answer(AlertList(data=data, next_cursor=None))

    return [
        Endpoint(
            method="GET",
            path="/alerts",
            name="list_alerts",
            summary="The newest alerts, and how far their deliveries have come",
            handler=show,
            query=LimitQuery,
            answer=AlertList,
        )
    ]
