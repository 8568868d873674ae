"""What faults cost the operators of other gateways, and do not cost here.

The list that ``test_what_peers_lose`` begins: failures of the provider, the client, the store, the
process and the clock.
"""

import asyncio

import pytest

from pouch.domain.money import Money
from pouch.service.key_terms import BudgetChange, PouchChange
from tests.simulation.desk import Desk, Play
from tests.simulation.gateway import price_of
from tests.simulation.provider import Behaviour
from tests.simulation.store import Fault

PLENTY = 1_000_000_000
BILL = price_of("cheap", 10, 12)
# What the desk's one message comes to by OpenAI's formula.
COUNTED = 12


@pytest.mark.parametrize("behaviour", [Behaviour.CUT, Behaviour.STALL])
def test_a_stream_that_the_provider_broke_off_is_charged_for_what_came(
    play: Play, behaviour: Behaviour
) -> None:
    async def story(desk: Desk) -> None:
        await desk.ask(await desk.key(PLENTY), behaviour, stream=True)
        [logged] = await desk.settled()
        assert logged.evidence == "counted"
        assert price_of("cheap", COUNTED, 5) < logged.cost < price_of("cheap", COUNTED, 12)

    play(story)


@pytest.mark.parametrize("behaviour", [Behaviour.REFUSE, Behaviour.UNREACHABLE])
def test_what_the_provider_refused_or_never_got_costs_nothing_and_holds_nothing(
    play: Play, behaviour: Behaviour
) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        for _ in range(3):
            await desk.ask(key, behaviour)
        assert [logged.cost for logged in await desk.settled()] == [0, 0, 0]
        pouch = await desk.pouch(key)
        assert (pouch.spent, pouch.reserved) == (Money(0), Money(0))

    play(story)


@pytest.mark.parametrize("after_s", [0.0, 0.0015, 0.0025, 0.05])
def test_a_cancelled_request_holds_nothing_wherever_it_was(play: Play, after_s: float) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        _, serving = desk.send(key)
        await desk.hang_up(serving, after_s=after_s)
        logged = await desk.settled()
        assert sum(entry.cost for entry in logged) == BILL * len(desk.calls)
        assert (await desk.pouch(key)).reserved == Money(0)

    play(story)


def test_a_hang_up_while_the_last_event_is_under_way_is_settled_once_by_its_usage(
    play: Play,
) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        # The head, twelve words and the usage, a tenth of a second each; then the mark of the end.
        _, serving = desk.send(key, stream=True)
        await desk.hang_up(serving, after_s=1.45)
        [logged] = await desk.settled()
        assert (logged.evidence, logged.cost) == ("provider_usage", BILL)

    play(story)


def test_a_store_that_fails_lets_nothing_through(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        desk.life.connection.fault = Fault.COMMITS
        assert (await desk.ask(key)).outcome == "503 store_unavailable"
        assert desk.calls == []
        desk.life.connection.fault = None
        assert (await desk.ask(key)).status == 200

    play(story)


def test_a_settlement_that_the_store_did_not_take_is_made_later(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        _, serving = desk.send(key)
        await asyncio.sleep(0.05)
        desk.life.connection.fault = Fault.EVERYTHING
        await serving
        await asyncio.sleep(60)
        desk.life.connection.fault = None
        [logged] = await desk.settled()
        assert (logged.evidence, logged.cost) == ("provider_usage", BILL)

    play(story)


def test_what_a_crash_leaves_is_charged_and_does_not_shrink_the_budget_for_ever(
    play: Play,
) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        desk.send(key, max_tokens=100)
        await asyncio.sleep(0.05)
        await desk.restart()
        [logged] = await desk.settled()
        assert (logged.evidence, logged.cost) == ("held_full", logged.reserved)
        pouch = await desk.pouch(key)
        assert (pouch.spent, pouch.reserved) == (Money(logged.cost), Money(0))
        assert await desk.life.store.ledger.reset(key.pouch_id, reason="refund")
        assert (await desk.pouch(key)).spent == Money(0)

    play(story)


def test_a_period_that_ends_while_a_request_is_under_way_gives_no_credit(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY, every=60)
        await desk.ask(key)
        _, serving = desk.send(key, answer={"pause_s": 5})
        await asyncio.sleep(0.05)
        desk.clock.leap(60)
        await desk.ask(key, model="free")
        assert (await desk.pouch(key)).spent == Money(0)
        assert (await desk.pouch(key)).reserved > Money(0)
        await serving
        await desk.settled()
        assert (await desk.pouch(key)).spent == Money(BILL)

    play(story)


def test_a_changed_limit_forgets_nothing_that_was_spent(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        await desk.ask(key)
        await desk.settled()
        await _limit(desk, key.pouch_id, BILL)
        assert (await desk.pouch(key)).spent == Money(BILL)
        assert (await desk.ask(key, max_tokens=1)).outcome == "402 budget_exceeded"

    play(story)


def test_a_budget_that_was_used_up_is_not_the_end_of_its_key(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(price_of("cheap", COUNTED, 20))
        assert (await desk.ask(key, max_tokens=20)).status == 200
        await desk.settled()
        assert (await desk.ask(key, max_tokens=20)).outcome == "402 budget_exceeded"
        await _limit(desk, key.pouch_id, PLENTY)
        assert (await desk.ask(key, max_tokens=20)).status == 200

    play(story)


async def _limit(desk: Desk, pouch_id: str, limit: int) -> None:
    change = PouchChange(budget=BudgetChange(limit=Money(limit)))
    await desk.life.gateway.keys.pouches.change(pouch_id, change)


@pytest.mark.parametrize("set_back_s", [3600.0, 7 * 86_400.0])
def test_a_clock_that_is_set_back_gives_no_budget_twice(play: Play, set_back_s: float) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY, every=1800)
        desk.clock.leap(1801)
        await desk.ask(key)
        await desk.settled()
        desk.clock.leap(-set_back_s)
        await desk.ask(key)
        desk.clock.leap(set_back_s)
        await desk.ask(key)
        assert [entry.cost for entry in await desk.settled()] == [BILL] * 3
        assert (await desk.pouch(key)).spent == Money(3 * BILL)

    play(story)
