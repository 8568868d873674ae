"""The ``Reports`` port on SQLite, through a connection of its own."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pouch.domain.errors import InvalidRequestError
from pouch.domain.key_report import KeyFilter, PouchFilter, PouchPage, PouchView
from pouch.domain.money import Money
from pouch.domain.ports import Page
from pouch.domain.reports import (
    Attempt,
    EntryPage,
    LedgerEntry,
    LoggedRequest,
    OpenReservation,
    RequestFilter,
    RequestPage,
    RequestStory,
    StepReport,
)
from pouch.domain.usage_report import Overview, Totals, UsagePage, UsageQuestion
from pouch.infra.sqlite import key_lists, overview, request_log
from pouch.infra.sqlite.key_rows import KEYS, stored_keys
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import micros, moment, pouch_of
from pouch.infra.sqlite.usage_queries import hour_number
from pouch.infra.sqlite.usage_report import UsageReport

# The sign keeps SQLite from going through all reservations ever made, in their order.
OPEN_RESERVATIONS: Final = (
    "SELECT id, request_id, key_id, pouch_id, model, provider, amount_nanos, started_at "
    "FROM reservations WHERE state = 'reserved' ORDER BY +id LIMIT ?"
)
ENTRIES: Final = (
    "SELECT e.id, r.request_id, e.kind, e.spent_delta, e.reserved_delta, e.reason, e.created_at "
    "FROM entries e LEFT JOIN reservations r ON r.id = e.reservation_id "
    "WHERE e.pouch_id = ? AND e.id < ? ORDER BY e.id DESC LIMIT ?"
)
ANY_REQUEST: Final = "SELECT 1 FROM requests WHERE id = ?"
_CHOSEN_KEYS: Final = KEYS.format(where="id IN (SELECT value FROM json_each(?))")
# Comes after every entry.
_NO_CURSOR: Final = 2**63 - 1


class SqliteReports:
    """See ``pouch.domain.reports.Reports``."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._usage = UsageReport(reader)

    async def request(self, request_id: str) -> LoggedRequest | None:
        query = f"SELECT {request_log.COLUMNS} FROM requests WHERE id = ?"  # noqa: S608
        row = await self._reader.row(query, (request_id,))
        return None if row is None else request_log.logged_request(row)

    async def requests(
        self, wanted: RequestFilter, *, cursor: str | None, limit: int
    ) -> RequestPage:
        query, values = request_log.requests_query(wanted, cursor=cursor, limit=limit + 1)
        rows = await self._reader.rows(query, values)
        if not rows:
            await self._check_cursor(ANY_REQUEST, cursor)
        items = [request_log.logged_request(row) for row in rows[:limit]]
        return RequestPage(items, items[-1].id if len(rows) > limit else None)

    async def story(self, request_id: str) -> RequestStory | None:
        row = await self._reader.row(request_log.STORY, (request_id,))
        if row is None:
            return None
        reason, refused_by, steps = row[-3:]
        attempts = await self._reader.rows(request_log.ATTEMPTS, (request_id,))
        refunds = await self._reader.rows(request_log.REFUNDS, (request_id,))
        return RequestStory(
            request_log.logged_request(row),
            reason,
            refused_by,
            request_log.step_times(steps),
            [await self._attempt(attempt) for attempt in attempts],
            [request_log.refund(refund) for refund in refunds],
        )

    async def step_times(self, *, limit: int = 1000) -> StepReport:
        return request_log.step_report(await self._reader.rows(request_log.NEWEST_STEPS, (limit,)))

    async def entries(self, pouch_id: str, *, cursor: int | None, limit: int) -> EntryPage:
        before = _NO_CURSOR if cursor is None else cursor
        rows = await self._reader.rows(ENTRIES, (pouch_id, before, limit + 1))
        items = [
            LedgerEntry(r[0], r[1], r[2], Money(r[3]), Money(r[4]), r[5], moment(r[6]))
            for r in rows[:limit]
        ]
        return EntryPage(items, items[-1].id if len(rows) > limit else None)

    async def usage(self, question: UsageQuestion, *, cursor: int | None, limit: int) -> UsagePage:
        return await self._usage.answer(question, cursor=cursor, limit=limit)

    async def overview(self, now: datetime) -> Overview:
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        fullest = await self._reader.rows(overview.FULLEST, (micros(now), overview.FULLEST_MAX))
        [open_ones, reserved] = await self._one(overview.RESERVED)
        [keys, ever] = await self._one(overview.COUNTS)
        return Overview(
            now=now,
            today=await self._totals(day),
            month=await self._totals(day - timedelta(days=day.day - 1)),
            reserved=Money(reserved),
            open_reservations=open_ones,
            keys=keys,
            requests_ever=bool(ever),
            fullest=[overview.full_pouch(row) for row in fullest],
        )

    async def knows_key(self, key_id: str) -> bool:
        return await self._reader.row(key_lists.ANY_KEY, (key_id,)) is not None

    async def keys(
        self, wanted: KeyFilter, *, now: datetime, cursor: str | None, limit: int
    ) -> Page:
        query, values = key_lists.keys_query(wanted, now=now, cursor=cursor, limit=limit + 1)
        ids = [row[0] for row in await self._reader.rows(query, values)]
        if not ids:
            await self._check_cursor(key_lists.ANY_KEY, cursor)
        shown = ids[:limit]
        stored = stored_keys(await self._reader.rows(_CHOSEN_KEYS, (json.dumps(shown),)))
        place = {key_id: position for position, key_id in enumerate(shown)}
        stored.sort(key=lambda found: place[found.key.id])
        return Page(stored, shown[-1] if len(ids) > limit else None)

    async def pouches(self, wanted: PouchFilter, *, cursor: str | None, limit: int) -> PouchPage:
        query, values = key_lists.pouches_query(wanted, cursor=cursor, limit=limit + 1)
        ids = [row[0] for row in await self._reader.rows(query, values)]
        if not ids:
            await self._check_cursor(key_lists.ANY_POUCH, cursor)
        rows = await self._reader.rows(key_lists.POUCHES, (json.dumps(ids[:limit]),))
        items = [_pouch_view(row) for row in rows]
        return PouchPage(items, items[-1].pouch.id if len(ids) > limit else None)

    async def pouch(self, pouch_id: str) -> PouchView | None:
        row = await self._reader.row(key_lists.POUCH, (pouch_id,))
        return None if row is None else _pouch_view(row)

    async def open_reservations(self, *, limit: int) -> Sequence[OpenReservation]:
        return [
            OpenReservation(r[0], r[1], r[2], r[3], r[4], r[5], Money(r[6]), moment(r[7]))
            for r in await self._reader.rows(OPEN_RESERVATIONS, (limit,))
        ]

    async def _attempt(self, row: Sequence[Any]) -> Attempt:
        reservation_id, chain, ended_after = row[0], row[10].split(" "), row[11]
        last = _NO_CURSOR if ended_after is None else ended_after
        movements: list[Sequence[Any]] = []
        for pouch_id in chain:
            begun = (reservation_id, pouch_id, last)
            movements += await self._reader.rows(request_log.BEGUN, begun)
        if ended_after is not None:
            ended = (reservation_id, ended_after, ended_after + len(chain))
            movements += await self._reader.rows(request_log.ENDED, ended)
        movements += await self._reader.rows(request_log.GIVEN_BACK, (reservation_id,))
        return request_log.attempt(row, movements)

    async def _totals(self, since: datetime) -> Totals:
        values = (hour_number(since), micros(since))
        return overview.totals_of(await self._one(overview.TOTALS, values))

    async def _one(self, query: str, values: Sequence[object] = ()) -> Sequence[Any]:
        row = await self._reader.row(query, values)
        assert row is not None
        return row

    async def _check_cursor(self, any_of: str, cursor: str | None) -> None:
        """An empty page is the end of the list, unless it began nowhere.

        Raises:
            InvalidRequestError: the cursor names nothing that has ever been there.
        """
        if cursor is not None and await self._reader.row(any_of, (cursor,)) is None:
            raise InvalidRequestError("this is no cursor of this list", param="cursor")


def _pouch_view(row: Sequence[Any]) -> PouchView:
    return PouchView(pouch_of(row), keys=row[-2], children=row[-1])
