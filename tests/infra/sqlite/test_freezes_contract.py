"""What every store of freezes does, in memory or in a file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from pouch.domain.key import Freeze, Key
from pouch.domain.money import Money
from pouch.domain.ports import FreezeStore, KeyStore
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START, FakeClock
from tests.fakes.key_store import FakeKeyStore
from tests.infra.sqlite.books import facts, hold, pouch, settlement

FOREVER = Freeze(START, "too fast", None)
AN_HOUR = Freeze(START, "too fast", START + timedelta(hours=1))


@dataclass
class Stores:
    keys: KeyStore
    freezes: FreezeStore

    async def key(self) -> Key:
        found = await self.keys.find("hash")
        assert found is not None
        return found


@pytest.fixture(params=["fake", "sqlite"])
async def stores(
    request: pytest.FixtureRequest, path: Path, clock: FakeClock
) -> AsyncIterator[Stores]:
    key = Key("key_1", "agent", "pouch-abcdef", START, ())
    if request.param == "fake":
        fake = FakeKeyStore(clock)
        await fake.create(key, secret_hash="hash", pouch=pouch("app"))
        yield Stores(fake, fake)
        return
    store = await SqliteStore.open(path, clock)
    await store.keys.create(key, secret_hash="hash", pouch=pouch("app"))
    yield Stores(store.keys, store.freezes)
    await store.close()


@pytest.mark.parametrize("freeze", [FOREVER, AN_HOUR])
async def test_a_freeze_is_stored_with_the_key(stores: Stores, freeze: Freeze) -> None:
    before = await stores.keys.version()
    assert await stores.freezes.freeze(await stores.key(), freeze)
    assert (await stores.key()).freeze == freeze
    assert await stores.keys.version() > before


async def test_of_two_who_freeze_the_same_key_one_does(stores: Stores) -> None:
    seen = await stores.key()
    assert await stores.freezes.freeze(seen, FOREVER)
    assert not await stores.freezes.freeze(seen, AN_HOUR)
    assert (await stores.key()).freeze == FOREVER


async def test_a_thaw_ends_the_freeze_and_leaves_its_trace(
    stores: Stores, clock: FakeClock
) -> None:
    seen = await stores.key()
    await stores.freezes.freeze(seen, FOREVER)
    clock.advance(60)
    before = await stores.keys.version()
    assert await stores.freezes.thaw("key_1", now=clock.now())
    assert (await stores.key()).frozen(clock.now()) is None
    assert (await stores.key()).freeze == Freeze(START, "too fast", clock.now())
    assert await stores.keys.version() > before
    assert not await stores.freezes.freeze(seen, FOREVER)


async def test_a_thaw_of_what_is_not_frozen_changes_nothing(
    stores: Stores, clock: FakeClock
) -> None:
    assert not await stores.freezes.thaw("key_1", now=clock.now())
    await stores.freezes.freeze(await stores.key(), AN_HOUR)
    clock.advance(3600)
    assert not await stores.freezes.thaw("key_1", now=clock.now())
    assert (await stores.key()).freeze == AN_HOUR
    assert not await stores.freezes.thaw("key_2", now=clock.now())


async def test_a_revoked_key_is_not_frozen(stores: Stores) -> None:
    seen = await stores.key()
    await stores.keys.revoke("key_1")
    assert not await stores.freezes.freeze(seen, FOREVER)


async def test_what_a_key_has_spent_is_what_ended_and_what_is_reserved(
    store: SqliteStore, clock: FakeClock
) -> None:
    await store.keys.create_pouch(pouch("app"))

    async def spent(since_s: float = 60) -> Money:
        since = clock.now() - timedelta(seconds=since_s)
        return await store.freezes.spent_since(facts().key_id, since)

    assert await spent() == Money(0)
    await store.ledger.reserve(hold("r_1", 100))
    await store.ledger.reserve(hold("r_2", 1000))
    assert await spent() == Money(1100)
    await store.ledger.settle(settlement("r_1", 30))
    assert await spent() == Money(1030)
    assert await store.freezes.spent_since("key_2", START) == Money(0)
    clock.advance(61)
    assert await spent() == Money(0)
    assert await spent(61) == Money(1030)
