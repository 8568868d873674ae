"""Answers questions about usage, a page at a time."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

from pouch.domain.usage_report import TIMES, Dimension, Sums, UsagePage, UsageQuestion, UsageRow
from pouch.infra.sqlite import usage_queries
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.rows import moment
from pouch.infra.sqlite.usage import HOUR_US
from pouch.infra.sqlite.usage_queries import Statement

_MIDDLE_KEY: Final = (
    "SELECT id FROM keys ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM keys)"
)
NAMES: Final = "SELECT id, name FROM keys WHERE id IN (SELECT value FROM json_each(?))"


class UsageReport:
    """A question is answered by a few statements, each over the rows of one page."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def answer(self, question: UsageQuestion, *, cursor: int | None, limit: int) -> UsagePage:
        """See ``pouch.domain.reports.Reports.usage``."""
        if question.by in TIMES:
            return await self._by_time(question, cursor=cursor, limit=limit)
        offset = cursor or 0
        found = await self._dearest(question, question.by, limit=limit + 1, offset=offset)
        shown = found[:limit]
        rows = await self._rows(question, shown) if shown else []
        place = {value: position for position, value in enumerate(shown)}
        rows.sort(key=lambda row: place[row.by])
        named = await self._named(question, rows)
        return UsagePage(named, offset + limit if len(found) > limit else None)

    async def _by_time(
        self, question: UsageQuestion, *, cursor: int | None, limit: int
    ) -> UsagePage:
        """``cursor`` is the hour with which the page begins."""
        # What is told apart is the same on every page.
        top = await self._top(question)
        if cursor is not None:
            start = moment(cursor * HOUR_US)
            if question.since is None or start > question.since:
                question = usage_queries.within(question, start, question.until)
        hours = await self._values(usage_queries.first_hours(question, limit=limit + 1))
        if not hours:
            return UsagePage([], None)
        following = hours[limit] if len(hours) > limit else None
        end = question.until if following is None else moment(following * HOUR_US)
        page = usage_queries.within(question, moment(hours[0] * HOUR_US), end)
        rows = await self._rows(page, None, top)
        return UsagePage(await self._named(question, rows), following)

    async def _top(self, question: UsageQuestion) -> Sequence[str]:
        """The values of ``split`` that are told apart."""
        if question.split is None:
            return ()
        return await self._dearest(question, question.split, limit=question.top)

    async def _dearest(
        self, question: UsageQuestion, dimension: Dimension, *, limit: int, offset: int = 0
    ) -> Sequence[str]:
        """The values of ``dimension`` that cost most."""
        if not usage_queries.takes_all_rows(question, dimension):
            return await self._values(
                usage_queries.dearest(question, dimension, limit=limit, offset=offset)
            )
        middle = await self._reader.row(_MIDDLE_KEY)
        wanted = offset + limit
        statements = usage_queries.dearest_halves(
            question, middle="" if middle is None else middle[0], limit=wanted
        )
        halves = await asyncio.gather(
            *(self._reader.rows(each.text, each.values) for each in statements)
        )
        found = sorted(chain(*halves), key=lambda row: (-row[1], row[0]))
        return [row[0] for row in found[offset:wanted]]

    async def _rows(
        self, question: UsageQuestion, shown: Sequence[str] | None, top: Sequence[str] | None = None
    ) -> list[UsageRow]:
        if top is None:
            top = await self._top(question)
        statement = usage_queries.sums(question, shown, top)
        found: dict[str, dict[str | None, Sums]] = {}
        for row in await self._reader.rows(statement.text, statement.values):
            found.setdefault(row[0], {})[row[1]] = usage_queries.sums_of(row[2:])
        rows: list[UsageRow] = []
        for by, sums in found.items():
            rows += _parts(by, sums, top)
        return rows

    async def _values(self, statement: Statement) -> list[Any]:
        return [row[0] for row in await self._reader.rows(statement.text, statement.values)]

    async def _named(self, question: UsageQuestion, rows: Sequence[UsageRow]) -> list[UsageRow]:
        """With the names that keys have now."""
        by_key, split_key = question.by is Dimension.KEY, question.split is Dimension.KEY
        if not by_key and not split_key:
            return list(rows)
        ids = {row.by for row in rows} if by_key else {row.split for row in rows}
        found = await self._reader.rows(NAMES, (json.dumps([*ids]),))
        names: dict[str | None, str] = {row[0]: row[1] for row in found}
        return [
            UsageRow(
                row.by,
                row.sums,
                names.get(row.by) if by_key else None,
                row.split,
                names.get(row.split) if split_key else None,
            )
            for row in rows
        ]


def _parts(by: str, sums: Mapping[str | None, Sums], top: Sequence[str]) -> list[UsageRow]:
    """What is told apart, in the order of ``top``, and what that leaves of the whole."""
    told = [value for value in top if value in sums]
    rest = sums[None]
    for value in told:
        rest -= sums[value]
    rows = [UsageRow(by, sums[value], split=value) for value in told]
    return [*rows, UsageRow(by, rest)] if rest.requests or not told else rows
