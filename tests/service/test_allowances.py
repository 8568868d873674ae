"""What a key may give away, and what becomes of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pouch.domain import allowance
from pouch.domain.errors import (
    AuthenticationError,
    InvalidRequestError,
    KeyDisabledError,
    KeyExpiredError,
    NotFoundError,
    RightsExceededError,
)
from pouch.domain.key import Key, KeyStatus, RateLimit
from pouch.domain.money import Money
from pouch.service.allowances import AllowanceService, NewAllowance
from pouch.service.key_terms import BudgetChange, KeyChange, NewKey
from pouch.service.keys import KeyService, status_of
from tests.fakes.clock import START, FakeClock
from tests.fakes.key_store import FakeKeyStore

DAY = timedelta(days=1)
RIGHTS: dict[str, Any] = {
    "models": ("gpt-4o", "o3-*"),
    "provider": "openai",
    "rate_limit": RateLimit(60, 60),
    "expires_at": START + 10 * DAY,
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys(clock: FakeClock) -> KeyService:
    return KeyService(FakeKeyStore(clock), clock)


@pytest.fixture
def allowances(keys: KeyService, clock: FakeClock) -> AllowanceService:
    return AllowanceService(keys, clock)


async def made(keys: KeyService, **rights: Any) -> Key:
    return (await keys.create(NewKey("boss", **rights))).stored.key


async def minted(allowances: AllowanceService, parent: Key, **rights: Any) -> Key:
    """A key of ``parent``, as a request made with it would have it."""
    issued = await allowances.mint(parent, NewAllowance("agent", **rights))
    return issued.stored.key


async def test_a_minted_key_lies_in_its_parents_pouch_and_has_its_rights(
    keys: KeyService, allowances: AllowanceService
) -> None:
    boss = await made(keys, **RIGHTS)
    budget = BudgetChange(limit=Money.usd("5"))
    issued = await allowances.mint(boss, NewAllowance("agent", budget=budget))

    agent = await keys.authenticate(issued.secret)

    assert [pouch.id for pouch in agent.pouches][1:] == [boss.pouches[0].id]
    assert agent.pouches[0].limit == Money.usd("5")
    assert [parent.id for parent in agent.parents] == [boss.id]
    assert {name: getattr(agent, name) for name in RIGHTS} == RIGHTS
    assert not agent.auto_renew


async def test_less_may_be_given_than_one_has(
    keys: KeyService, allowances: AllowanceService
) -> None:
    less = {
        "models": ("o3-mini", "o3-*"),
        "provider": "openai",
        "rate_limit": RateLimit(1, 1),
        "expires_at": START + DAY,
    }
    agent = await minted(allowances, await made(keys, **RIGHTS), **less)
    assert {name: getattr(agent, name) for name in less} == less


async def test_what_a_key_may_do_without_bounds_it_may_bound_for_others(
    keys: KeyService, allowances: AllowanceService
) -> None:
    agent = await minted(allowances, await made(keys), **RIGHTS)
    assert {name: getattr(agent, name) for name in RIGHTS} == RIGHTS


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("models", ("gpt-4o", "gpt-4o-mini")),
        ("models", ("*",)),
        ("models", ("o3-?",)),
        ("provider", "azure"),
        ("rate_limit", RateLimit(61, 60)),
        ("expires_at", START + 10 * DAY + timedelta(microseconds=1)),
    ],
)
async def test_more_than_one_has_cannot_be_given(
    keys: KeyService, allowances: AllowanceService, param: str, value: object
) -> None:
    boss = await made(keys, **RIGHTS)
    with pytest.raises(RightsExceededError) as refusal:
        await minted(allowances, boss, **{param: value})
    assert refusal.value.param == param
    assert [stored.key.id for stored in (await keys.page()).items] == [boss.id]


async def test_a_name_and_an_expiry_are_checked_as_for_any_key(
    keys: KeyService, allowances: AllowanceService
) -> None:
    boss = await made(keys)
    for wanted in (NewAllowance("a/b"), NewAllowance("agent", expires_at=START)):
        with pytest.raises(InvalidRequestError):
            await allowances.mint(boss, wanted)


async def test_keys_descend_from_one_another_so_deep_and_no_deeper(
    keys: KeyService, allowances: AllowanceService
) -> None:
    key = await made(keys)
    for _ in range(allowance.PARENTS_MAX):
        key = await minted(allowances, key)
    assert len(key.parents) == allowance.PARENTS_MAX
    with pytest.raises(RightsExceededError):
        await minted(allowances, key)


@pytest.mark.parametrize(
    ("change", "status", "refusal"),
    [
        (KeyChange(disabled=True), KeyStatus.DISABLED, KeyDisabledError),
        (KeyChange(expires_at=START + DAY), KeyStatus.EXPIRED, KeyExpiredError),
    ],
)
async def test_who_may_do_nothing_can_give_nothing_and_its_keys_stop_too(
    keys: KeyService,
    allowances: AllowanceService,
    clock: FakeClock,
    change: KeyChange,
    status: KeyStatus,
    refusal: type[Exception],
) -> None:
    boss = await made(keys)
    agent = await minted(allowances, boss)
    await keys.change(boss.id, change)
    clock.advance(2 * DAY.total_seconds())

    stopped = await keys.get(agent.id)

    assert status_of(stopped, clock.now()) is status
    for asker in (stopped.key, (await keys.get(boss.id)).key):
        with pytest.raises(refusal):
            await minted(allowances, asker)
        with pytest.raises(refusal):
            await allowances.page(asker, cursor=None, limit=9)
        with pytest.raises(refusal):
            await allowances.revoke(asker, agent.id)


async def test_a_key_that_renews_itself_does_so_before_it_gives(
    keys: KeyService, allowances: AllowanceService, clock: FakeClock
) -> None:
    boss = await made(keys, expires_at=START + DAY, auto_renew=True)
    clock.advance(2 * DAY.total_seconds())
    assert (await minted(allowances, boss)).expires_at == clock.now() + DAY


async def test_a_revoked_key_takes_all_that_descend_from_it_with_it(
    keys: KeyService, allowances: AllowanceService
) -> None:
    boss = await made(keys)
    issued = await allowances.mint(boss, NewAllowance("agent"))
    await minted(allowances, issued.stored.key)
    other = await minted(allowances, boss)

    await allowances.revoke(boss, issued.stored.key.id)

    assert {stored.key.id for stored in (await keys.page()).items} == {boss.id, other.id}
    with pytest.raises(AuthenticationError):
        await keys.authenticate(issued.secret)
    with pytest.raises(AuthenticationError):
        await minted(allowances, issued.stored.key)


async def test_a_key_sees_its_own_keys_and_ends_what_descends_from_it_only(
    keys: KeyService, allowances: AllowanceService
) -> None:
    boss, rival = await made(keys), await made(keys)
    agent = await minted(allowances, boss)
    helper = await minted(allowances, agent)
    page = await allowances.page(boss, cursor=None, limit=9)
    assert [stored.key.id for stored in page.items] == [agent.id]
    for asker, ended in ((rival, agent), (agent, boss), (agent, agent), (agent, rival)):
        with pytest.raises(NotFoundError):
            await allowances.revoke(asker, ended.id)

    await allowances.revoke(boss, helper.id)

    assert (await allowances.page(agent, cursor=None, limit=9)).items == []


async def test_a_renewal_does_not_outlive_those_above(
    keys: KeyService, allowances: AllowanceService, clock: FakeClock
) -> None:
    boss = await made(keys, expires_at=START + 10 * DAY)
    agent = await minted(allowances, boss, expires_at=START + 7 * DAY)
    await keys.change(agent.id, KeyChange(auto_renew=True))
    clock.advance(8 * DAY.total_seconds())

    renewed = await keys.renew((await keys.get(agent.id)).key)

    assert renewed.expires_at == START + 10 * DAY
    clock.advance(2 * DAY.total_seconds())
    with pytest.raises(KeyExpiredError):
        await keys.renew(replace(renewed, auto_renew=True))
