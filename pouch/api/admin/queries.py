"""What the lists of the administration API can be asked for."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from pouch.api.admin.bodies import Id, ModelPattern, MomentOrDay, NoQuery, PageQuery
from pouch.domain.errors import InvalidRequestError
from pouch.domain.key import KeyStatus
from pouch.domain.key_report import KeyFilter, KeySort, PouchFilter, PouchSort
from pouch.domain.ledger import Evidence
from pouch.domain.reports import RequestFilter
from pouch.domain.usage_report import TIMES, Dimension, UsageQuestion, hour_after, hour_of

USAGE_PAGE_MAX: Final = 1000
VALUES_PAGE: Final = 100
# In a list by time the cursor is an hour, and no calendar goes on for ever.
_CURSOR_MAX: Final = 10_000_000
Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]


class KeyQuery(PageQuery):
    """Which keys, in which order."""

    q: Text | None = Field(None, description="Is looked for in names and prefixes, in any case.")
    status: KeyStatus | None = None
    sort: KeySort = KeySort.NEWEST

    @property
    def wanted(self) -> KeyFilter:
        """As the reports are asked."""
        return KeyFilter(self.q, self.status, self.sort)


class PouchQuery(PageQuery):
    """Which pouches, in which order."""

    q: Text | None = Field(None, description="Is looked for in names, in any case.")
    parent: Id | None = Field(None, description="Only those that lie directly in this pouch.")
    sort: PouchSort = PouchSort.NEWEST

    @property
    def wanted(self) -> PouchFilter:
        """As the reports are asked."""
        return PouchFilter(self.q, self.parent, self.sort)


class _Span(NoQuery):
    """A part of all time; ``until`` is exclusive."""

    since: MomentOrDay | None = None
    until: MomentOrDay | None = None

    def check_span(self) -> None:
        """Refuse a time that ends before it begins."""
        if self.since is not None and self.until is not None and self.since > self.until:
            raise InvalidRequestError("since is later than until", param="since")


class RequestQuery(PageQuery, _Span):
    """Which requests."""

    key: Id | None = None
    model: ModelPattern | None = None
    provider: Id | None = None
    status: int | None = Field(None, ge=0, le=599)
    evidence: Evidence | None = None
    error: Text | None = Field(None, description="The code of a refusal.")
    failed: bool | None = Field(None, description="With a status of 400 or more, or with none.")
    stream: bool | None = None

    @property
    def wanted(self) -> RequestFilter:
        """As the reports are asked."""
        return RequestFilter(
            key_id=self.key,
            model=self.model,
            provider=self.provider,
            status=self.status,
            since=self.since,
            until=self.until,
            evidence=self.evidence,
            error=self.error,
            failed=self.failed,
            stream=self.stream,
        )


class UsageTableQuery(_Span):
    """Which sums, of whole hours: ``since`` is rounded down, ``until`` up."""

    by: Dimension = Dimension.DAY
    split: Literal[Dimension.KEY, Dimension.MODEL, Dimension.PROVIDER] | None = Field(
        None, description="Each row of `by` is split further."
    )
    top: int = Field(
        10, ge=1, le=20, description="So many values of `split` are told apart, the dearest."
    )
    key: Id | None = None
    model: ModelPattern | None = None
    provider: Id | None = None

    @property
    def question(self) -> UsageQuestion:
        """As the reports are asked.

        Raises:
            InvalidRequestError: the time or the dimensions make no sense.
        """
        self.check_span()
        if self.split is self.by:
            raise InvalidRequestError("is what `by` is already", param="split")
        try:
            until = None if self.until is None else hour_after(self.until)
        except OverflowError as error:
            raise InvalidRequestError("is too late", param="until") from error
        return UsageQuestion(
            by=self.by,
            split=self.split,
            key_id=self.key,
            model=self.model,
            provider=self.provider,
            since=None if self.since is None else hour_of(self.since),
            until=until,
            top=self.top,
        )


class UsageQuery(UsageTableQuery):
    """Which sums, and which part of them."""

    cursor: int | None = Field(None, ge=0, le=_CURSOR_MAX)
    limit: int | None = Field(
        None,
        ge=1,
        le=USAGE_PAGE_MAX,
        description=f"Of values of `by`; {USAGE_PAGE_MAX} times or {VALUES_PAGE} others if absent.",
    )

    @property
    def page_size(self) -> int:
        """How many values of ``by`` a page has."""
        return self.limit or (USAGE_PAGE_MAX if self.by in TIMES else VALUES_PAGE)
