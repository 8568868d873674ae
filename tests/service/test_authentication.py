import asyncio
from datetime import timedelta

import pytest

from pouch.domain.errors import (
    AuthenticationError,
    StoreUnavailableError,
)
from pouch.domain.key import hash_of
from pouch.service import key_cache
from pouch.service.key_cache import RECHECK_S
from pouch.service.key_terms import KeyChange, NewKey
from pouch.service.keys import KeyService
from tests.fakes.clock import FakeClock
from tests.fakes.key_store import FakeKeyStore

NO_GRACE = timedelta()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> FakeKeyStore:
    return FakeKeyStore(clock)


@pytest.fixture
def keys(store: FakeKeyStore, clock: FakeClock) -> KeyService:
    return KeyService(store, clock)


async def let_tasks_run() -> None:
    """Give every task that can go on its turn."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_key_is_known_by_its_secret(keys: KeyService) -> None:
    issued = await keys.create(NewKey("bot"))

    assert (await keys.authenticate(issued.secret)).id == issued.stored.key.id


async def test_a_key_that_was_asked_for_is_known_without_waiting(
    keys: KeyService, store: FakeKeyStore
) -> None:
    issued = await keys.create(NewKey("bot"))
    assert keys.cached(issued.secret) is None

    key = await keys.authenticate(issued.secret)
    again = await keys.authenticate(issued.secret)

    assert keys.cached(issued.secret) is key
    assert again is key
    assert len(store.finds) == 1


@pytest.mark.parametrize(
    "secret",
    ["", "sk-abc", "Pouch-abc", " pouch-abc", "pouch-" + "x" * 1_000_000, "\ud800", "pouche"],
)
async def test_what_cannot_be_a_secret_never_reaches_the_store(
    keys: KeyService, store: FakeKeyStore, secret: str
) -> None:
    with pytest.raises(AuthenticationError):
        await keys.authenticate(secret)

    assert keys.cached(secret) is None
    assert store.finds == []


async def test_an_unknown_secret_is_refused_and_remembered(
    keys: KeyService, store: FakeKeyStore
) -> None:
    for _ in range(3):
        with pytest.raises(AuthenticationError) as refusal:
            await keys.authenticate("pouch-\udcffunknown")

    assert "unknown" in str(refusal.value)
    assert len(store.finds) == 1


async def test_a_refusal_never_repeats_the_secret(keys: KeyService) -> None:
    for secret in ("pouch-hunter2", "sk-hunter2"):
        with pytest.raises(AuthenticationError) as refusal:
            await keys.authenticate(secret)
        assert "hunter2" not in str(refusal.value)


async def test_garbage_does_not_push_a_good_key_out(
    keys: KeyService, store: FakeKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_cache, "UNKNOWN_MAX", 10)
    monkeypatch.setattr(key_cache, "KEYS_MAX", 10)
    issued = await keys.create(NewKey("bot"))
    await keys.authenticate(issued.secret)

    for n in range(100):
        with pytest.raises(AuthenticationError):
            await keys.authenticate(f"pouch-{n}")

    assert keys.cached(issued.secret) is not None
    with pytest.raises(AuthenticationError):
        await keys.authenticate("pouch-0")
    assert store.finds.count(hash_of("pouch-0")) == 2, "only the newest refusals are remembered"


async def test_the_key_that_was_read_longest_ago_makes_room(
    keys: KeyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_cache, "KEYS_MAX", 2)
    secrets = [(await keys.create(NewKey(f"bot {n}"))).secret for n in range(3)]

    for secret in secrets:
        await keys.authenticate(secret)

    assert [keys.cached(secret) is None for secret in secrets] == [True, False, False]


async def test_many_who_ask_for_one_key_at_once_share_one_read(
    keys: KeyService, store: FakeKeyStore
) -> None:
    issued = await keys.create(NewKey("bot"))
    store.gate.clear()
    asking = [asyncio.create_task(keys.authenticate(issued.secret)) for _ in range(20)]
    await let_tasks_run()

    asking[0].cancel()
    store.gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)

    assert len(store.finds) == 1
    assert isinstance(answers[0], asyncio.CancelledError)
    assert {answer.id for answer in answers[1:] if not isinstance(answer, BaseException)} == {
        issued.stored.key.id
    }


async def test_a_failed_read_fails_those_who_wait_and_no_one_else(
    keys: KeyService, store: FakeKeyStore
) -> None:
    issued = await keys.create(NewKey("bot"))
    store.gate.clear()
    asking = [asyncio.create_task(keys.authenticate(issued.secret)) for _ in range(3)]
    await let_tasks_run()
    store.down = True
    store.gate.set()

    answers = await asyncio.gather(*asking, return_exceptions=True)
    store.down = False

    assert [type(answer) for answer in answers] == [StoreUnavailableError] * 3
    assert (await keys.authenticate(issued.secret)).id == issued.stored.key.id


async def test_a_read_that_was_under_way_when_a_key_changed_is_not_remembered(
    keys: KeyService, store: FakeKeyStore
) -> None:
    issued = await keys.create(NewKey("bot"))
    store.gate.clear()
    early = asyncio.create_task(keys.authenticate(issued.secret))
    await let_tasks_run()

    await keys.change(issued.stored.key.id, KeyChange(disabled=True))
    late = asyncio.create_task(keys.authenticate(issued.secret))
    await let_tasks_run()
    store.gate.set()
    await early

    assert (await late).disabled, "who asks after a change does not get what was read before it"
    cached = keys.cached(issued.secret)
    assert cached is None or cached.disabled


async def test_a_read_that_was_under_way_when_another_process_changed_a_key_is_not_remembered(
    keys: KeyService, store: FakeKeyStore
) -> None:
    issued = await keys.create(NewKey("bot"))
    await keys.refresh()
    store.gate.clear()
    early = asyncio.create_task(keys.authenticate(issued.secret))
    await let_tasks_run()

    await store.revoke(issued.stored.key.id)
    await keys.refresh()
    store.gate.set()
    await early

    assert keys.cached(issued.secret) is None


async def test_a_change_by_another_process_is_seen_at_the_next_refresh(
    keys: KeyService, store: FakeKeyStore, clock: FakeClock
) -> None:
    other = KeyService(store, clock)
    issued = await keys.create(NewKey("bot"))
    await keys.refresh()
    await keys.authenticate(issued.secret)
    await keys.refresh()
    assert keys.cached(issued.secret) is not None, "nothing changed, so nothing is forgotten"

    await other.change(issued.stored.key.id, KeyChange(disabled=True))
    await keys.refresh()

    assert (await keys.authenticate(issued.secret)).disabled


async def test_watching_goes_on_when_the_store_was_down_and_trusts_nothing_meanwhile(
    keys: KeyService, store: FakeKeyStore
) -> None:
    issued = await keys.create(NewKey("bot"))
    await keys.authenticate(issued.secret)
    store.down = True
    watching = asyncio.create_task(keys.watch(interval_s=0))
    await let_tasks_run()
    assert keys.cached(issued.secret) is None

    store.down = False
    await let_tasks_run()
    await keys.authenticate(issued.secret)
    await store.revoke(issued.stored.key.id)
    await let_tasks_run()

    assert not watching.done()
    assert keys.cached(issued.secret) is None
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_an_old_secret_ends_with_its_grace_though_it_was_cached(
    keys: KeyService, clock: FakeClock
) -> None:
    issued = await keys.create(NewKey("bot"))
    rotated = await keys.rotate(issued.stored.key.id, grace=timedelta(seconds=60))

    clock.advance(59)
    assert await keys.authenticate(issued.secret)
    clock.advance(1 + RECHECK_S)

    assert keys.cached(issued.secret) is None
    with pytest.raises(AuthenticationError):
        await keys.authenticate(issued.secret)
    assert await keys.authenticate(rotated.secret)


async def test_without_grace_the_old_secret_ends_at_once(keys: KeyService) -> None:
    issued = await keys.create(NewKey("bot"))
    await keys.authenticate(issued.secret)

    rotated = await keys.rotate(issued.stored.key.id, grace=NO_GRACE)

    with pytest.raises(AuthenticationError):
        await keys.authenticate(issued.secret)
    assert rotated.stored.key.prefix == rotated.secret[:12]


async def test_a_second_rotation_does_not_prolong_the_grace_of_the_first(
    keys: KeyService, clock: FakeClock
) -> None:
    first = await keys.create(NewKey("bot"))
    await keys.rotate(first.stored.key.id, grace=timedelta(seconds=10))
    await keys.rotate(first.stored.key.id, grace=timedelta(days=1))

    clock.advance(11)

    with pytest.raises(AuthenticationError):
        await keys.authenticate(first.secret)
