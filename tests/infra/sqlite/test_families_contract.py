"""What every store of keys does for keys that were minted by keys."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pouch.domain import allowance
from pouch.domain.errors import AuthenticationError, RightsExceededError
from pouch.domain.key import Key, RateLimit
from pouch.domain.ports import KeyStore
from pouch.infra.sqlite import families
from tests.fakes import key_store
from tests.fakes.clock import START, FakeClock
from tests.infra.sqlite import test_keys_contract as contract
from tests.infra.sqlite.books import pouch
from tests.infra.sqlite.test_keys_contract import new_key

DAY = timedelta(days=1)

keys = contract.keys


async def add(keys: KeyStore, key_id: str, *, parent: str | None = None, **terms: Any) -> None:
    family: tuple[Key, ...] = ()
    inside = None
    if parent is not None:
        stored = await keys.get(parent)
        assert stored is not None
        family = (replace(stored.key, parents=(), pouches=()), *stored.key.parents)
        inside = stored.pouches[0].id
    key = new_key(key_id, parents=family, **terms)
    own = pouch(f"pouch of {key_id}", inside=inside)
    await keys.create(key, secret_hash=f"hash of {key_id}", pouch=own)


async def family_of(keys: KeyStore, key_id: str) -> tuple[Key, ...]:
    found = await keys.find(f"hash of {key_id}")
    assert found is not None
    return found.parents


async def test_a_key_comes_with_its_parents_as_they_are_now(keys: KeyStore) -> None:
    await add(keys, "a", models=("x", "größe"), rate_limit=RateLimit(5, 0.5), provider="openai")
    await add(keys, "b", parent="a", expires_at=START + DAY, auto_renew=True, lifetime=DAY)
    await add(keys, "c", parent="b")
    await keys.change("a", {"disabled": True})
    above = []
    for key_id in ("b", "a"):
        stored = await keys.get(key_id)
        assert stored is not None
        above.append(replace(stored.key, parents=(), pouches=()))
    assert await family_of(keys, "c") == tuple(above)
    assert above[1].disabled
    assert await family_of(keys, "a") == ()


async def test_a_page_of_one_keys_own_leaves_others_and_grandchildren_out(keys: KeyStore) -> None:
    await add(keys, "a")
    await add(keys, "b", parent="a")
    await add(keys, "c", parent="b")
    for key_id in ("d", "e", "f"):
        await add(keys, key_id, parent="a")
    await keys.revoke("e")
    first = await keys.page(cursor=None, limit=2, minted_by="a")
    assert [stored.key.id for stored in first.items] == ["f", "d"]
    rest = await keys.page(cursor=first.next_cursor, limit=2, minted_by="a")
    assert ([stored.key.id for stored in rest.items], rest.next_cursor) == (["b"], None)
    assert (await keys.page(cursor=None, limit=2, minted_by="f")).items == []


async def test_revoking_a_key_ends_all_that_descend_from_it_and_no_other(keys: KeyStore) -> None:
    await add(keys, "a")
    for key_id, parent in (("b", "a"), ("c", "b"), ("d", "c"), ("e", "a")):
        await add(keys, key_id, parent=parent)
    version = await keys.version()
    assert await keys.revoke("b")
    assert await keys.version() > version
    left = await keys.page(cursor=None, limit=9)
    assert [stored.key.id for stored in left.items] == ["e", "a"]
    assert [await keys.find(f"hash of {k}") is None for k in "abcde"] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not await keys.revoke("c")


async def test_a_revoked_key_mints_nothing(keys: KeyStore) -> None:
    await add(keys, "a")
    stored = await keys.get("a")
    assert stored is not None
    await keys.revoke("a")
    late = new_key("b", parents=(replace(stored.key, pouches=()),))
    with pytest.raises(AuthenticationError):
        await keys.create(late, secret_hash="hash", pouch=pouch("late"))
    assert "late" not in [found.id for found in await keys.pouches()]


async def test_only_so_many_keys_of_one_key_live_at_a_time(
    keys: KeyStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (families, key_store, allowance):
        monkeypatch.setattr(module, "CHILDREN_MAX", 3)
    await add(keys, "a")
    await add(keys, "b", parent="a", expires_at=START + DAY)
    await add(keys, "c", parent="a", expires_at=START + DAY, auto_renew=True)
    await add(keys, "d", parent="a")
    await add(keys, "of another", parent="d")
    with pytest.raises(RightsExceededError):
        await add(keys, "e", parent="a")
    clock.advance(DAY.total_seconds())
    await add(keys, "e", parent="a")
    with pytest.raises(RightsExceededError):
        await add(keys, "f", parent="a")
    await keys.revoke("d")
    await add(keys, "f", parent="a")
