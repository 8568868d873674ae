"""Routes that show the requests at work, and stop one."""

from collections.abc import Sequence
from typing import Final, Literal

from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Listing, Shape, TimeText, UsdText, optional_usd, time_text
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import NotFoundError
from pouch.domain.live import LiveRequest, Phase
from pouch.domain.reports import OpenReservation

LIVE_MAX: Final = 500


class LiveObject(Shape):
    """A request at work; null is what is not known, which is much of another worker's.

    Tokens and cost so far are estimates; ``here`` says that the worker which answers has it.
    """

    id: str
    key: str
    key_name: str | None
    model: str
    provider: str
    stream: bool | None
    started_at: TimeText
    age_s: float
    phase: Phase | None
    reserved_usd: UsdText | None
    bytes_relayed: int | None
    tokens_estimate: int | None
    cost_estimate_usd: UsdText | None
    here: bool


class LiveList(Listing[LiveObject]):
    """Requests at work, oldest first. Of other workers only what has a reservation is known."""


class StopObject(Shape):
    """It is stopped, or the worker that has it was told to."""

    stopped: Literal[True, "requested"]


class LiveRoutes:
    """Handlers of ``/api/live``."""

    def __init__(self, services: AdminServices) -> None:
        self._live = services.live
        self._stopping = services.stopping
        self._reports = services.reports
        self._keys = services.keys
        self._clock = services.clock

    async def list(self, request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        # Taken before and after: what comes or goes meanwhile is this process's own all the same.
        before = self._live.ids()
        reserved = await self._reports.open_reservations(limit=LIVE_MAX)
        mine = before | self._live.ids()
        others = await self._others([each for each in reserved if each.request_id not in mine])
        seen = [*self._live.all(limit=LIVE_MAX), *others]
        seen.sort(key=lambda live: live.started_at)
        return answer(LiveList(data=[_object(live) for live in seen], next_cursor=None))

    async def stop(self, request: Request, request_id: str) -> HTTPResponse:
        read_query(request, NoQuery)
        here = await self._stopping.stop(request_id)
        return answer(StopObject(stopped=True if here else "requested"), 202)

    async def _others(self, others: Sequence[OpenReservation]) -> Sequence[LiveRequest]:
        """What the ledger knows of requests that other processes work on."""
        names = {key_id: await self._name(key_id) for key_id in {each.key_id for each in others}}
        now = self._clock.now()
        return [
            LiveRequest(
                id=each.request_id,
                key_id=each.key_id,
                key_name=names[each.key_id],
                model=each.model,
                provider=each.provider,
                stream=None,
                started_at=each.started_at,
                age_s=max((now - each.started_at).total_seconds(), 0.0),
                phase=None,
                reserved=each.amount,
                bytes_relayed=None,
                tokens_estimate=None,
                cost_estimate=None,
                here=False,
            )
            for each in others
        ]

    async def _name(self, key_id: str) -> str | None:
        try:
            return (await self._keys.get(key_id)).key.name
        except NotFoundError:
            return None


def _object(live: LiveRequest) -> LiveObject:
    return LiveObject(
        id=live.id,
        key=live.key_id,
        key_name=live.key_name,
        model=live.model,
        provider=live.provider,
        stream=live.stream,
        started_at=time_text(live.started_at),
        age_s=round(live.age_s, 3),
        phase=live.phase,
        reserved_usd=optional_usd(live.reserved),
        bytes_relayed=live.bytes_relayed,
        tokens_estimate=live.tokens_estimate,
        cost_estimate_usd=optional_usd(live.cost_estimate),
        here=live.here,
    )


def live_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/live``."""
    routes = LiveRoutes(services)
    return [
        Endpoint(
            method="GET",
            path="/live",
            name="list_live",
            summary="Requests at work, oldest first",
            handler=routes.list,
            answer=LiveList,
        ),
        Endpoint(
            method="POST",
            path="/live/{request_id}/stop",
            name="stop_request",
            summary="End a request that is at work; it is charged for what is known of it",
            handler=routes.stop,
            answer=StopObject,
            status=202,
        ),
    ]
