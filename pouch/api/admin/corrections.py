"""Routes that show a pouch's ledger and put right what stands in it, by new entries only."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import PAGE_MAX, NoQuery, Usd
from pouch.api.admin.endpoint import Endpoint, answer, read_body, read_query
from pouch.api.admin.objects import Listing, TimeText, UsdText, time_text
from pouch.api.admin.objects.pouches import PouchObject
from pouch.api.admin.objects.requests import RequestObject, request_object
from pouch.api.admin.pouches import shown_pouch
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import InvalidRequestError, NotFoundError
from pouch.domain.money import ZERO, Money
from pouch.domain.reports import LedgerEntry

_SIGNED_USD: Final = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,9})?")


def _signed_money(value: object) -> Money:
    if not isinstance(value, str) or not _SIGNED_USD.fullmatch(value):
        raise PydanticCustomError(
            "usd_form", 'must be USD as a decimal string such as "-1.50", at most nine decimals'
        )
    try:
        return Money.usd(value)
    except ValueError as error:
        raise PydanticCustomError("usd_range", "is more USD than can be held") from error


SignedUsd: TypeAlias = Annotated[
    Money,
    PlainValidator(_signed_money),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_SIGNED_USD.pattern}$", "examples": ["-1.50"]}
    ),
]
Reason: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RefundBody(_Body):
    """Why a request is refunded, and how much of it."""

    reason: Reason
    amount_usd: Usd | None = Field(None, description="All that was not yet refunded, if absent.")


class AdjustBody(_Body):
    """By how much what a pouch has spent is wrong, and why."""

    spent_usd: SignedUsd
    reason: Reason


class EntryQuery(NoQuery):
    """Which part of a pouch's entries."""

    cursor: int | None = Field(None, ge=1, lt=2**63)
    limit: int = Field(50, ge=1, le=PAGE_MAX)


class EntryObject(BaseModel):
    """One movement of a pouch: what it added to what is spent and reserved. ``kind`` is reserve,
    settle, release, rollover, reset, refund or adjust.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    kind: str
    request: str | None
    spent_usd: UsdText
    reserved_usd: UsdText
    reason: str | None
    created_at: TimeText


class EntryList(Listing[EntryObject]):
    """Movements of a pouch, newest first."""


class CorrectionRoutes:
    """Handlers of refunds, adjustments and the entries of a pouch."""

    def __init__(self, services: AdminServices) -> None:
        self._reports = services.reports
        self._ledger = services.ledger

    async def refund(self, request: Request, request_id: str) -> HTTPResponse:
        body = read_body(request, RefundBody)
        if body.amount_usd == ZERO:
            raise InvalidRequestError("there is nothing to give back", param="amount_usd")
        await self._ledger.refund(request_id, body.amount_usd, reason=body.reason)
        logged = await self._reports.request(request_id)
        if logged is None:
            raise NotFoundError(f"No request {request_id[:64]!r} has ended.")
        return answer(request_object(logged))

    async def adjust(self, request: Request, pouch_id: str) -> HTTPResponse:
        body = read_body(request, AdjustBody)
        if body.spent_usd == ZERO:
            raise InvalidRequestError("there is nothing to correct", param="spent_usd")
        if not await self._ledger.adjust(pouch_id, body.spent_usd, reason=body.reason):
            raise NotFoundError(f"There is no pouch {pouch_id[:64]!r}.")
        return answer(await shown_pouch(self._reports, pouch_id))

    async def entries(self, request: Request, pouch_id: str) -> HTTPResponse:
        query = read_query(request, EntryQuery)
        await shown_pouch(self._reports, pouch_id)
        page = await self._reports.entries(pouch_id, cursor=query.cursor, limit=query.limit)
        cursor = None if page.next_cursor is None else str(page.next_cursor)
        data = [_entry_object(entry) for entry in page.items]
        return answer(EntryList(data=data, next_cursor=cursor))


def _entry_object(entry: LedgerEntry) -> EntryObject:
    return EntryObject(
        id=str(entry.id),
        kind=entry.kind,
        request=entry.request_id,
        spent_usd=str(entry.spent),
        reserved_usd=str(entry.reserved),
        reason=entry.reason,
        created_at=time_text(entry.created_at),
    )


def correction_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of refunds, adjustments and entries."""
    routes = CorrectionRoutes(services)
    return [
        Endpoint(
            method="POST",
            path="/requests/{request_id}/refund",
            name="refund_request",
            summary="Give back what a request was charged, as ledger entries",
            handler=routes.refund,
            body=RefundBody,
            answer=RequestObject,
        ),
        Endpoint(
            method="POST",
            path="/pouches/{pouch_id}/adjust",
            name="adjust_pouch",
            summary="Correct what one pouch has spent, as a ledger entry",
            handler=routes.adjust,
            body=AdjustBody,
            answer=PouchObject,
        ),
        Endpoint(
            method="GET",
            path="/pouches/{pouch_id}/entries",
            name="list_entries",
            summary="The movements of a pouch, newest first",
            handler=routes.entries,
            query=EntryQuery,
            answer=EntryList,
        ),
    ]
