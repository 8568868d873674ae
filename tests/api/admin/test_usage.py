"""Sums of requests, as JSON and as a file, and the first page's overview."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from pouch.api.admin import usage
from pouch.domain.key_report import PouchView
from pouch.domain.money import Money
from pouch.domain.pouch import Pouch
from pouch.domain.usage_report import (
    Dimension,
    FullPouch,
    Overview,
    Sums,
    Totals,
    UsageQuestion,
    UsageRow,
)
from tests.api.admin.conftest import Admin
from tests.fakes.clock import START

SUMS = Sums(12, 1, 3_000, 700, 400, 90, Money(690_000))
SHOWN_SUMS = {
    "requests": 12,
    "errors": 1,
    "input_tokens": 3_000,
    "cached_input_tokens": 700,
    "output_tokens": 400,
    "reasoning_tokens": 90,
    "cost_usd": "0.00069",
}


async def test_usage_is_summed_by_day_unless_asked_otherwise(admin: Admin) -> None:
    admin.reports.answer_usage(UsageRow("2026-01-15", SUMS))

    answer = await admin.client.get("/api/usage")

    assert answer.json() == {
        "data": [
            {"by": "2026-01-15", "by_name": None, "split": None, "split_name": None, **SHOWN_SUMS}
        ],
        "next_cursor": None,
        "since": None,
        "until": None,
    }
    assert admin.reports.asked == [(UsageQuestion(), None, 1000)]


async def test_every_part_of_a_question_reaches_the_reports(admin: Admin) -> None:
    admin.reports.answer_usage(
        UsageRow("key_1", SUMS, by_name="<b>", split="gpt-4o"), UsageRow("key_1", SUMS, "<b>")
    )

    answer = await admin.client.get(
        "/api/usage",
        params={
            "by": "key",
            "split": "model",
            "top": "3",
            "key": "key_1",
            "model": "gpt-4o",
            "provider": "openai",
            "since": "2026-01-01T10:59:59Z",
            "until": "2026-02-01T00:00:01Z",
            "cursor": "7",
        },
    )

    assert admin.reports.asked == [
        (
            UsageQuestion(
                by=Dimension.KEY,
                split=Dimension.MODEL,
                key_id="key_1",
                model="gpt-4o",
                provider="openai",
                since=datetime(2026, 1, 1, 10, tzinfo=UTC),
                until=datetime(2026, 2, 1, 1, tzinfo=UTC),
                top=3,
            ),
            7,
            100,
        )
    ]
    shown = answer.json()
    assert [(row["by_name"], row["split"]) for row in shown["data"]] == [
        ("<b>", "gpt-4o"),
        ("<b>", None),
    ]
    # Rounded outwards to whole hours, and said so.
    assert (shown["since"], shown["until"]) == ("2026-01-01T10:00:00Z", "2026-02-01T01:00:00Z")


async def test_a_page_of_sums_says_where_the_next_begins(admin: Admin) -> None:
    admin.reports.answer_usage(UsageRow("2026-01-15", SUMS), next_cursor=490_000)

    first = await admin.client.get("/api/usage?by=hour&limit=1")
    await admin.client.get(f"/api/usage?by=hour&limit=1&cursor={first.json()['next_cursor']}")

    assert [asked[1:] for asked in admin.reports.asked if isinstance(asked, tuple)] == [
        (None, 1),
        (490_000, 1),
    ]


@pytest.mark.parametrize("route", ["/api/usage", "/api/usage.csv"])
@pytest.mark.parametrize(
    ("question", "param"),
    [
        ("by=week", "by"),
        ("by=day&by=key", "by"),
        ("split=day", "split"),
        ("by=key&split=key", "split"),
        ("top=0", "top"),
        ("until=2026-13-01", "until"),
        ("until=9999-12-31T23:59:59Z", "until"),
        ("since=2026-01-02&until=2026-01-01", "since"),
        ("key=", "key"),
        ("cursor=-1", "cursor"),
        ("limit=1001", "limit"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(
    admin: Admin, route: str, question: str, param: str
) -> None:
    answer = await admin.client.get(f"{route}?{question}")

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("route", ["/api/usage", "/api/usage.csv"])
async def test_usage_of_a_key_that_has_never_been_is_not_found(admin: Admin, route: str) -> None:
    admin.reports.strange = {"key_none"}

    assert (await admin.client.get(f"{route}?key=key_none")).status_code == 404
    assert (await admin.client.get(f"{route}?key=key_1")).status_code == 200


def table(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_a_file_holds_every_page(admin: Admin) -> None:
    admin.reports.answer_usage(UsageRow("2026-01-15", SUMS), next_cursor=5)
    admin.reports.answer_usage(UsageRow("2026-01-16", SUMS, split="gpt-4o"))

    answer = await admin.client.get("/api/usage.csv?by=day&split=model")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="usage-by-day.csv"'
    assert table(answer.text) == [
        {
            "by": day,
            "by_name": "",
            "split": split,
            "split_name": "",
            **{name: str(value) for name, value in SHOWN_SUMS.items()},
        }
        for day, split in (("2026-01-15", ""), ("2026-01-16", "gpt-4o"))
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"])
async def test_no_name_in_a_file_begins_a_formula(admin: Admin, name: str) -> None:
    admin.reports.answer_usage(UsageRow("key_1", SUMS, by_name=name, split=name))

    [row] = table((await admin.client.get("/api/usage.csv?by=key&split=model")).text)

    assert (row["by_name"], row["split"]) == (f"'{name}", f"'{name}")


async def test_a_name_in_a_file_keeps_its_commas_quotes_and_script(admin: Admin) -> None:
    admin.reports.answer_usage(UsageRow("key_1", SUMS, by_name='<b>, "früh" 早い'))

    [row] = table((await admin.client.get("/api/usage.csv?by=key")).text)

    assert row["by_name"] == '<b>, "früh" 早い'


async def test_a_file_that_nobody_could_open_is_refused(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "CSV_ROWS_MAX", 1)
    admin.reports.answer_usage(*[UsageRow("2026-01-15", SUMS)] * 2, next_cursor=5)

    answer = await admin.client.get("/api/usage.csv")

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "since"


async def test_the_overview_shows_money_by_day_and_month_and_what_is_nearly_used_up(
    admin: Admin,
) -> None:
    pouch = Pouch("pouch_1", "team", None, Money(10), None, None, Money(6), Money(3), START)
    admin.reports.shown = Overview(
        now=START,
        today=Totals(START, SUMS, Money(1_000)),
        month=Totals(START, Sums(), Money(0)),
        reserved=Money(3),
        open_reservations=2,
        keys=10_000,
        requests_ever=True,
        fullest=[
            FullPouch(PouchView(pouch, keys=4, children=2), None, 90.0),
            FullPouch(PouchView(pouch, keys=1, children=0), ("key_1", "<b>"), 66.66667),
        ],
    )

    shown = (await admin.client.get("/api/overview")).json()

    fullest = shown.pop("fullest")
    assert shown == {
        "now": "2026-01-15T12:00:00Z",
        "today": {
            "since": "2026-01-15T12:00:00Z",
            "requests": 12,
            "errors": 1,
            "input_tokens": 3_000,
            "output_tokens": 400,
            "cost_usd": "0.00069",
            "refunded_usd": "0.000001",
        },
        "month": {
            "since": "2026-01-15T12:00:00Z",
            "requests": 0,
            "errors": 0,
            "input_tokens": 0,
            "output_tokens": 0,
            "cost_usd": "0.00",
            "refunded_usd": "0.00",
        },
        "reserved_usd": "0.000000003",
        "open_reservations": 2,
        "keys": 10_000,
        "requests_ever": True,
    }
    assert [(full["key"], full["used_percent"]) for full in fullest] == [
        (None, 90.0),
        ({"id": "key_1", "name": "<b>"}, 66.67),
    ]
    assert (fullest[0]["pouch"]["keys"], fullest[0]["pouch"]["children"]) == (4, 2)
