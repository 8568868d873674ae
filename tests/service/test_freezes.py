import pytest

from pouch.domain.errors import NotFoundError
from pouch.domain.key import KeyStatus
from pouch.service.freezes import KeyFreezes
from pouch.service.key_terms import NewKey
from pouch.service.keys import IssuedKey, KeyService, status_of
from tests.fakes.clock import FakeClock
from tests.fakes.key_store import FakeKeyStore


class Office:
    def __init__(self) -> None:
        self.clock = FakeClock()
        store = FakeKeyStore(self.clock)
        self.keys = KeyService(store, self.clock)
        self.freezes = KeyFreezes(store, self.keys, self.clock)

    async def issue(self) -> IssuedKey:
        return await self.keys.create(NewKey("agent"))

    async def status(self, key_id: str) -> KeyStatus:
        return status_of(await self.keys.get(key_id), self.clock.now())


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_freeze_is_seen_by_the_next_request(office: Office) -> None:
    issued = await office.issue()
    key = await office.keys.authenticate(issued.secret)
    freeze = await office.freezes.freeze(key, reason="too fast", until=None)
    assert freeze is not None
    assert (await office.keys.authenticate(issued.secret)).freeze == freeze
    assert await office.status(key.id) is KeyStatus.FROZEN


async def test_who_comes_second_learns_of_the_first_freeze(office: Office) -> None:
    key = (await office.issue()).stored.key
    first = await office.freezes.freeze(key, reason="too fast", until=None)
    assert await office.freezes.freeze(key, reason="repeats", until=None) == first


async def test_who_comes_after_the_thaw_freezes_nothing(office: Office) -> None:
    key = (await office.issue()).stored.key
    await office.freezes.freeze(key, reason="too fast", until=None)
    await office.freezes.thaw(key.id)
    assert await office.freezes.freeze(key, reason="too fast", until=None) is None
    assert await office.status(key.id) is KeyStatus.ACTIVE


async def test_a_thaw_of_a_key_that_is_not_frozen_is_no_mistake(office: Office) -> None:
    key = (await office.issue()).stored.key
    assert (await office.freezes.thaw(key.id)).key.freeze is None


async def test_a_key_that_is_not_there_cannot_be_thawed(office: Office) -> None:
    with pytest.raises(NotFoundError):
        await office.freezes.thaw("key_0")
