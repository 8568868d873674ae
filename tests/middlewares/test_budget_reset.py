"""A pouch's next period begins once, before anything is reserved in it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.money import Money
from pouch.domain.period import Period, Unit
from pouch.domain.pipeline import Request
from pouch.domain.pouch import PouchTerms
from pouch.middlewares import budget_reset
from pouch.middlewares.budget_reset import BudgetReset, Config
from tests.fakes.chat import Handler, a_key, a_request, ports
from tests.fakes.clock import START, FakeClock

HOURLY = Period(seconds=3600)


@dataclass
class RollOvers:
    """The one method of a ledger that this step calls; it waits while ``open`` is not set."""

    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    done_before: bool = False

    def __post_init__(self) -> None:
        self.open.set()

    async def roll_over(self, pouch_id: str, *, due: datetime, next_reset: datetime) -> bool:
        self.asked.append((pouch_id, due, next_reset))
        self.entered.set()
        await self.open.wait()
        if self.broken:
            raise StoreUnavailableError("disk full")
        return not self.done_before


def a_pouch(
    resets_at: datetime | None, *, pouch_id: str = "pouch-1", period: Period | None = HOURLY
) -> PouchTerms:
    return PouchTerms(pouch_id, "budget", Money.usd(5), period, resets_at)


def drawing_on(*pouches: PouchTerms) -> Request:
    return a_request(key=a_key(pouches=pouches))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger() -> RollOvers:
    return RollOvers()


@pytest.fixture
def step(clock: FakeClock, ledger: RollOvers) -> BudgetReset:
    return BudgetReset(Config(), ports(clock=clock, ledger=ledger))


async def test_a_pouch_that_is_due_is_rolled_over_before_the_request_goes_on(
    step: BudgetReset, ledger: RollOvers
) -> None:
    handler = Handler()
    ledger.open.clear()
    call = asyncio.create_task(step(drawing_on(a_pouch(START)), handler))
    await ledger.entered.wait()
    assert handler.seen == []
    ledger.open.set()
    await call
    assert len(handler.seen) == 1
    assert ledger.asked == [("pouch-1", START, START + timedelta(hours=1))]


@pytest.mark.parametrize(
    "pouch",
    [
        a_pouch(START + timedelta(microseconds=1)),
        a_pouch(None),
        a_pouch(None, period=None),
        a_pouch(START - timedelta(days=1), period=None),
    ],
    ids=["not yet", "no reset", "no period", "a reset without a period"],
)
async def test_the_ledger_is_left_alone_when_nothing_is_due(
    step: BudgetReset, ledger: RollOvers, pouch: PouchTerms
) -> None:
    await step(drawing_on(pouch), Handler())
    assert ledger.asked == []


async def test_every_pouch_up_to_the_root_is_looked_at(
    step: BudgetReset, ledger: RollOvers
) -> None:
    monthly = Period(unit=Unit.MONTH)
    request = drawing_on(
        a_pouch(START, pouch_id="own"),
        a_pouch(START + timedelta(days=1), pouch_id="team"),
        a_pouch(START, pouch_id="root", period=monthly),
    )
    await step(request, Handler())
    first_of_february = datetime(2026, 2, 1, tzinfo=START.tzinfo)
    assert ledger.asked == [
        ("own", START, START + timedelta(hours=1)),
        ("root", START, first_of_february),
    ]


async def test_requests_that_arrive_together_share_one_roll_over(
    step: BudgetReset, ledger: RollOvers
) -> None:
    handler = Handler()
    ledger.open.clear()
    calls = [asyncio.create_task(step(drawing_on(a_pouch(START)), handler)) for _ in range(100)]
    await ledger.entered.wait()
    assert handler.seen == []
    ledger.open.set()
    await asyncio.gather(*calls)
    assert len(handler.seen) == 100
    assert len(ledger.asked) == 1


async def test_a_client_that_hangs_up_does_not_stop_the_roll_over_that_others_wait_for(
    step: BudgetReset, ledger: RollOvers
) -> None:
    handler = Handler()
    ledger.open.clear()
    first = asyncio.create_task(step(drawing_on(a_pouch(START)), handler))
    await ledger.entered.wait()
    second = asyncio.create_task(step(drawing_on(a_pouch(START)), handler))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    ledger.open.set()
    await second
    assert len(handler.seen) == 1
    assert len(ledger.asked) == 1


async def test_a_key_from_the_cache_does_not_ask_again_for_what_is_done(
    step: BudgetReset, ledger: RollOvers
) -> None:
    cached = drawing_on(a_pouch(START))
    for _ in range(3):
        await step(cached, Handler())
    assert len(ledger.asked) == 1


async def test_a_cached_key_that_outlives_a_whole_period_rolls_over_again(
    step: BudgetReset, ledger: RollOvers, clock: FakeClock
) -> None:
    cached = drawing_on(a_pouch(START))
    await step(cached, Handler())
    clock.advance(3600)
    await step(cached, Handler())
    await step(cached, Handler())
    hour = timedelta(hours=1)
    assert ledger.asked == [
        ("pouch-1", START, START + hour),
        ("pouch-1", START + hour, START + 2 * hour),
    ]


async def test_periods_that_were_slept_through_are_made_up_for_in_one_step(
    step: BudgetReset, ledger: RollOvers, clock: FakeClock
) -> None:
    clock.advance(3 * 3600 + 60)
    await step(drawing_on(a_pouch(START)), Handler())
    assert ledger.asked == [("pouch-1", START, START + timedelta(hours=4))]


async def test_a_reset_that_an_administrator_moved_is_honoured_after_an_earlier_one(
    step: BudgetReset, ledger: RollOvers, clock: FakeClock
) -> None:
    await step(drawing_on(a_pouch(START)), Handler())
    moved = START + timedelta(minutes=5)
    clock.advance(300)
    await step(drawing_on(a_pouch(moved)), Handler())
    assert [due for _, due, _ in ledger.asked] == [START, moved]


async def test_what_another_process_has_done_is_not_asked_for_again(
    step: BudgetReset, ledger: RollOvers
) -> None:
    ledger.done_before = True
    handler = Handler()
    await step(drawing_on(a_pouch(START)), handler)
    await step(drawing_on(a_pouch(START)), handler)
    assert len(ledger.asked) == 1
    assert len(handler.seen) == 2


async def test_without_the_store_nobody_goes_on_and_the_next_request_tries_again(
    step: BudgetReset, ledger: RollOvers
) -> None:
    handler = Handler()
    ledger.broken = True
    refused = await asyncio.gather(
        *(step(drawing_on(a_pouch(START)), handler) for _ in range(3)), return_exceptions=True
    )
    assert [type(error) for error in refused] == [StoreUnavailableError] * 3
    assert handler.seen == []
    assert len(ledger.asked) == 1
    ledger.broken = False
    await step(drawing_on(a_pouch(START)), handler)
    assert len(ledger.asked) == 2
    assert len(handler.seen) == 1


async def test_a_failure_that_nobody_waits_for_any_more_is_not_reported_as_lost(
    step: BudgetReset, ledger: RollOvers
) -> None:
    lost: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
    ledger.open.clear()
    ledger.broken = True
    call = asyncio.create_task(step(drawing_on(a_pouch(START)), Handler()))
    await ledger.entered.wait()
    (pending,) = step._under_way.values()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    ledger.open.set()
    await asyncio.wait([pending])
    del pending
    await step_until_idle(step)
    assert lost == []


async def test_memory_of_what_was_rolled_over_is_bounded(
    step: BudgetReset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_reset, "REMEMBERED_MAX", 3)
    for number in range(10):
        await step(drawing_on(a_pouch(START, pouch_id=f"pouch-{number}")), Handler())
    await step_until_idle(step)
    assert list(step._rolled) == ["pouch-7", "pouch-8", "pouch-9"]
    assert step._under_way == {}


async def step_until_idle(step: BudgetReset) -> None:
    """Let the callbacks of what has ended run."""
    for _ in range(10):
        await asyncio.sleep(0)
        if not step._under_way:
            return
