"""The ``Reports`` port on SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.domain.reports import (
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
    "output_tokens, reasoning_tokens, evidence, price_source, error"
)
_ERROR_FROM: Final = 400


class SqliteReports:
    """See ``pouch.domain.reports.Reports``."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def request(self, request_id: str) -> LoggedRequest | None:
        query = f"SELECT {_COLUMNS} FROM requests WHERE id = ?"  # noqa: S608

        def read(connection: sqlite3.Connection) -> LoggedRequest | None:
            row = connection.execute(query, (request_id,)).fetchone()
            return None if row is None else _logged(row)

        return await self._reader.run(read)

    async def requests(
        self, wanted: RequestFilter, *, cursor: str | None, limit: int
    ) -> RequestPage:
        conditions, values = _conditions(wanted)
        if cursor is not None:
            conditions.append("id < ?")
            values.append(cursor)
        query = (
            f"SELECT {_COLUMNS} FROM requests {_where(conditions)} "  # noqa: S608
            "ORDER BY id DESC LIMIT ?"
        )

        def read(connection: sqlite3.Connection) -> RequestPage:
            rows = connection.execute(query, (*values, limit + 1)).fetchall()
            items = [_logged(row) for row in rows[:limit]]
            return RequestPage(items, items[-1].id if len(rows) > limit else None)

        return await self._reader.run(read)

    async def usage(
        self, by: str, *, since: datetime | None, until: datetime | None
    ) -> Sequence[UsageRow]:
        conditions, values = _conditions(RequestFilter(since=since, until=until))
        query = (
            f"SELECT {_GROUPS[by]} AS grouped, count(*), sum(status >= {_ERROR_FROM}), "  # noqa: S608
            "coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), sum(cost_nanos) "
            f"FROM requests {_where(conditions)} GROUP BY grouped ORDER BY grouped"
        )

        def read(connection: sqlite3.Connection) -> list[UsageRow]:
            rows = connection.execute(query, values)
            return [UsageRow(r[0], r[1], r[2], r[3], r[4], Money(r[5])) for r in rows]

        return await self._reader.run(read)

    async def open_reservations(self, *, limit: int) -> Sequence[OpenReservation]:
        query = (
            "SELECT id, request_id, key_id, pouch_id, model, provider, amount_nanos, started_at "
            "FROM reservations WHERE state = 'reserved' ORDER BY id LIMIT ?"
        )

        def read(connection: sqlite3.Connection) -> list[OpenReservation]:
            rows = connection.execute(query, (limit,))
            return [
                OpenReservation(r[0], r[1], r[2], r[3], r[4], r[5], Money(r[6]), moment(r[7]))
                for r in rows
            ]

        return await self._reader.run(read)


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
    return list(named), list(named.values())


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
    )
