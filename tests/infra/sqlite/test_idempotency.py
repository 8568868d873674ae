"""Records of named requests: what every store does with them, and SQLite's bounds and deaths."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pouch.domain.idempotency import Claim, IdempotencyStore, KeptAnswer
from pouch.domain.ledger import Evidence, RequestRecord
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.idempotency import PURGED_MAX, RECORD_BYTES
from tests.fakes.clock import START, FakeClock
from tests.fakes.idempotency import FakeIdempotencyStore
from tests.infra.sqlite.books import crash, facts, opened, outcome

CLAIM = Claim("key_1", "a", "same", "req_1")
RIVAL = replace(CLAIM, request_id="req_2")
ANSWER = KeptAnswer(200, (("content-type", "text/event-stream"), ("x-é", "ü")), b"data: \xff\n\n")
LATER = START + timedelta(hours=1)
MIB = 1024 * 1024


@pytest.fixture(params=["fake", "sqlite"])
async def records(
    request: pytest.FixtureRequest, path: Path, clock: FakeClock
) -> AsyncIterator[IdempotencyStore]:
    if request.param == "fake":
        yield FakeIdempotencyStore(clock)
        return
    store = await SqliteStore.open(path, clock)
    yield store.idempotency(bytes_max=MIB)
    await store.close()


async def test_of_eight_who_claim_a_name_at_once_one_gets_it(records: IdempotencyStore) -> None:
    claims = [replace(CLAIM, request_id=f"req_{i}") for i in range(8)]
    assert sum(await asyncio.gather(*map(records.claim, claims))) == 1


async def test_a_claim_is_pending_until_its_answer_is_kept(records: IdempotencyStore) -> None:
    assert await records.find("key_1", "a") is None
    await records.claim(CLAIM)
    pending = await records.find("key_1", "a")
    assert pending is not None
    assert (pending.fingerprint, pending.request_id) == ("same", "req_1")
    assert pending.pending
    assert not pending.void
    assert pending.answer is None
    assert await records.complete(CLAIM, ANSWER, expires_at=LATER)
    kept = await records.find("key_1", "a")
    assert kept is not None
    assert not kept.pending
    assert kept.answer == ANSWER
    assert not await records.claim(RIVAL)


async def test_a_name_belongs_to_one_key(records: IdempotencyStore) -> None:
    await records.claim(CLAIM)
    assert await records.claim(replace(CLAIM, key_id="key_2"))
    assert await records.find("key_3", "a") is None


async def test_an_empty_answer_is_an_answer_and_one_that_is_not_kept_is_none(
    records: IdempotencyStore,
) -> None:
    await records.claim(CLAIM)
    await records.complete(CLAIM, replace(ANSWER, body=b""), expires_at=LATER)
    found = await records.find("key_1", "a")
    assert found is not None
    assert found.answer is not None
    assert found.answer.body == b""
    other = replace(CLAIM, name="b")
    await records.claim(other)
    await records.complete(other, None, expires_at=LATER)
    found = await records.find("key_1", "b")
    assert found is not None
    assert not found.pending
    assert found.answer is None
    assert not await records.claim(replace(RIVAL, name="b"))


async def test_completing_or_dropping_again_or_for_another_changes_nothing(
    records: IdempotencyStore,
) -> None:
    await records.claim(CLAIM)
    assert not await records.complete(RIVAL, ANSWER, expires_at=LATER)
    assert not await records.drop(RIVAL)
    assert await records.complete(CLAIM, ANSWER, expires_at=LATER)
    assert not await records.complete(CLAIM, None, expires_at=LATER)
    assert not await records.drop(CLAIM)
    found = await records.find("key_1", "a")
    assert found is not None
    assert found.answer == ANSWER


async def test_a_dropped_name_is_free(records: IdempotencyStore) -> None:
    await records.claim(CLAIM)
    assert await records.drop(CLAIM)
    assert await records.find("key_1", "a") is None
    assert await records.claim(RIVAL)


async def test_an_answer_whose_time_is_over_is_void_and_its_name_free(
    records: IdempotencyStore, clock: FakeClock
) -> None:
    await records.claim(CLAIM)
    await records.complete(CLAIM, ANSWER, expires_at=LATER)
    clock.advance(3599)
    assert await records.purge() == 0
    assert not await records.claim(RIVAL)
    clock.advance(1)
    found = await records.find("key_1", "a")
    assert found is not None
    assert found.void
    assert await records.claim(RIVAL)


async def test_only_what_is_void_is_purged(records: IdempotencyStore, clock: FakeClock) -> None:
    for name in "abc":
        await records.claim(replace(CLAIM, name=name))
    await records.complete(CLAIM, ANSWER, expires_at=LATER)
    await records.complete(replace(CLAIM, name="b"), ANSWER, expires_at=LATER)
    clock.advance(3600)
    assert await records.purge() == 2
    assert await records.purge() == 0
    at_work = await records.find("key_1", "c")
    assert at_work is not None
    assert not at_work.void


async def test_a_purge_takes_a_bounded_number_at_once(store: SqliteStore, clock: FakeClock) -> None:
    records = store.idempotency(bytes_max=MIB)
    claims = [replace(CLAIM, name=str(i)) for i in range(PURGED_MAX + 5)]
    await asyncio.gather(*map(records.claim, claims))
    await asyncio.gather(*(records.complete(c, ANSWER, expires_at=LATER) for c in claims))
    clock.advance(3600)
    assert [await records.purge() for _ in range(3)] == [PURGED_MAX, 5, 0]


async def test_a_claim_that_was_cancelled_leaves_the_name_free(store: SqliteStore) -> None:
    records = store.idempotency(bytes_max=MIB)
    for turns in range(4):
        asking = asyncio.ensure_future(records.claim(CLAIM))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        async with asyncio.timeout(5):
            while not await records.claim(RIVAL):
                continue
        assert await records.drop(RIVAL)


async def test_the_cost_is_what_the_request_was_charged(store: SqliteStore) -> None:
    records = store.idempotency(bytes_max=MIB)
    await records.claim(CLAIM)
    before = await records.find("key_1", "a")
    await store.ledger.settle_all(
        [RequestRecord(facts("req_1"), outcome(Evidence.PROVIDER_USAGE), Money(42))]
    )
    after = await records.find("key_1", "a")
    assert before is not None
    assert after is not None
    assert before.cost is None
    assert after.cost == Money(42)


async def test_the_oldest_answers_make_room_and_that_there_was_one_is_remembered(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    records = store.idempotency(bytes_max=MIB)
    for i in range(4):
        claim = replace(CLAIM, name=str(i))
        await records.claim(claim)
        large = replace(ANSWER, body=bytes(300_000))
        await records.complete(claim, large, expires_at=LATER + timedelta(seconds=i))
    found = [await records.find("key_1", str(i)) for i in range(4)]
    assert [record is not None and record.answer is not None for record in found] == [
        False,
        True,
        True,
        True,
    ]
    assert not await records.claim(replace(RIVAL, name="0"))
    assert total(path) <= MIB


async def test_records_without_answers_are_bounded_too_but_not_those_at_work(
    store: SqliteStore, path: Path
) -> None:
    records = store.idempotency(bytes_max=10 * RECORD_BYTES)
    claims = [replace(CLAIM, name=str(i)) for i in range(12)]
    for claim in claims[:-1]:
        await records.claim(claim)
        await records.complete(claim, None, expires_at=LATER)
    await records.claim(claims[-1])
    assert total(path) <= 11 * RECORD_BYTES
    last = await records.find("key_1", "11")
    assert last is not None
    assert last.pending


async def test_the_total_is_what_the_records_take(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    records = store.idempotency(bytes_max=MIB)
    for name in "abcd":
        await records.claim(replace(CLAIM, name=name))
    await records.complete(CLAIM, ANSWER, expires_at=LATER)
    await records.complete(replace(CLAIM, name="b"), None, expires_at=LATER)
    await records.drop(replace(CLAIM, name="c"))
    assert total(path) > 3 * RECORD_BYTES
    clock.advance(3600)
    await records.purge()
    assert total(path) == RECORD_BYTES


def total(path: Path) -> int:
    """What the store counts, which is what there is."""
    with opened(path) as connection:
        [counted] = connection.execute("SELECT bytes FROM idempotency_total").fetchone()
        [there] = connection.execute("SELECT coalesce(sum(bytes), 0) FROM idempotency").fetchone()
    assert counted == there
    assert isinstance(counted, int)
    return counted


async def test_a_claim_of_the_dead_is_free_as_soon_as_its_reservations_are_settled(
    path: Path, clock: FakeClock
) -> None:
    dead = await SqliteStore.open(path, clock)
    alive = await SqliteStore.open(path, clock)
    records = alive.idempotency(bytes_max=MIB)
    await dead.idempotency(bytes_max=MIB).claim(CLAIM)
    assert not await records.claim(RIVAL)
    await crash(dead)
    assert not await records.claim(RIVAL)
    await alive.ledger.recover()
    found = await records.find("key_1", "a")
    assert found is not None
    assert found.void
    assert await records.claim(RIVAL)
    await alive.close()


async def test_what_the_dead_had_begun_is_purged(path: Path, clock: FakeClock) -> None:
    dead = await SqliteStore.open(path, clock)
    await dead.idempotency(bytes_max=MIB).claim(CLAIM)
    await crash(dead)
    alive = await SqliteStore.open(path, clock)
    await alive.ledger.recover()
    assert await alive.idempotency(bytes_max=MIB).purge() == 1
    await alive.close()
