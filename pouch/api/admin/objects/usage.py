"""Sums of requests as the API shows them."""

from pouch.api.admin.objects import (
    Listing,
    Shape,
    TimeText,
    UsdText,
    optional_time,
    time_text,
)
from pouch.api.admin.objects.pouches import PouchObject, pouch_object
from pouch.domain.usage_report import (
    FullPouch,
    Overview,
    Totals,
    UsagePage,
    UsageQuestion,
    UsageRow,
)


class UsageTotal(Shape):
    """Sums of one hour, day, month (UTC), key, model or provider, which ``by`` names; with a split,
    of the part that ``split`` names, or, where it is null, of all that is not told apart. The names
    are those of keys.
    """

    by: str
    by_name: str | None
    split: str | None
    split_name: str | None
    requests: int
    errors: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: UsdText


class UsageList(Listing[UsageTotal]):
    """Sums: times in order, all else dearest first. ``since`` and ``until`` are as used."""

    since: TimeText | None
    until: TimeText | None


class TotalsObject(Shape):
    """Everything that began ``since``. ``refunded_usd`` was given back since then."""

    since: TimeText
    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: UsdText
    refunded_usd: UsdText


class NamedKey(Shape):
    """A key by its id and its name."""

    id: str
    name: str


class FullPouchObject(Shape):
    """A pouch near its limit, or at it; ``key`` is the one whose own it is, null if none's."""

    pouch: PouchObject
    key: NamedKey | None
    used_percent: float


class OverviewObject(Shape):
    """Money of this day and month (UTC), what is reserved now, and the fullest pouches."""

    now: TimeText
    today: TotalsObject
    month: TotalsObject
    reserved_usd: UsdText
    open_reservations: int
    keys: int
    requests_ever: bool
    fullest: list[FullPouchObject]


def usage_total(row: UsageRow) -> UsageTotal:
    """One row of sums as the API shows it."""
    sums = row.sums
    return UsageTotal(
        by=row.by,
        by_name=row.by_name,
        split=row.split,
        split_name=row.split_name,
        requests=sums.requests,
        errors=sums.errors,
        input_tokens=sums.input_tokens,
        cached_input_tokens=sums.cached_input_tokens,
        output_tokens=sums.output_tokens,
        reasoning_tokens=sums.reasoning_tokens,
        cost_usd=str(sums.cost),
    )


def usage_list(page: UsagePage, question: UsageQuestion) -> UsageList:
    """A page of sums as the API shows it."""
    cursor = page.next_cursor
    return UsageList(
        data=[usage_total(row) for row in page.rows],
        next_cursor=None if cursor is None else str(cursor),
        since=optional_time(question.since),
        until=optional_time(question.until),
    )


def overview_object(overview: Overview) -> OverviewObject:
    """The state of things as the API shows it."""
    return OverviewObject(
        now=time_text(overview.now),
        today=_totals(overview.today),
        month=_totals(overview.month),
        reserved_usd=str(overview.reserved),
        open_reservations=overview.open_reservations,
        keys=overview.keys,
        requests_ever=overview.requests_ever,
        fullest=[_full_pouch(full) for full in overview.fullest],
    )


def _totals(totals: Totals) -> TotalsObject:
    sums = totals.sums
    return TotalsObject(
        since=time_text(totals.since),
        requests=sums.requests,
        errors=sums.errors,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        cost_usd=str(sums.cost),
        refunded_usd=str(totals.refunded),
    )


def _full_pouch(full: FullPouch) -> FullPouchObject:
    key = None if full.key is None else NamedKey(id=full.key[0], name=full.key[1])
    return FullPouchObject(
        pouch=pouch_object(full.view), key=key, used_percent=round(full.used_percent, 2)
    )
