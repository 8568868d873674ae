"""Reports that answer what they were given, and keys and pouches from a store in memory."""

from collections.abc import Sequence
from datetime import datetime

from pouch.domain.key_report import KeyFilter, PouchFilter, PouchPage, PouchView
from pouch.domain.money import ZERO
from pouch.domain.ports import Page
from pouch.domain.pouch import Pouch
from pouch.domain.reports import (
    EntryPage,
    LedgerEntry,
    LoggedRequest,
    OpenReservation,
    RequestFilter,
    RequestPage,
    RequestStory,
    StepReport,
)
from pouch.domain.usage_report import Overview, Sums, Totals, UsagePage, UsageQuestion, UsageRow
from tests.fakes.key_store import FakeKeyStore


class FakeReports:
    """Remembers in ``asked`` what was asked. Lists of keys and pouches are neither filtered nor
    sorted, but newest first and paged; every key that is asked for is known unless ``strange``.
    """

    def __init__(self, store: FakeKeyStore) -> None:
        self._store = store
        self.logged: list[LoggedRequest] = []
        self.stories: list[RequestStory] = []
        self.usage_pages: list[UsagePage] = []
        self.open: list[OpenReservation] = []
        self.movements: list[LedgerEntry] = []
        self.steps = StepReport(0, None, ())
        self.shown: Overview | None = None
        self.strange: set[str] = set()
        self.asked: list[object] = []

    def answer_usage(self, *rows: UsageRow, next_cursor: int | None = None) -> None:
        """Answer the next question with these rows."""
        self.usage_pages.append(UsagePage(rows, next_cursor))

    async def request(self, request_id: str) -> LoggedRequest | None:
        return next((logged for logged in self.logged if logged.id == request_id), None)

    async def requests(
        self, wanted: RequestFilter, *, cursor: str | None, limit: int
    ) -> RequestPage:
        self.asked.append((wanted, cursor, limit))
        more = len(self.logged) > limit
        return RequestPage(self.logged[:limit], self.logged[limit - 1].id if more else None)

    async def story(self, request_id: str) -> RequestStory | None:
        return next((story for story in self.stories if story.logged.id == request_id), None)

    async def step_times(self, *, limit: int = 1000) -> StepReport:
        self.asked.append(limit)
        return self.steps

    async def usage(self, question: UsageQuestion, *, cursor: int | None, limit: int) -> UsagePage:
        self.asked.append((question, cursor, limit))
        return self.usage_pages.pop(0) if self.usage_pages else UsagePage([], None)

    async def overview(self, now: datetime) -> Overview:
        if self.shown is not None:
            return self.shown
        nothing = Totals(now, Sums(), ZERO)
        return Overview(now, nothing, nothing, ZERO, 0, 0, requests_ever=False, fullest=())

    async def knows_key(self, key_id: str) -> bool:
        return key_id not in self.strange

    async def keys(
        self, wanted: KeyFilter, *, now: datetime, cursor: str | None, limit: int
    ) -> Page:
        self.asked.append((wanted, now, cursor, limit))
        return await self._store.page(cursor=cursor, limit=limit)

    async def pouches(self, wanted: PouchFilter, *, cursor: str | None, limit: int) -> PouchPage:
        self.asked.append((wanted, cursor, limit))
        found = [
            pouch
            for pouch in reversed(await self._store.pouches())
            if (cursor is None or pouch.id < cursor) and wanted.parent_id in {None, pouch.parent_id}
        ]
        views = [await self._view(pouch) for pouch in found[:limit]]
        return PouchPage(views, found[limit - 1].id if len(found) > limit else None)

    async def pouch(self, pouch_id: str) -> PouchView | None:
        for pouch in await self._store.pouches():
            if pouch.id == pouch_id:
                return await self._view(pouch)
        return None

    async def entries(self, pouch_id: str, *, cursor: int | None, limit: int) -> EntryPage:
        self.asked.append((pouch_id, cursor, limit))
        more = len(self.movements) > limit
        return EntryPage(self.movements[:limit], self.movements[limit - 1].id if more else None)

    async def open_reservations(self, *, limit: int) -> Sequence[OpenReservation]:
        return self.open[:limit]

    async def _view(self, pouch: Pouch) -> PouchView:
        keys = (await self._store.page(cursor=None, limit=1000)).items
        drawing = sum(pouch.id in [around.id for around in key.pouches] for key in keys)
        inside = sum(other.parent_id == pouch.id for other in await self._store.pouches())
        return PouchView(pouch, drawing, inside)
