import httpx
import pytest
from sanic import HTTPResponse, Request, Sanic, json

from pouch.api import errors
from pouch.api.auth import key_of
from pouch.api.throttle import FAILURES_MAX, WINDOW_S
from pouch.service.key_terms import NewKey
from tests.api.admin.conftest import TOKEN, Admin
from tests.fakes.server import serve

GUARDED = [
    ("POST", "/api/keys"),
    ("GET", "/api/keys"),
    ("GET", "/api/keys/key_1"),
    ("PATCH", "/api/keys/key_1"),
    ("DELETE", "/api/keys/key_1"),
    ("POST", "/api/keys/key_1/rotate"),
    ("POST", "/api/keys/key_1/reset"),
    ("POST", "/api/pouches"),
    ("GET", "/api/pouches"),
    ("GET", "/api/pouches/pouch_1"),
    ("PATCH", "/api/pouches/pouch_1"),
    ("GET", "/api/pouches/pouch_1/entries"),
    ("POST", "/api/pouches/pouch_1/adjust"),
    ("POST", "/api/requests/req_1/refund"),
    ("GET", "/api/requests"),
    ("GET", "/api/requests/req_1"),
    ("GET", "/api/usage"),
    ("GET", "/api/reservations"),
    ("GET", "/api/providers"),
    ("GET", "/api/prices"),
    ("GET", "/api/pipeline"),
    ("GET", "/api/session"),
    ("GET", "/api/live"),
    ("POST", "/api/live/req_1/stop"),
    ("POST", "/api/playground"),
    ("POST", "/api/playground/quote"),
    ("POST", "/api/providers/mock/test"),
    ("GET", "/api/about"),
    ("POST", "/api/admin-token/rotate"),
]


async def signed_in(admin: Admin) -> httpx.Response:
    answer = await admin.stranger.post("/api/session", json={"token": TOKEN})
    assert answer.status_code == 200
    return answer


async def guess(admin: Admin, token: str) -> httpx.Response:
    return await admin.stranger.get("/api/keys", headers={"authorization": f"Bearer {token}"})


async def test_nothing_is_shown_or_changed_without_a_token(admin: Admin) -> None:
    for method, path in GUARDED:
        answer = await admin.stranger.request(method, path)
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize(
    "value", ["Bearer", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff"]
)
async def test_another_authorization_is_refused(admin: Admin, value: str) -> None:
    headers = {b"authorization": value.encode("latin-1")}

    answer = await admin.stranger.get("/api/keys", headers=headers)

    assert answer.status_code == 401
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"bearer {TOKEN}"},
        {"x-api-key": TOKEN},
        {"api-key": TOKEN},
    ],
)
async def test_the_token_is_taken_from_the_headers_that_clients_send(
    admin: Admin, headers: dict[str, str]
) -> None:
    assert (await admin.stranger.get("/api/keys", headers=headers)).status_code == 200


async def test_a_key_is_no_admin_token(admin: Admin) -> None:
    issued = await admin.keys.create(NewKey("bot"))

    assert (await guess(admin, issued.secret)).status_code == 401


async def test_guessing_is_throttled_even_when_it_guesses_right(admin: Admin) -> None:
    for n in range(FAILURES_MAX):
        assert (await guess(admin, f"guess {n}")).status_code == 401

    refused = await guess(admin, TOKEN)
    over_session = await admin.stranger.post("/api/session", json={"token": TOKEN})
    admin.clock.advance(WINDOW_S / FAILURES_MAX)
    admitted = await guess(admin, TOKEN)

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == WINDOW_S / FAILURES_MAX
    assert over_session.status_code == 429
    assert admitted.status_code == 200


async def test_requests_without_any_token_do_not_count_as_guesses(admin: Admin) -> None:
    for _ in range(FAILURES_MAX + 5):
        await admin.stranger.get("/api/keys")

    assert (await guess(admin, TOKEN)).status_code == 200


async def test_a_session_is_not_shut_out_by_the_guesses_of_others(admin: Admin) -> None:
    await signed_in(admin)
    async with httpx.AsyncClient(base_url=admin.url) as guesser:
        for n in range(FAILURES_MAX + 1):
            await guesser.get("/api/keys", headers={"authorization": f"Bearer {n}"})

    assert (await admin.stranger.get("/api/keys")).status_code == 200


async def test_a_client_is_known_by_the_header_that_its_library_sends(admin: Admin) -> None:
    issued = await admin.keys.create(NewKey("bot"))
    app = Sanic("client-test")
    errors.install(app)

    @app.get("/")
    async def whoami(request: Request) -> HTTPResponse:
        return json((await key_of(request, admin.keys)).name)

    async with serve(app) as url, httpx.AsyncClient(base_url=url) as client:
        for headers in (
            {"authorization": f"Bearer {issued.secret}"},
            {"authorization": f"BEARER  {issued.secret}"},
            {"x-api-key": issued.secret},
            {"api-key": issued.secret},
        ):
            assert (await client.get("/", headers=headers)).json() == "bot"
        for headers in (
            {},
            {"authorization": issued.secret},
            {"authorization": "Bearer pouch-wrong", "x-api-key": issued.secret},
            {"x-api-key": ""},
        ):
            refused = await client.get("/", headers=headers)
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"
