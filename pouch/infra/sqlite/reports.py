"""The ``Reports`` port on SQLite."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.domain.reports import (
    EntryPage,
    LedgerEntry,
    LoggedRequest,
    OpenReservation,
    RequestFilter,
    RequestPage,
    UsageRow,
)
from pouch.domain.usage import Usage
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import micros, moment, optional_money

_GROUPS: Final[Mapping[str, str]] = {
    "day": "date(started_at / 1000000, 'unixepoch')",
    "key": "key_id",
    "model": "model",
    "provider": "provider",
}
_COLUMNS: Final = (
    "id, key_id, model, provider, endpoint, stream, status, started_at, latency_ms, "
    "first_byte_ms, reserved_nanos, cost_nanos, input_tokens, cached_input_tokens, "
    "output_tokens, reasoning_tokens, evidence, price_source, error, "
    "(SELECT sum(amount_nanos) FROM refunds WHERE request_id = requests.id)"
)
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
# Comes after every entry.
_NO_CURSOR: Final = 2**63 - 1
_ERROR_FROM: Final = 400
_OK: Final = 200


class SqliteReports:
    """See ``pouch.domain.reports.Reports``."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def request(self, request_id: str) -> LoggedRequest | None:
        query = f"SELECT {_COLUMNS} FROM requests WHERE id = ?"  # noqa: S608
        row = await self._reader.row(query, (request_id,))
        return None if row is None else _logged(row)

    async def requests(
        self, wanted: RequestFilter, *, cursor: str | None, limit: int
    ) -> RequestPage:
        query, values = requests_query(wanted, cursor=cursor, limit=limit + 1)
        rows = await self._reader.rows(query, values)
        items = [_logged(row) for row in rows[:limit]]
        return RequestPage(items, items[-1].id if len(rows) > limit else None)

    async def entries(self, pouch_id: str, *, cursor: int | None, limit: int) -> EntryPage:
        before = _NO_CURSOR if cursor is None else cursor
        rows = await self._reader.rows(ENTRIES, (pouch_id, before, limit + 1))
        items = [
            LedgerEntry(r[0], r[1], r[2], Money(r[3]), Money(r[4]), r[5], moment(r[6]))
            for r in rows[:limit]
        ]
        return EntryPage(items, items[-1].id if len(rows) > limit else None)

    async def usage(
        self, by: str, *, since: datetime | None, until: datetime | None
    ) -> Sequence[UsageRow]:
        conditions, values = _conditions(RequestFilter(since=since, until=until))
        query = (
            f"SELECT {_GROUPS[by]} AS grouped, count(*), sum(status >= {_ERROR_FROM}), "  # noqa: S608
            "coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), sum(cost_nanos) "
            f"FROM requests {_where(conditions)} GROUP BY grouped ORDER BY grouped"
        )
        rows = await self._reader.rows(query, values)
        return [UsageRow(r[0], r[1], r[2], r[3], r[4], Money(r[5])) for r in rows]

    async def open_reservations(self, *, limit: int) -> Sequence[OpenReservation]:
        return [
            OpenReservation(r[0], r[1], r[2], r[3], r[4], r[5], Money(r[6]), moment(r[7]))
            for r in await self._reader.rows(OPEN_RESERVATIONS, (limit,))
        ]


def requests_query(
    wanted: RequestFilter, *, cursor: str | None, limit: int
) -> tuple[str, list[object]]:
    """The statement that lists requests, newest first, and its values.

    ``cursor`` is the last request of the page before.
    """
    conditions, values = _conditions(wanted)
    if cursor is not None:
        conditions.append("(started_at, id) < (SELECT started_at, id FROM requests WHERE id = ?)")
        values.append(cursor)
    query = (
        f"SELECT {_COLUMNS} FROM requests {_where(conditions)} "  # noqa: S608
        "ORDER BY started_at DESC, id DESC LIMIT ?"
    )
    return query, [*values, limit]


def _conditions(wanted: RequestFilter) -> tuple[list[str], list[object]]:
    asked: dict[str, object] = {
        "key_id = ?": wanted.key_id,
        "model = ?": wanted.model,
        "provider = ?": wanted.provider,
        "status = ?": wanted.status,
        "started_at >= ?": None if wanted.since is None else micros(wanted.since),
        "started_at < ?": None if wanted.until is None else micros(wanted.until),
    }
    named = {condition: value for condition, value in asked.items() if value is not None}
    conditions = list(named)
    if wanted.status not in {None, _OK} and wanted.key_id is None:
        # Only if the query says so can SQLite use the index that leaves out what is usual; that of
        # a key is better.
        conditions.append(f"status <> {_OK}")
    return conditions, list(named.values())


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _logged(row: Sequence[Any]) -> LoggedRequest:
    usage = None
    if row[12] is not None:
        usage = Usage(
            input_tokens=row[12],
            cached_input_tokens=row[13],
            output_tokens=row[14],
            reasoning_tokens=row[15],
        )
    return LoggedRequest(
        id=row[0],
        key_id=row[1],
        model=row[2],
        provider=row[3],
        endpoint=row[4],
        stream=bool(row[5]),
        status=row[6],
        started_at=moment(row[7]),
        latency_ms=row[8],
        first_byte_ms=row[9],
        reserved=optional_money(row[10]),
        cost=Money(row[11]),
        usage=usage,
        evidence=Evidence(row[16]),
        price_source=row[17],
        error=row[18],
        refunded=Money(row[19] or 0),
    )
