"""Routes that sum requests up."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects.usage import (
    OverviewObject,
    UsageList,
    UsageTotal,
    overview_object,
    usage_list,
    usage_total,
)
from pouch.api.admin.queries import USAGE_PAGE_MAX, UsageQuery, UsageTableQuery
from pouch.api.admin.requests import check_key
from pouch.api.admin.services import AdminServices
from pouch.domain.errors import InvalidRequestError
from pouch.domain.usage_report import UsageQuestion, UsageRow

CSV_ROWS_MAX: Final = 100_000
_CSV: Final = "text/csv; charset=utf-8"
# With one of these a spreadsheet takes a cell for a formula, which could send data away.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class UsageRoutes:
    """Handlers of the sums."""

    def __init__(self, services: AdminServices) -> None:
        self._reports = services.reports
        self._clock = services.clock

    async def overview(self, request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(overview_object(await self._reports.overview(self._clock.now())))

    async def show(self, request: Request) -> HTTPResponse:
        query = read_query(request, UsageQuery)
        question = query.question
        page = await self._reports.usage(question, cursor=query.cursor, limit=query.page_size)
        if not page.rows:
            await check_key(self._reports, question.key_id)
        return answer(usage_list(page, question))

    async def table(self, request: Request) -> HTTPResponse:
        """All pages in one file."""
        question = read_query(request, UsageTableQuery).question
        rows = await self._all(question)
        if not rows:
            await check_key(self._reports, question.key_id)
        headers = {
            "cache-control": "no-store",
            "content-disposition": f'attachment; filename="usage-by-{question.by.value}.csv"',
            "x-content-type-options": "nosniff",
        }
        return HTTPResponse(_csv(rows), 200, headers, _CSV)

    async def _all(self, question: UsageQuestion) -> list[UsageRow]:
        rows: list[UsageRow] = []
        cursor: int | None = None
        while True:
            page = await self._reports.usage(question, cursor=cursor, limit=USAGE_PAGE_MAX)
            rows += page.rows
            cursor = page.next_cursor
            if cursor is None:
                return rows
            if len(rows) > CSV_ROWS_MAX:
                raise InvalidRequestError(
                    f"The file would have more than {CSV_ROWS_MAX} rows; ask for less time.",
                    param="since",
                )


def _csv(rows: Iterable[UsageRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(UsageTotal.model_fields)
    for row in rows:
        writer.writerow(_cell(value) for value in dict(usage_total(row)).values())
    return text.getvalue()


def _cell(value: object) -> object:
    """Names are others' words: none of them may begin a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def usage_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/overview`` and ``/api/usage``."""
    routes = UsageRoutes(services)
    return [
        Endpoint(
            method="GET",
            path="/overview",
            name="show_overview",
            summary="Spending of this day and month, and the pouches nearest their limits",
            handler=routes.overview,
            answer=OverviewObject,
        ),
        Endpoint(
            method="GET",
            path="/usage",
            name="show_usage",
            summary="Sums by hour, day, month (UTC), key, model or provider",
            handler=routes.show,
            query=UsageQuery,
            answer=UsageList,
        ),
        Endpoint(
            method="GET",
            path="/usage.csv",
            name="export_usage",
            summary="The same sums as a file, whole",
            handler=routes.table,
            query=UsageTableQuery,
            answer=None,
            media="text/csv",
        ),
    ]
