import httpx
import pytest

from pouch.api.auth import SESSION_COOKIE
from tests.api.admin.conftest import TOKEN, Admin


async def signed_in(admin: Admin) -> httpx.Response:
    answer = await admin.stranger.post("/api/session", json={"token": TOKEN})
    assert answer.status_code == 200
    return answer


async def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(
    admin: Admin,
) -> None:
    answer = await signed_in(admin)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "path=/api",
        "httponly",
        "samesite=strict",
        "max-age=604800",
    }
    assert TOKEN not in cookie
    assert answer.json() == {"authenticated": True, "expires_at": "2026-01-22T12:00:00Z"}


@pytest.mark.parametrize("forwarded", ["https", "HTTPS, http"])
async def test_a_session_over_tls_never_leaves_it(admin: Admin, forwarded: str) -> None:
    answer = await admin.stranger.post(
        "/api/session", json={"token": TOKEN}, headers={"x-forwarded-proto": forwarded}
    )

    assert "secure" in answer.headers["set-cookie"].lower()


async def test_a_session_lasts_seven_days(admin: Admin) -> None:
    await signed_in(admin)
    admin.clock.advance(7 * 86_400 - 1)
    assert (await admin.stranger.get("/api/session")).json()["authenticated"] is True

    admin.clock.advance(1)

    assert (await admin.stranger.get("/api/session")).status_code == 401


async def test_a_session_cannot_be_prolonged_or_made_up(admin: Admin) -> None:
    await signed_in(admin)
    value = admin.stranger.cookies[SESSION_COOKIE]
    moment, _, signature = value.partition(".")
    forged = [
        f"{int(moment) + 1}.{signature}",
        f"{moment}.{signature[:-1]}",
        f"{moment}.",
        f"{moment}",
        f".{signature}",
        "x",
    ]

    async with httpx.AsyncClient(base_url=admin.url) as client:
        for cookie in forged:
            headers = {"cookie": f"{SESSION_COOKIE}={cookie}"}
            answer = await client.get("/api/keys", headers=headers)
            assert answer.status_code == 401, cookie
        headers = {"cookie": f"{SESSION_COOKIE}={value}"}
        assert (await client.get("/api/keys", headers=headers)).status_code == 200


async def test_a_wrong_token_begins_no_session(admin: Admin) -> None:
    answer = await admin.stranger.post("/api/session", json={"token": "wrong"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_signing_out_takes_the_cookie_back(admin: Admin) -> None:
    await signed_in(admin)

    answer = await admin.stranger.delete("/api/session")

    assert answer.status_code == 204
    assert (await admin.stranger.get("/api/session")).status_code == 401


async def test_the_token_itself_has_no_session_that_could_end(admin: Admin) -> None:
    answer = await admin.client.get("/api/session")

    assert answer.json() == {"authenticated": True, "expires_at": None}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 201),
        ({"origin": "{url}"}, 201),
        ({"sec-fetch-site": "same-origin", "origin": "https://pouch.example"}, 201),
        ({"sec-fetch-site": "cross-site", "origin": "{url}"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "{url}.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({}, 403),
    ],
)
async def test_a_session_changes_something_only_from_the_dashboards_own_pages(
    admin: Admin, headers: dict[str, str], status: int
) -> None:
    await signed_in(admin)
    sent = {name: value.replace("{url}", admin.url) for name, value in headers.items()}

    answer = await admin.stranger.post("/api/keys", json={"name": "bot"}, headers=sent)

    assert answer.status_code == status
    assert len((await admin.client.get("/api/keys")).json()["data"]) == (status == 201)


async def test_a_script_with_the_token_needs_no_origin(admin: Admin) -> None:
    headers = {"origin": "https://elsewhere.example"}

    answer = await admin.client.post("/api/keys", json={"name": "bot"}, headers=headers)

    assert answer.status_code == 201
