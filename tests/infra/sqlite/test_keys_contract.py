"""What every store of keys does, in memory or in a file."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pouch.domain.errors import ConflictError, NotFoundError
from pouch.domain.key import Key, RateLimit
from pouch.domain.money import Money
from pouch.domain.period import Period, Unit
from pouch.domain.ports import KeyStore, NewPouch
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START, FakeClock
from tests.fakes.key_store import FakeKeyStore
from tests.infra.sqlite.books import pouch

DAY = timedelta(days=1)


@pytest.fixture(params=["fake", "sqlite"])
async def keys(
    request: pytest.FixtureRequest, path: Path, clock: FakeClock
) -> AsyncIterator[KeyStore]:
    if request.param == "fake":
        yield FakeKeyStore(clock)
        return
    store = await SqliteStore.open(path, clock)
    yield store.keys
    await store.close()


def new_key(key_id: str = "key_1", **terms: Any) -> Key:
    return Key(key_id, f"name of {key_id}", "pouch-abcdef", START, (), **terms)


async def create(keys: KeyStore, key_id: str = "key_1", **terms: Any) -> None:
    await keys.create(
        new_key(key_id, **terms), secret_hash=f"hash of {key_id}", pouch=pouch(f"p_{key_id}", 100)
    )


async def test_a_key_comes_back_as_it_was_made(keys: KeyStore) -> None:
    period = Period(Unit.MONTH, None, "Europe/Berlin")
    await keys.create_pouch(pouch("company", 10**12))
    await keys.create_pouch(pouch("team", inside="company"))
    made = new_key(
        expires_at=START + DAY,
        auto_renew=True,
        lifetime=DAY,
        disabled=True,
        models=("gpt-*", "openai/größe"),
        provider="openai",
        rate_limit=RateLimit(5, 0.5),
        stream_cost=True,
    )
    own = NewPouch("own", "своё", "team", Money(7), period, START + DAY)
    await keys.create(made, secret_hash="hash", pouch=own)
    found = await keys.find("hash")
    stored = await keys.get("key_1")
    assert found is not None
    assert stored is not None
    assert stored.key == found
    assert [terms.id for terms in found.pouches] == ["own", "team", "company"]
    assert (found.pouches[0].limit, found.pouches[0].period) == (Money(7), period)
    assert found.pouches[0].resets_at == START + DAY
    assert found.pouches[1].limit is None
    for name in ("expires_at", "auto_renew", "lifetime", "disabled", "models", "provider"):
        assert getattr(found, name) == getattr(made, name)
    assert (found.rate_limit, found.stream_cost) == (RateLimit(5, 0.5), True)
    assert [p.created_at for p in stored.pouches] == [START] * 3
    assert stored.last_used_at is None


async def test_an_unknown_secret_finds_nothing(keys: KeyStore) -> None:
    await create(keys)
    assert await keys.find("another hash") is None
    assert await keys.get("key_2") is None


async def test_a_key_whose_pouch_would_lie_nowhere_is_not_made(keys: KeyStore) -> None:
    with pytest.raises(NotFoundError):
        await keys.create(new_key(), secret_hash="hash", pouch=pouch("p", inside="ghost"))
    with pytest.raises(NotFoundError):
        await keys.create_pouch(pouch("p", inside="ghost"))
    assert await keys.find("hash") is None
    assert await keys.pouches() == []


async def test_pages_run_from_the_newest_to_the_oldest(keys: KeyStore) -> None:
    for number in range(5):
        await create(keys, f"key_{number}")
    await keys.revoke("key_3")
    first = await keys.page(cursor=None, limit=2)
    assert [stored.key.id for stored in first.items] == ["key_4", "key_2"]
    second = await keys.page(cursor=first.next_cursor, limit=2)
    assert [stored.key.id for stored in second.items] == ["key_1", "key_0"]
    assert second.next_cursor is None


async def test_a_page_of_none_is_the_end(keys: KeyStore) -> None:
    page = await keys.page(cursor=None, limit=2)
    assert (list(page.items), page.next_cursor) == ([], None)


async def test_fields_change_one_by_one(keys: KeyStore) -> None:
    await create(keys, models=("a",), rate_limit=RateLimit(1, 1))
    assert await keys.change("key_1", {"name": "other", "models": None, "lifetime": DAY})
    assert await keys.change("key_1", {"rate_limit": None, "disabled": True, "expires_at": START})
    stored = await keys.get("key_1")
    assert stored is not None
    changed = stored.key
    assert (changed.name, changed.models, changed.rate_limit) == ("other", None, None)
    assert (changed.disabled, changed.expires_at, changed.lifetime) == (True, START, DAY)
    assert not await keys.change("key_2", {"name": "other"})


async def test_a_revoked_key_is_gone_and_its_pouch_stays(keys: KeyStore) -> None:
    await create(keys)
    assert await keys.revoke("key_1")
    assert not await keys.revoke("key_1")
    assert await keys.find("hash of key_1") is None
    assert await keys.get("key_1") is None
    assert not await keys.change("key_1", {"name": "other"})
    assert not await keys.rotate("key_1", secret_hash="new", prefix="p", old_until=START)
    assert not await keys.renew("key_1", expired=START, expires_at=START)
    assert [found.id for found in await keys.pouches()] == ["p_key_1"]


async def test_an_old_secret_lives_on_for_the_grace_and_no_longer(
    keys: KeyStore, clock: FakeClock
) -> None:
    await create(keys)
    assert await keys.rotate(
        "key_1", secret_hash="new", prefix="pouch-new", old_until=START + timedelta(seconds=60)
    )
    clock.advance(59)
    for secret in ("hash of key_1", "new"):
        found = await keys.find(secret)
        assert found is not None
        assert found.prefix == "pouch-new"
    clock.advance(1)
    assert await keys.find("hash of key_1") is None
    assert await keys.find("new") is not None


async def test_a_second_rotation_does_not_prolong_what_the_first_ended(
    keys: KeyStore, clock: FakeClock
) -> None:
    await create(keys)
    minute = timedelta(seconds=60)
    await keys.rotate("key_1", secret_hash="second", prefix="2", old_until=START + minute)
    await keys.rotate("key_1", secret_hash="third", prefix="3", old_until=START + 10 * minute)
    clock.advance(61)
    found = [await keys.find(secret) for secret in ("hash of key_1", "second", "third")]
    assert [key is not None for key in found] == [False, True, True]


async def test_a_rotation_without_grace_ends_the_old_secret_at_once(
    keys: KeyStore, clock: FakeClock
) -> None:
    await create(keys)
    await keys.rotate("key_1", secret_hash="new", prefix="2", old_until=clock.now())
    assert await keys.find("hash of key_1") is None


async def test_a_key_is_renewed_once(keys: KeyStore) -> None:
    await create(keys, expires_at=START)
    assert await keys.renew("key_1", expired=START, expires_at=START + DAY)
    assert not await keys.renew("key_1", expired=START, expires_at=START + 2 * DAY)
    stored = await keys.get("key_1")
    assert stored is not None
    assert stored.key.expires_at == START + DAY


async def test_a_pouch_changes_its_terms_and_its_place(keys: KeyStore) -> None:
    week = Period(Unit.WEEK, None, "UTC")
    await keys.create_pouch(pouch("team", 1000))
    await keys.create_pouch(pouch("app", 100))
    terms = {"name": "new", "limit": None, "period": week, "resets_at": START}
    assert await keys.change_pouch("app", terms)
    assert await keys.change_pouch("app", {"parent_id": "team"})
    [found] = [p for p in await keys.pouches() if p.id == "app"]
    assert (found.name, found.limit, found.period) == ("new", None, week)
    assert (found.resets_at, found.parent_id) == (START, "team")
    assert await keys.change_pouch("app", {"period": None, "resets_at": None, "parent_id": None})
    [found] = [p for p in await keys.pouches() if p.id == "app"]
    assert (found.period, found.resets_at, found.parent_id) == (None, None, None)
    assert not await keys.change_pouch("ghost", {"name": "new"})
    with pytest.raises(NotFoundError):
        await keys.change_pouch("app", {"parent_id": "ghost"})


@pytest.mark.parametrize("inside", ["company", "team", "app"])
async def test_a_pouch_cannot_lie_inside_itself(keys: KeyStore, inside: str) -> None:
    await keys.create_pouch(pouch("company"))
    await keys.create_pouch(pouch("team", inside="company"))
    await keys.create_pouch(pouch("app", inside="team"))
    with pytest.raises(ConflictError):
        await keys.change_pouch("company", {"parent_id": inside})


async def test_every_change_is_a_new_version(keys: KeyStore) -> None:
    seen = [await keys.version()]

    async def has_grown() -> bool:
        seen.append(await keys.version())
        return seen[-1] > seen[-2]

    await create(keys, expires_at=START)
    assert await has_grown()
    await keys.change("key_1", {"name": "other"})
    assert await has_grown()
    await keys.change_pouch("p_key_1", {"limit": Money(5)})
    assert await has_grown()
    await keys.rotate("key_1", secret_hash="new", prefix="2", old_until=START)
    assert await has_grown()
    await keys.renew("key_1", expired=START, expires_at=START + DAY)
    assert await has_grown()
    await keys.revoke("key_1")
    assert await has_grown()
