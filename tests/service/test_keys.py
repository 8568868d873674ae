from datetime import timedelta

import pytest

from pouch.domain.errors import (
    AuthenticationError,
    InvalidRequestError,
    KeyDisabledError,
    KeyExpiredError,
    NotFoundError,
)
from pouch.domain.key import KeyStatus
from pouch.domain.money import Money
from pouch.domain.period import Period, Unit
from pouch.service.key_terms import BudgetChange, KeyChange, NewBudgetPouch, NewKey, PouchChange
from pouch.service.keys import KeyService, status_of
from tests.fakes.clock import START, FakeClock
from tests.fakes.key_store import FakeKeyStore

FIVE = Money.usd("5")


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


async def test_an_expired_key_is_extended_by_its_lifetime(
    keys: KeyService, clock: FakeClock
) -> None:
    wanted = NewKey("bot", expires_at=START + timedelta(days=30), auto_renew=True)
    issued = await keys.create(wanted)
    clock.advance(timedelta(days=31).total_seconds())

    renewed = await keys.renew(await keys.authenticate(issued.secret))

    assert renewed.expires_at == clock.now() + timedelta(days=30)
    assert (await keys.authenticate(issued.secret)).expires_at == renewed.expires_at


async def test_a_lifetime_is_counted_from_the_last_change_of_the_expiry(
    keys: KeyService, clock: FakeClock
) -> None:
    issued = await keys.create(NewKey("bot", expires_at=START + timedelta(days=30)))
    clock.advance(timedelta(days=10).total_seconds())
    change = KeyChange(expires_at=clock.now() + timedelta(days=2), auto_renew=True)
    stored = await keys.change(issued.stored.key.id, change)
    clock.advance(timedelta(days=3).total_seconds())

    renewed = await keys.renew(stored.key)

    assert renewed.expires_at == clock.now() + timedelta(days=2)


async def test_who_comes_second_to_a_renewal_gets_what_the_first_stored(
    keys: KeyService, clock: FakeClock
) -> None:
    wanted = NewKey("bot", expires_at=START + timedelta(days=1), auto_renew=True)
    expired = (await keys.create(wanted)).stored.key
    clock.advance(timedelta(days=2).total_seconds())
    first = await keys.renew(expired)
    clock.advance(60)

    second = await keys.renew(expired)

    assert second.expires_at == first.expires_at


async def test_a_key_that_was_changed_meanwhile_is_not_renewed(
    keys: KeyService, clock: FakeClock
) -> None:
    wanted = NewKey("bot", expires_at=START + timedelta(days=1), auto_renew=True)
    expired = (await keys.create(wanted)).stored.key
    clock.advance(timedelta(days=2).total_seconds())
    renewed = await keys.renew(expired)

    await keys.change(expired.id, KeyChange(disabled=True))
    with pytest.raises(KeyDisabledError):
        await keys.renew(expired)
    await keys.change(expired.id, KeyChange(disabled=False, auto_renew=False))
    clock.advance(timedelta(days=2).total_seconds())
    with pytest.raises(KeyExpiredError):
        await keys.renew(expired)
    await keys.revoke(expired.id)
    with pytest.raises(AuthenticationError):
        await keys.renew(renewed)


async def test_a_key_that_never_expires_cannot_renew_itself(keys: KeyService) -> None:
    issued = await keys.create(NewKey("bot", expires_at=START + timedelta(days=1), auto_renew=True))

    with pytest.raises(InvalidRequestError) as refusal:
        await keys.change(issued.stored.key.id, KeyChange(expires_at=None))

    assert refusal.value.param == "auto_renew"
    both = KeyChange(expires_at=None, auto_renew=False)
    assert (await keys.change(issued.stored.key.id, both)).key.lifetime is None


async def test_a_refused_change_changes_nothing(keys: KeyService) -> None:
    issued = await keys.create(NewKey("bot", budget=BudgetChange(limit=FIVE)))
    wrong = [
        KeyChange(budget=BudgetChange(limit=None), expires_at=START),
        KeyChange(budget=None, auto_renew=True),
        KeyChange(disabled=True, parent_id="pouch_none"),
        KeyChange(disabled=True, budget=BudgetChange(time_zone="UTC")),
    ]

    for change in wrong:
        with pytest.raises(InvalidRequestError):
            await keys.change(issued.stored.key.id, change)

    assert await keys.get(issued.stored.key.id) == issued.stored


async def test_a_budget_keeps_what_a_change_does_not_name(
    keys: KeyService, clock: FakeClock
) -> None:
    month = BudgetChange(limit=FIVE, every=Unit.MONTH, time_zone="Asia/Tokyo")
    issued = await keys.create(NewKey("bot", budget=month))
    own = issued.stored.pouches[0]
    clock.advance(3600)

    limited = await keys.pouches.change(
        own.id, PouchChange(budget=BudgetChange(limit=Money.usd(7)))
    )
    weekly = await keys.pouches.change(own.id, PouchChange(budget=BudgetChange(every=Unit.WEEK)))
    hourly = await keys.pouches.change(own.id, PouchChange(budget=BudgetChange(every=3600)))

    assert (limited.limit, limited.period, limited.resets_at) == (
        Money.usd(7),
        own.period,
        own.resets_at,
    )
    assert weekly.period == Period(unit=Unit.WEEK, time_zone="Asia/Tokyo")
    assert hourly.period == Period(seconds=3600)
    assert hourly.resets_at == clock.now() + timedelta(hours=1)


async def test_a_pouch_with_a_name_of_its_own_keeps_it(keys: KeyService) -> None:
    issued = await keys.create(NewKey("bot"))
    own = issued.stored.pouches[0]
    await keys.pouches.change(own.id, PouchChange(name="travel money"))

    stored = await keys.change(issued.stored.key.id, KeyChange(name="robot"))

    assert stored.key.name == "robot"
    assert stored.pouches[0].name == "travel money"


async def test_what_does_not_exist_is_not_found(keys: KeyService) -> None:
    for attempt in (
        keys.get("key_none"),
        keys.change("key_none", KeyChange(disabled=True)),
        keys.rotate("key_none", grace=NO_GRACE),
        keys.revoke("key_none"),
        keys.pouches.get("pouch_none"),
        keys.pouches.change("pouch_none", PouchChange(name="x")),
    ):
        with pytest.raises(NotFoundError):
            await attempt


async def test_a_name_is_stored_in_its_composed_form(keys: KeyService) -> None:
    decomposed = "か\u3099" * 50

    issued = await keys.create(NewKey(decomposed))

    assert issued.stored.key.name == "が" * 50


async def test_a_status_tells_what_becomes_of_a_request(
    keys: KeyService, store: FakeKeyStore, clock: FakeClock
) -> None:
    team = await keys.pouches.create(NewBudgetPouch("team", BudgetChange(FIVE, every=Unit.DAY)))
    wanted = NewKey("bot", parent_id=team.id, expires_at=START + timedelta(days=9))
    key_id = (await keys.create(wanted)).stored.key.id

    async def status() -> KeyStatus:
        return status_of(await keys.get(key_id), clock.now())

    assert await status() == "active"
    store.spend(team.id, FIVE)
    assert await status() == "capped", "a pouch around its own is used up"
    clock.advance(timedelta(days=1).total_seconds())
    assert await status() == "active", "the reset has come due"
    clock.advance(timedelta(days=9).total_seconds())
    assert await status() == "expired"
    await keys.change(key_id, KeyChange(auto_renew=True))
    assert await status() == "active", "it will renew itself"
    await keys.change(key_id, KeyChange(disabled=True))
    assert await status() == "disabled"
