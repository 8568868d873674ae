"""Which keys are listed, and in which order."""

import pytest

from pouch.domain.key import KeyStatus
from pouch.domain.key_report import KeyFilter, KeySort
from tests.api.admin.conftest import Admin
from tests.fakes.clock import START


async def test_keys_are_listed_newest_first_unless_asked_otherwise(admin: Admin) -> None:
    await admin.client.get("/api/keys")

    assert admin.reports.asked == [(KeyFilter(sort=KeySort.NEWEST), START, None, 50)]


async def test_the_wish_for_some_keys_in_some_order_reaches_the_reports(admin: Admin) -> None:
    answer = await admin.client.get(
        "/api/keys", params={"q": "<b>früh", "status": "capped", "sort": "last_used", "limit": "7"}
    )

    assert answer.status_code == 200
    assert admin.reports.asked == [
        (KeyFilter("<b>früh", KeyStatus.CAPPED, KeySort.LAST_USED), START, None, 7)
    ]


@pytest.mark.parametrize(
    ("question", "param"),
    [("q=", "q"), (f"q={'a' * 101}", "q"), ("status=gone", "status"), ("sort=age", "sort")],
)
async def test_a_wrong_wish_for_keys_is_refused_by_name(
    admin: Admin, question: str, param: str
) -> None:
    answer = await admin.client.get(f"/api/keys?{question}")

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
