"""Which admin token is good, here and in the other processes."""

import asyncio

import pytest

from pouch.domain.errors import ConflictError, StoreUnavailableError
from pouch.domain.key import hash_of
from pouch.service import admin_token
from pouch.service.admin_token import AdminTokens
from tests.fakes.administration import FakeSettings


class Heard:
    """What a watcher was told."""

    def __init__(self) -> None:
        self.hashes: list[str | None] = []
        self.told = asyncio.Event()

    def __call__(self, token_hash: str | None) -> None:
        self.hashes.append(token_hash)
        self.told.set()


class Gone(FakeSettings):
    """A store that cannot be read."""

    async def get_setting(self, key: str) -> str | None:
        raise StoreUnavailableError("gone")


async def first_heard(tokens: AdminTokens) -> str | None:
    heard = Heard()
    watching = asyncio.ensure_future(tokens.watch(heard))
    async with asyncio.timeout(5):
        await heard.told.wait()
    watching.cancel()
    return heard.hashes[0]


async def test_a_rotation_puts_a_new_token_in_the_place_of_the_one_that_was_known() -> None:
    store = FakeSettings(admin_token_hash="old")
    token = await AdminTokens(store, environment=None).rotate("old")
    assert token.startswith("pouch-admin-")
    assert store.texts == {"admin_token_hash": hash_of(token)}


async def test_of_two_rotations_from_the_same_token_one_is_refused() -> None:
    store = FakeSettings(admin_token_hash="old")
    first, second = AdminTokens(store, environment=None), AdminTokens(store, environment=None)
    token = await first.rotate("old")
    with pytest.raises(ConflictError):
        await second.rotate("old")
    assert await second.current() == hash_of(token)


async def test_a_token_from_the_environment_is_not_rotated() -> None:
    store = FakeSettings(admin_token_hash="old")
    tokens = AdminTokens(store, environment="theirs")
    with pytest.raises(ConflictError, match="POUCH_ADMIN_TOKEN"):
        await tokens.rotate("theirs")
    assert await tokens.current() == "theirs"
    assert store.texts == {"admin_token_hash": "old"}


async def test_a_store_without_a_token_lets_nobody_in() -> None:
    with pytest.raises(StoreUnavailableError):
        await AdminTokens(FakeSettings(), environment=None).current()


async def test_a_watcher_tells_what_another_process_has_changed() -> None:
    assert (
        await first_heard(AdminTokens(FakeSettings(admin_token_hash="new"), environment=None))
        == "new"
    )


async def test_while_the_store_cannot_tell_no_token_is_good() -> None:
    assert await first_heard(AdminTokens(Gone(), environment=None)) is None


async def test_what_was_read_before_a_rotation_is_not_told_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin_token, "WATCH_EVERY_S", 0)
    reading, may_answer = asyncio.Event(), asyncio.Event()

    class Slow(FakeSettings):
        async def get_setting(self, key: str) -> str | None:
            read = await super().get_setting(key)
            reading.set()
            await may_answer.wait()
            return read

    tokens, heard = AdminTokens(Slow(admin_token_hash="old"), environment=None), Heard()
    watching = asyncio.ensure_future(tokens.watch(heard))
    await reading.wait()
    token = await tokens.rotate("old")
    may_answer.set()
    async with asyncio.timeout(5):
        await heard.told.wait()
    watching.cancel()
    assert set(heard.hashes) == {hash_of(token)}
