"""The administrator's token, rotated over the API."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pouch.domain.key import hash_of
from tests.fakes.gateway_process import ADMIN_TOKEN
from tests.fakes.running_gateway import Running, running


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.delenv("POUCH_ADMIN_TOKEN", raising=False)
    async with running(tmp_path) as service:
        yield service


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def signed_in(service: Running) -> httpx.AsyncClient:
    browser = httpx.AsyncClient(base_url=service.url, headers={"origin": service.url})
    assert (await browser.post("/api/session", json={"token": ADMIN_TOKEN})).status_code == 200
    return browser


async def test_the_old_token_ends_with_the_rotation_and_the_new_one_is_good(
    service: Running,
) -> None:
    rotated = await service.admin.post("/api/admin-token/rotate")
    assert rotated.status_code == 201
    assert "set-cookie" not in rotated.headers
    token = rotated.json()["token"]
    assert token != ADMIN_TOKEN
    assert (await service.admin.get("/api/keys")).status_code == 401
    assert (await service.admin.get("/api/keys", headers=bearer(token))).status_code == 200


async def test_only_the_session_that_asked_goes_on(service: Running) -> None:
    one, other = await signed_in(service), await signed_in(service)
    rotated = await one.post("/api/admin-token/rotate")
    assert rotated.status_code == 201
    assert "HttpOnly" in rotated.headers["set-cookie"]
    assert "SameSite=Strict" in rotated.headers["set-cookie"]
    assert (await one.get("/api/keys")).status_code == 200
    assert (await other.get("/api/keys")).status_code == 401
    for browser in (one, other):
        await browser.aclose()


async def test_a_page_of_another_site_cannot_rotate(service: Running) -> None:
    browser = await signed_in(service)
    foreign = {"origin": "https://elsewhere.example"}
    refusal = await browser.post("/api/admin-token/rotate", headers=foreign)
    assert refusal.status_code == 403
    assert (await service.admin.get("/api/keys")).status_code == 200
    await browser.aclose()


async def test_the_store_does_not_hold_the_token(service: Running, tmp_path: Path) -> None:
    token = (await service.admin.post("/api/admin-token/rotate")).json()["token"]
    with contextlib.closing(sqlite3.connect(tmp_path / "pouch.db")) as connection:
        held = "".join(connection.iterdump())
    assert hash_of(token) in held
    assert token not in held


async def test_a_token_of_the_environment_is_not_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POUCH_ADMIN_TOKEN", ADMIN_TOKEN)
    async with running(tmp_path) as service:
        refusal = await service.admin.post("/api/admin-token/rotate")
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "conflict")
        assert "POUCH_ADMIN_TOKEN" in refusal.json()["error"]["message"]
        assert (await service.admin.get("/api/about")).json()["admin_token"] == "environment"
