"""Sums of requests as statements, over as few rows as tell them.

``usage_models`` has a row for each hour, model and provider; ``usage_hours`` has more, by the key,
and is read for a few keys at a time. Which keys cost most is read from ``usage_costs``: the
difference of two rows of each key, whatever lies between them. Which cost most at one model or
provider takes all of its rows, from an index of them, half of the keys at a time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pouch.domain.money import Money
from pouch.domain.usage_report import Dimension, Sums, UsageQuestion
from pouch.infra.sqlite.rows import micros
from pouch.infra.sqlite.usage import HOUR_US

SUMS: Final = (
    "coalesce(sum(requests), 0), coalesce(sum(errors), 0), coalesce(sum(input_tokens), 0), "
    "coalesce(sum(cached_input_tokens), 0), coalesce(sum(output_tokens), 0), "
    "coalesce(sum(reasoning_tokens), 0), coalesce(sum(cost_nanos), 0)"
)
_COLUMN: Final[Mapping[Dimension, str]] = {
    Dimension.HOUR: "strftime('%Y-%m-%dT%H:00:00Z', hour * 3600, 'unixepoch')",
    Dimension.DAY: "date(hour * 3600, 'unixepoch')",
    Dimension.MONTH: "strftime('%Y-%m', hour * 3600, 'unixepoch')",
    Dimension.KEY: "key_id",
    Dimension.MODEL: "model",
    Dimension.PROVIDER: "provider",
}
# What each key cost in the time, by the last hour before its end and the last before its beginning.
_COST_BEFORE: Final = (
    "coalesce((SELECT cost_nanos FROM usage_costs WHERE key_id = keys.id AND hour < {hour} "
    "ORDER BY hour DESC LIMIT 1), 0)"
)
_DEAREST_KEYS: Final = (
    "WITH costs AS MATERIALIZED (SELECT id, "  # noqa: S608
    f"{_COST_BEFORE.format(hour=':until')} - {_COST_BEFORE.format(hour=':since')} AS cost "
    "FROM keys INDEXED BY keys_by_pouch) "
    "SELECT id FROM costs WHERE cost > 0 OR EXISTS (SELECT 1 FROM usage_costs "
    "WHERE key_id = costs.id AND hour >= :since AND hour < :until) "
    "ORDER BY cost DESC, id LIMIT :limit OFFSET :offset"
)
# Beyond every hour.
_NO_HOUR: Final = 2**62


@dataclass(frozen=True, slots=True)
class Statement:
    """Text and the values that it names."""

    text: str
    values: Mapping[str, object]


def hour_number(moment: datetime) -> int:
    """Hours since 1970."""
    return micros(moment) // HOUR_US


def sums_of(row: Sequence[Any]) -> Sums:
    """Sums from the columns of ``SUMS``."""
    return Sums(row[0], row[1], row[2], row[3], row[4], row[5], Money(row[6]))


def first_hours(question: UsageQuestion, *, limit: int) -> Statement:
    """The first hour of each value of a question that is asked by time."""
    source = _Source.of(question)
    return Statement(
        f"SELECT min(hour) FROM {source.table} {source.where} "  # noqa: S608
        f"GROUP BY {_COLUMN[question.by]} ORDER BY 1 LIMIT :limit",
        {**source.values, "limit": limit},
    )


def dearest(
    question: UsageQuestion, dimension: Dimension, *, limit: int, offset: int = 0
) -> Statement:
    """The values of ``dimension`` that cost most, over all that is asked for."""
    page: dict[str, object] = {"limit": limit, "offset": offset}
    if dimension is Dimension.KEY and _is_of_all(question):
        return Statement(_DEAREST_KEYS, {**_range(question), **page})
    source = _Source.of(question, by_key=dimension is Dimension.KEY)
    column = _COLUMN[dimension]
    return Statement(
        f"SELECT {column} FROM {source.table} {source.where} GROUP BY {column} "  # noqa: S608
        f"ORDER BY sum(cost_nanos) DESC, {column} LIMIT :limit OFFSET :offset",
        {**source.values, **page},
    )


def takes_all_rows(question: UsageQuestion, dimension: Dimension) -> bool:
    """Which keys cost most is asked of some model or provider."""
    return dimension is Dimension.KEY and question.key_id is None and not _is_of_all(question)


def dearest_halves(question: UsageQuestion, *, middle: str, limit: int) -> Sequence[Statement]:
    """Of the keys before ``middle``, and of the others, those that cost most, with their costs."""
    source = _Source.of(question, by_key=True)
    return [
        Statement(
            f"SELECT key_id, sum(cost_nanos) FROM usage_hours {source.where} "  # noqa: S608
            f"AND key_id {half} :middle GROUP BY key_id ORDER BY 2 DESC, 1 LIMIT :limit",
            {**source.values, "middle": middle, "limit": limit},
        )
        for half in ("<", ">=")
    ]


def _is_of_all(question: UsageQuestion) -> bool:
    return question.key_id is None and question.model is None and question.provider is None


def sums(question: UsageQuestion, shown: Sequence[str] | None, top: Sequence[str]) -> Statement:
    """Rows of ``by``, ``split`` and sums: the whole of each, where ``split`` is ``None``, and with
    a split its ``top`` parts. Of ``by`` only what is ``shown``, if that is not ``None``.

    One statement, so that no request comes between the whole and its parts.
    """
    by = _COLUMN[question.by]
    one = "" if shown is None else f"AND {by} IN (SELECT value FROM json_each(:shown))"  # noqa: S608
    source = _Source.of(question, by_key=question.by is Dimension.KEY)
    text = f"SELECT {by}, NULL, {SUMS} FROM {source.table} {source.where} {one} GROUP BY 1"  # noqa: S608
    values = {**source.values, "shown": json.dumps(shown), "top": json.dumps(top)}
    if question.split is not None:
        split = _COLUMN[question.split]
        parts = _Source.of(question, by_key=Dimension.KEY in {question.by, question.split})
        text += (
            f" UNION ALL SELECT {by}, {split}, {SUMS} FROM {parts.table} {parts.where} {one} "  # noqa: S608
            f"AND {split} IN (SELECT value FROM json_each(:top)) GROUP BY 1, 2"
        )
    return Statement(f"{text} ORDER BY 1", values)


@dataclass(frozen=True, slots=True)
class _Source:
    """The table that answers a question, and which of its rows do."""

    table: str
    where: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, question: UsageQuestion, *, by_key: bool = False) -> "_Source":
        asked = {
            "key_id = :key": question.key_id,
            "model = :model": question.model,
            "provider = :provider": question.provider,
        }
        conditions = [condition for condition, value in asked.items() if value is not None]
        values: dict[str, object] = {
            condition.rpartition(":")[2]: value
            for condition, value in asked.items()
            if value is not None
        }
        table = "usage_hours" if by_key or question.key_id is not None else "usage_models"
        where = " AND ".join(["hour BETWEEN :since AND :until - 1", *conditions])
        return cls(table, f"WHERE {where}", {**values, **_range(question)})


def _range(question: UsageQuestion) -> dict[str, object]:
    since, until = question.since, question.until
    return {
        "since": 0 if since is None else hour_number(since),
        "until": _NO_HOUR if until is None else hour_number(until),
    }


def within(question: UsageQuestion, since: datetime, until: datetime | None) -> UsageQuestion:
    """The same question over a part of its time."""
    return replace(question, since=since, until=until)
