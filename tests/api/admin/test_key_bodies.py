from typing import Any

import pytest

from tests.api.admin.conftest import Admin

WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "name"),
    ({"name": None}, "name"),
    ({"name": ""}, "name"),
    ({"name": "x" * 51}, "name"),
    ({"name": "日" * 51}, "name"),
    ({"name": "rocket 🚀"}, "name"),
    ({"name": "a;b"}, "name"),
    ({"name": 5}, "name"),
    ({"name": "a", "nmae": "b"}, "nmae"),
    ({"name": "a", "disabled": True}, "disabled"),
    ({"name": "a", "budget": 5}, "budget"),
    ({"name": "a", "budget": {"period": "day"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": 5.5}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": True}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": -1}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "-1"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "1e3"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "NaN"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "$5"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "5,00"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "5.00\n"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "\uff15"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "0.0000000001"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "9999999999"}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": 10**400}}, "budget.limit_usd"),
    ({"name": "a", "budget": {"limit_usd": "5", "period": "year"}}, "budget.period"),
    ({"name": "a", "budget": {"limit_usd": "5", "period": 3600}}, "budget.period"),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": {"seconds": 0}}},
        "budget.period.seconds",
    ),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": {"seconds": 10**18}}},
        "budget.period.seconds",
    ),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": {"seconds": 1.5}}},
        "budget.period.seconds",
    ),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": {"seconds": 5, "x": 1}}},
        "budget.period.x",
    ),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": "day", "time_zone": "Mars/Base"}},
        "budget.time_zone",
    ),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": "day", "time_zone": "../../etc"}},
        "budget.time_zone",
    ),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": "day", "time_zone": "America"}},
        "budget.time_zone",
    ),
    (
        {"name": "a", "budget": {"limit_usd": "5", "period": "day", "time_zone": ""}},
        "budget.time_zone",
    ),
    ({"name": "a", "budget": {"limit_usd": "5", "time_zone": "UTC"}}, "budget.time_zone"),
    (
        {
            "name": "a",
            "budget": {"limit_usd": "5", "period": {"seconds": 5}, "time_zone": "UTC"},
        },
        "budget.time_zone",
    ),
    ({"name": "a", "pouch": "pouch_nowhere"}, "pouch"),
    ({"name": "a", "pouch": ""}, "pouch"),
    ({"name": "a", "models": []}, "models"),
    ({"name": "a", "models": [""]}, "models.0"),
    ({"name": "a", "models": "gpt-4o"}, "models"),
    ({"name": "a", "models": ["m"] * 101}, "models"),
    ({"name": "a", "provider": "nobody"}, "provider"),
    ({"name": "a", "rate_limit": {"requests": 0}}, "rate_limit.requests"),
    ({"name": "a", "rate_limit": {"requests": 5, "per_s": 0}}, "rate_limit.per_s"),
    ({"name": "a", "rate_limit": {"requests": 5, "per_s": -1}}, "rate_limit.per_s"),
    ({"name": "a", "rate_limit": {"per_s": 60}}, "rate_limit.requests"),
    ({"name": "a", "expires_at": "2026-01-15T12:00:00Z"}, "expires_at"),
    ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"name": "a", "expires_at": "2027-01-01T00:00:00"}, "expires_at"),
    ({"name": "a", "expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
    ({"name": "a", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
    ({"name": "a", "expires_at": "soon"}, "expires_at"),
    ({"name": "a", "expires_at": 1_900_000_000}, "expires_at"),
    ({"name": "a", "expires_at": "1900000000"}, "expires_at"),
    ({"name": "a", "auto_renew": True}, "auto_renew"),
    ({"name": "a", "auto_renew": "yes"}, "auto_renew"),
]


async def test_a_wrong_field_is_refused_by_name(admin: Admin) -> None:
    refused = []
    for body, _ in WRONG:
        answer = await admin.client.post("/api/keys", json=body)
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "code", "param"}
        refused.append((body, answer.status_code, error["code"], error["param"]))

    assert refused == [(body, 400, "invalid_request_error", param) for body, param in WRONG]
    assert (await admin.client.get("/api/keys")).json()["data"] == []


async def test_a_float_is_refused_with_the_way_to_write_it(admin: Admin) -> None:
    answer = await admin.client.post("/api/keys", json={"name": "a", "budget": {"limit_usd": 0.1}})

    assert answer.json()["error"]["message"] == (
        'budget.limit_usd: a float cannot hold money exactly; write it as a string, such as "5.00"'
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"name"',
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b"[" * 60_000,
        b'{"name": "a", "rate_limit": {"requests": 1, "per_s": NaN}}',
        b'{"name": "a", "rate_limit": {"requests": 1, "per_s": 1e999}}',
        b'{"name": "a"} trailing',
    ],
)
async def test_a_body_that_is_not_a_json_object_of_its_kind_is_refused(
    admin: Admin, body: bytes
) -> None:
    answer = await admin.client.post("/api/keys", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request_error"


async def test_a_body_above_the_limit_is_refused(admin: Admin) -> None:
    answer = await admin.client.post("/api/keys", content=b" " * 65_537)

    assert answer.status_code == 413


async def test_many_mistakes_are_told_at_once_but_not_without_end(admin: Admin) -> None:
    answer = await admin.client.post("/api/keys", json={f"field{n}": n for n in range(1000)})

    message = answer.json()["error"]["message"]
    assert "field0: there is no such field" in message or "name:" in message
    assert message.endswith("and 996 more")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=", "cursor"),
        ("page=2", "page"),
    ],
)
async def test_a_wrong_query_is_refused_by_name(admin: Admin, query: str, param: str) -> None:
    answer = await admin.client.get(f"/api/keys?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("field", ["name", "auto_renew", "disabled", "stream_cost"])
async def test_what_has_no_empty_value_cannot_be_cleared(admin: Admin, field: str) -> None:
    key = await admin.created()

    answer = await admin.client.patch(f"/api/keys/{key['id']}", json={field: None})

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field


@pytest.mark.parametrize("grace_s", [-1, 30 * 86_400 + 1, "60", 1.5])
async def test_a_wrong_grace_is_refused(admin: Admin, grace_s: object) -> None:
    key = await admin.created()

    answer = await admin.client.post(f"/api/keys/{key['id']}/rotate", json={"grace_s": grace_s})

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "grace_s"


@pytest.mark.parametrize(
    "name", ["日" * 50, "x", "ci bot_2-b", "Ключ", "مفتاح", "कुंजी", "e\u0301t\u00e9"]
)
async def test_a_name_may_be_in_any_script(admin: Admin, name: str) -> None:
    assert len((await admin.created(name=name))["name"]) <= 50
