from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pouch.domain.errors import KeyFrozenError, StoreUnavailableError
from pouch.domain.key import Key
from pouch.domain.money import Money
from pouch.domain.pipeline import Handler as CallNext
from pouch.domain.pipeline import Request
from pouch.middlewares import burn_rate
from pouch.middlewares.burn_rate import REFRESH_S, BurnRate, Config
from pouch.service.freezes import KeyFreezes
from pouch.service.key_terms import NewKey
from pouch.service.keys import KeyService
from tests.fakes.chat import Handler, a_body, a_request, ports
from tests.fakes.clock import FakeClock
from tests.fakes.key_store import FakeKeyStore


class Office:
    """A store of keys, the services around it, and one key."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeKeyStore(self.clock)
        self.keys = KeyService(self.store, self.clock)
        self.freezes = KeyFreezes(self.store, self.keys, self.clock)
        self.secret = ""

    async def open(self) -> "Office":
        self.secret = (await self.keys.create(NewKey("agent"))).secret
        return self

    def step(self, **config: Any) -> BurnRate:
        return BurnRate(Config(**config), ports(clock=self.clock, freezing=self.freezes))

    async def key(self) -> Key:
        return await self.keys.authenticate(self.secret)

    async def spend(self, usd: str) -> None:
        key = await self.key()
        self.store.costs.setdefault(key.id, []).append((self.clock.now(), Money.usd(usd)))
        # What was read before is asked for again.
        self.clock.advance(REFRESH_S)

    async def ask(
        self, step: BurnRate, text: str = "Hello", call_next: CallNext | None = None
    ) -> None:
        request: Request = a_request(key=await self.key(), body=a_body(text))
        await step(request, call_next or Handler())


@pytest.fixture
async def office() -> Office:
    return await Office().open()


async def test_what_is_spent_up_to_the_limit_passes(office: Office) -> None:
    step = office.step(spend_usd="5.00", per_s=600)
    await office.spend("5.00")
    await office.ask(step)


async def test_more_than_the_limit_in_a_window_freezes_the_key(office: Office) -> None:
    step = office.step(spend_usd="5.00", per_s=600)
    await office.spend("4")
    await office.ask(step)
    await office.spend("1.01")
    handler = Handler()
    with pytest.raises(KeyFrozenError, match=r"5.01 USD spent or reserved in 600 s") as refusal:
        await office.ask(step, call_next=handler)
    assert handler.seen == []
    assert refusal.value.until is None
    assert (await office.key()).frozen(office.clock.now()) is not None


async def test_spending_that_has_left_the_window_does_not_count(office: Office) -> None:
    step = office.step(spend_usd="5.00", per_s=600)
    await office.spend("4")
    office.clock.advance(600)
    await office.spend("4")
    await office.ask(step)


async def test_a_freeze_holds_in_every_worker_and_after_a_restart(office: Office) -> None:
    await office.spend("9")
    with pytest.raises(KeyFrozenError):
        await office.ask(office.step(spend_usd="5.00"))
    office.clock.advance(10 * 86_400)
    with pytest.raises(KeyFrozenError):
        await office.ask(office.step(repeats=100))


async def test_a_key_that_is_thawed_is_not_frozen_for_what_it_spent_before(office: Office) -> None:
    step = office.step(spend_usd="5.00", per_s=600)
    await office.spend("9")
    with pytest.raises(KeyFrozenError):
        await office.ask(step)
    await office.freezes.thaw((await office.key()).id)
    await office.ask(step)
    await office.spend("5.01")
    with pytest.raises(KeyFrozenError, match=r"5[.]01"):
        await office.ask(step)


async def test_a_cool_down_thaws_the_key_by_itself(office: Office) -> None:
    step = office.step(spend_usd="5.00", per_s=600, cool_down_s=30)
    await office.spend("9")
    with pytest.raises(KeyFrozenError) as refusal:
        await office.ask(step)
    assert refusal.value.until == office.clock.now() + timedelta(seconds=30)
    office.clock.advance(29)
    with pytest.raises(KeyFrozenError):
        await office.ask(step)
    office.clock.advance(1)
    await office.ask(step)


async def test_a_request_that_was_authenticated_before_the_thaw_does_not_freeze_again(
    office: Office,
) -> None:
    step, late = office.step(spend_usd="5.00"), office.step(spend_usd="5.00")
    old = await office.key()
    await office.spend("9")
    with pytest.raises(KeyFrozenError):
        await office.ask(step)
    await office.freezes.thaw(old.id)
    await late(a_request(key=old), Handler())
    assert (await office.key()).frozen(office.clock.now()) is None


async def test_requests_under_way_finish_when_the_key_is_frozen(office: Office) -> None:
    step = office.step(spend_usd="5.00")

    async def frozen_meanwhile(request: Request) -> Any:
        await office.freezes.freeze(request.key, reason="a test", until=None)
        return await Handler()(request)

    await office.ask(step, call_next=frozen_meanwhile)
    with pytest.raises(KeyFrozenError, match="a test"):
        await office.ask(step)


async def test_the_same_messages_too_often_freeze_the_key(office: Office) -> None:
    step = office.step(repeats=3, per_s=60)
    for _ in range(3):
        await office.ask(step)
        await office.ask(step, text=f"at {office.clock.monotonic()}")
        office.clock.advance(1)
    with pytest.raises(KeyFrozenError, match="more than 3 times in 60 s"):
        await office.ask(step)


async def test_repeats_that_are_slow_enough_pass_for_ever(office: Office) -> None:
    step = office.step(repeats=3, per_s=60)
    for _ in range(20):
        await office.ask(step)
        office.clock.advance(20)


async def test_repeats_are_counted_by_the_monotonic_clock(office: Office) -> None:
    step = office.step(repeats=1, per_s=60)
    await office.ask(step)
    office.clock.advance(61)
    office.clock.set_back(3600)
    await office.ask(step)


async def test_a_thawed_key_may_repeat_itself_afresh(office: Office) -> None:
    step = office.step(repeats=2, per_s=60)
    for _ in range(2):
        await office.ask(step)
    with pytest.raises(KeyFrozenError):
        await office.ask(step)
    await office.freezes.thaw((await office.key()).id)
    await office.ask(step)


async def test_what_is_remembered_of_prompts_is_bounded(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burn_rate, "PROMPTS_MAX", 2)
    step = office.step(repeats=1, per_s=60)
    for text in ("one", "two", "three", "one"):
        await office.ask(step, text)
    with pytest.raises(KeyFrozenError):
        await office.ask(step, "three")


async def test_spending_is_read_once_for_requests_that_come_together(office: Office) -> None:
    step = office.step(spend_usd="5.00")
    await office.ask(step)
    key = await office.key()
    office.store.costs[key.id] = [(office.clock.now(), Money.usd("9"))]
    await office.ask(step)
    office.clock.advance(REFRESH_S)
    with pytest.raises(KeyFrozenError):
        await office.ask(step)


async def test_while_the_store_cannot_tell_nothing_passes(office: Office) -> None:
    step, handler = office.step(spend_usd="5.00"), Handler()
    request = a_request(key=await office.key())
    office.store.down = True
    with pytest.raises(StoreUnavailableError):
        await step(request, handler)
    assert handler.seen == []


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({}, "needs spend_usd, repeats, or both"),
        ({"spend_usd": 5.0}, "valid string"),
        ({"spend_usd": "0"}, "greater than 0"),
        ({"spend_usd": "a lot"}, "not an amount"),
        ({"repeats": 0}, "greater than 0"),
        ({"repeats": 1, "per_s": 0}, "greater than 0"),
        ({"repeats": 1, "cool_down_s": 0}, "greater than 0"),
        ({"repeats": 1, "cooldown": 5}, "not permitted"),
    ],
)
def test_a_senseless_limit_is_refused(config: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Config(**config)
