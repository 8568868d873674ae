"""How other gateways are known to lose their operators' money, and what this one does instead.

Some of these behaviours have their test elsewhere, under a name that says it:

- checks and charges that race, in one process or several, and counters per worker:
  ``test_money_under_faults.test_eight_race_for_room_for_four``
- a hang-up in mid-stream, or before any chunk, that is refunded or only estimated; upstream read on
  for nobody: ``test_a_hang_up_closes_upstream_at_once_and_charges_what_was_relayed``,
  ``test_a_hang_up_before_the_answer_is_charged_by_the_answer``
- usage that waits in memory to be written, and is lost at a crash or a shutdown:
  ``test_crash_loop``, ``test_sigterm_lets_ten_streams_finish_and_settles_them_all``
- unpriced models served for nothing: ``test_usage_tracking``
- excess that no budget has room for, dropped in silence:
  ``test_a_provider_that_bills_above_its_bound_is_booked_in_full``
- a rate limit that is rebuilt for every request: ``tests/middlewares/test_rate_limit.py``
- administration without authentication: ``tests/api/admin/test_auth.py``
- money in floating point: ``tests/domain/test_money.py``; months of thirty days:
  ``tests/domain/test_period.py``; no prices of its own: ``tests/infra/prices``
- fields and tools that make a provider charge for more than tokens: ``test_usage_tracking``
"""

import asyncio
import json

import pytest

from pouch.domain.money import Money
from pouch.service.key_terms import BudgetChange, NewBudgetPouch
from tests.simulation.desk import Desk, Play
from tests.simulation.gateway import price_of
from tests.simulation.provider import Behaviour

PLENTY = 1_000_000_000
BILL = price_of("cheap", 10, 12)
# What the desk's one message comes to by OpenAI's formula.
COUNTED = 12


def chunk(index: int, **delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": index, "delta": delta}]}).encode()


def test_the_output_is_reserved_too_at_its_own_rate_and_for_every_choice(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(price_of("dear", 700, 200))
        refused = await desk.ask(key, model="dear", max_tokens=200, n=2)
        assert refused.outcome == "402 budget_exceeded"
        assert desk.calls == []
        assert (await desk.ask(key, model="dear", max_tokens=100, n=2)).status == 200
        assert desk.open_when_called[0] >= price_of("dear", 10, 200)

    play(story)


def test_tool_schemas_are_part_of_what_is_reserved(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        await desk.ask(key, max_tokens=10)
        described = {"name": "look", "description": "word " * 500, "parameters": {}}
        await desk.ask(key, max_tokens=10, tools=[{"type": "function", "function": described}])
        without, with_tools = desk.open_when_called
        assert with_tools - without >= price_of("cheap", 500, 0)

    play(story)


def test_who_names_no_limit_is_bounded_upstream_by_what_was_reserved(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        await desk.ask(key)
        assert desk.calls[0]["max_tokens"] == 400
        assert desk.open_when_called[0] >= price_of("cheap", 10, 400)

    play(story)


def test_an_estimate_that_does_not_fit_is_lowered_together_with_the_output_limit(
    play: Play,
) -> None:
    async def story(desk: Desk) -> None:
        limit = price_of("cheap", 20, 50)
        key = await desk.key(limit)
        answered = await desk.ask(key)
        sent = desk.calls[0]["max_tokens"]
        assert sent == int(answered.received_headers["x-pouch-max-output-tokens"]) < 400
        assert desk.open_when_called[0] <= limit
        assert price_of("cheap", COUNTED, sent) <= limit

    play(story)


def test_a_key_without_a_limit_is_reserved_for_all_the_same(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(None)
        await desk.ask(key)
        assert desk.open_when_called[0] >= price_of("cheap", 10, 400)
        [logged] = await desk.settled()
        assert (await desk.pouch(key)).spent == Money(logged.cost) == Money(BILL)

    play(story)


def test_a_limit_of_zero_is_zero_and_not_unlimited(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(0)
        assert (await desk.ask(key)).outcome == "402 budget_exceeded"
        assert (await desk.ask(key, model="free")).status == 200
        assert [call["model"] for call in desk.calls] == ["free"]

    play(story)


def test_a_budget_over_all_keys_holds_for_those_without_one(play: Play) -> None:
    async def story(desk: Desk) -> None:
        team = await desk.life.gateway.keys.pouches.create(
            NewBudgetPouch("team", BudgetChange(limit=Money(price_of("cheap", COUNTED, 20))))
        )
        keys = [await desk.key(None, parent_id=team.id) for _ in range(2)]
        first, second = await asyncio.gather(*(desk.ask(k, max_tokens=20) for k in keys))
        assert sorted([first.outcome, second.outcome]) == ["200, whole", "402 budget_exceeded"]

    play(story)


def test_keys_that_are_given_no_pouch_do_not_share_one(play: Play) -> None:
    async def story(desk: Desk) -> None:
        limit = price_of("cheap", COUNTED, 20)
        one, other = await desk.key(limit), await desk.key(limit)
        answers = await asyncio.gather(*(desk.ask(key, max_tokens=20) for key in (one, other)))
        assert [answer.status for answer in answers] == [200, 200]

    play(story)


def test_a_picture_is_reserved_for_and_answered(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        picture = {"type": "image_url", "image_url": {"url": "https://127.0.0.1/cat.png"}}
        parts = [{"type": "text", "text": "What is this?"}, picture]
        answered = await desk.ask(key, messages=[{"role": "user", "content": parts}])
        assert answered.status == 200
        [logged] = await desk.settled()
        assert (logged.evidence, logged.cost) == ("provider_usage", BILL)
        assert desk.open_when_called[0] > price_of("cheap", 80, 400)

    play(story)


def test_usage_is_asked_for_even_if_the_client_asked_for_none(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        answered = await desk.ask(key, stream=True, stream_options={"include_usage": False})
        assert desk.calls[0]["stream_options"]["include_usage"] is True
        assert b"usage" not in answered.received
        [logged] = await desk.settled()
        assert (logged.evidence, logged.cost) == ("provider_usage", BILL)

    play(story)


def test_a_stream_without_usage_is_charged_for_its_input_and_its_output(play: Play) -> None:
    async def story(desk: Desk) -> None:
        await desk.ask(await desk.key(PLENTY), Behaviour.NO_USAGE, stream=True)
        [logged] = await desk.settled()
        assert (logged.evidence, logged.input_tokens) == ("counted", COUNTED)
        assert logged.output_tokens is not None
        assert logged.output_tokens >= 12
        assert logged.cost == price_of("cheap", COUNTED, logged.output_tokens)

    play(story)


@pytest.mark.parametrize("behaviour", [Behaviour.NO_USAGE, Behaviour.NONSENSE_USAGE])
def test_a_whole_answer_without_usage_is_not_free(play: Play, behaviour: Behaviour) -> None:
    async def story(desk: Desk) -> None:
        await desk.ask(await desk.key(PLENTY), behaviour)
        [logged] = await desk.settled()
        assert logged.evidence == "counted"
        assert logged.cost > price_of("cheap", COUNTED, 0)

    play(story)


@pytest.mark.parametrize(
    "events",
    [
        [chunk(0, content="one two three"), chunk(1, content="four five six")],
        [chunk(0, reasoning_content="one two three"), chunk(0, content="four five six")],
        [
            chunk(
                0,
                tool_calls=[{"index": 0, "function": {"arguments": "one two three four five six"}}],
            )
        ],
    ],
    ids=["other choices", "reasoning", "tool calls"],
)
def test_what_is_counted_is_all_that_was_said(play: Play, events: list[bytes]) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        said = tuple(event + b"\n\n" for event in events)
        await desk.ask(key, answer={"stream": said}, stream=True, n=2)
        [logged] = await desk.settled()
        assert logged.evidence == "counted"
        assert logged.output_tokens is not None
        assert logged.output_tokens >= 6

    play(story)


def test_usage_in_a_last_line_without_its_newline_is_read(play: Play) -> None:
    async def story(desk: Desk) -> None:
        usage = {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 12}}
        last = b"data: " + json.dumps(usage).encode()
        stream = (chunk(0, content="one") + b"\n\n", last)
        await desk.ask(await desk.key(PLENTY), answer={"stream": stream}, stream=True)
        [logged] = await desk.settled()
        assert (logged.evidence, logged.cost) == ("provider_usage", BILL)

    play(story)


def test_what_is_billed_is_the_providers_count_with_its_own_rate_for_cached_input(
    play: Play,
) -> None:
    async def story(desk: Desk) -> None:
        usage = {
            "prompt_tokens": 10,
            "completion_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 6},
        }
        answer = json.dumps({"choices": [], "usage": usage}).encode()
        await desk.ask(await desk.key(PLENTY), answer={"whole": answer})
        [logged] = await desk.settled()
        assert logged.cost == BILL - 6 * 75

    play(story)


def test_one_token_each_way_costs_its_nano_dollars(play: Play) -> None:
    async def story(desk: Desk) -> None:
        key = await desk.key(PLENTY)
        await desk.ask(key, answer={"words": 1, "input_tokens": 1})
        [logged] = await desk.settled()
        assert logged.cost == 750
        assert (await desk.pouch(key)).spent == Money(750)

    play(story)
