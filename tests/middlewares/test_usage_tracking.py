"""``usage_tracking``, with a ledger of one pouch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pouch.domain.chat import ChatBody, Media
from pouch.domain.errors import (
    BudgetExceededError,
    CostCeilingError,
    InvalidRequestError,
    ModelNotPricedError,
    Shortfall,
)
from pouch.domain.key import Key
from pouch.domain.ledger import Hold, Reservation
from pouch.domain.money import Money
from pouch.domain.pipeline import Request, Response, Route
from pouch.domain.pouch import PouchTerms
from pouch.domain.pricing import Price, Rates
from pouch.middlewares.usage_tracking import Config, UsageTracking
from tests.fakes.chat import Handler, a_body, a_key, a_request, ports

# One nano-dollar a token in, ten out.
RATES = Rates(input=1_000_000, output=10_000_000)
PRICE = Price(RATES, source="test", max_output_tokens=100, encoding="o200k_base")
# What the text counts as; its bytes bound it by more.
COUNTED = 20


class Purse:
    """Grants what fits ``room``, and remembers what was asked of it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.holds: list[Hold] = []

    async def reserve(self, hold: Hold) -> Reservation:
        self.holds.append(hold)
        granted = min(hold.most.nanos, self.room)
        if granted < hold.least.nanos:
            raise BudgetExceededError(
                Shortfall(
                    pouch_id="pch-1",
                    pouch_name="app",
                    limit=Money(self.room),
                    spent=Money(0),
                    reserved=Money(0),
                    required=hold.least,
                    resets_at=None,
                )
            )
        self.room -= granted
        return Reservation(hold.id, hold.pouch_id, Money(granted), Money(self.room))


class Counter:
    def __init__(self) -> None:
        self.counts = 0

    def input_bound(self, body: ChatBody, *, model: str, context_window: int | None) -> int:
        return body.size_bytes

    async def input_tokens(
        self, body: ChatBody, *, model: str, encoding: str, context_window: int | None
    ) -> int:
        self.counts += 1
        assert encoding == "o200k_base"
        return COUNTED

    async def text_tokens(self, text: str, *, encoding: str) -> int:
        raise NotImplementedError

    async def exact_tokens(self, texts: Sequence[str], *, encoding: str) -> Sequence[int] | None:
        raise NotImplementedError


class Desk:
    """The step before a handler that remembers what reached it."""

    def __init__(self, room: int, **config: Any) -> None:
        self.purse = Purse(room)
        self.counter = Counter()
        self.handler = Handler()
        self._step = UsageTracking(
            Config(**config),
            ports(ledger=self.purse, tokens=self.counter),
        )

    async def ask(
        self, price: Price | None = PRICE, body: ChatBody | None = None, **fields: Any
    ) -> Response:
        return await self.pass_on(a_paid_request(price, body or a_body(**fields)))

    async def pass_on(self, request: Request) -> Response:
        return await self._step(request, self.handler)

    @property
    def passed(self) -> Request:
        [request] = self.handler.seen
        return request


def key_with_pouch() -> Key:
    return a_key(pouches=(PouchTerms("pch-1", "app", None, None, None),))


def a_paid_request(price: Price | None, body: ChatBody) -> Request:
    return a_request(
        key=key_with_pouch(), body=body, route=Route("gpt", "openai", "gpt-4o-mini", price=price)
    )


def headers_of(response: Response) -> Mapping[str, str]:
    return dict(response.headers)


async def test_the_most_that_it_can_cost_is_reserved_before_it_goes_on() -> None:
    desk = Desk(10_000)
    response = await desk.ask(max_tokens=50)
    [hold] = desk.purse.holds
    size = desk.passed.body.size_bytes
    assert hold.least == hold.most == Money(size + 50 * 10)
    assert desk.passed.meter.reservation is not None
    assert desk.passed.meter.reservation.amount == hold.most
    assert desk.passed.output_bound == 50
    assert headers_of(response)["x-pouch-reserved"] == str(hold.most)
    assert desk.counter.counts == 0


async def test_without_a_limit_the_models_maximum_is_the_bound() -> None:
    desk = Desk(10_000)
    await desk.ask()
    assert desk.passed.output_bound == 100


async def test_without_any_limit_the_steps_own_is_the_bound() -> None:
    desk = Desk(10_000, max_output_tokens=33)
    await desk.ask(replace(PRICE, max_output_tokens=None))
    assert desk.passed.output_bound == 33


async def test_every_choice_is_reserved() -> None:
    desk = Desk(10_000)
    await desk.ask(max_tokens=50, n=3)
    assert desk.purse.holds[0].most == Money(desk.passed.body.size_bytes + 3 * 50 * 10)


async def test_text_is_counted_only_if_its_size_does_not_fit() -> None:
    desk = Desk(COUNTED + 100 * 10)
    response = await desk.ask()
    assert desk.counter.counts == 1
    assert desk.passed.output_bound == 100
    assert "x-pouch-max-output-tokens" not in headers_of(response)


async def test_an_output_that_the_client_left_open_shrinks_to_what_fits() -> None:
    desk = Desk(COUNTED + 37 * 10 + 9)
    response = await desk.ask()
    assert desk.passed.output_bound == 37
    assert headers_of(response)["x-pouch-max-output-tokens"] == "37"


async def test_it_does_not_shrink_below_the_least_that_is_worth_having() -> None:
    desk = Desk(COUNTED + 15 * 10, min_output_tokens=16)
    with pytest.raises(BudgetExceededError) as refusal:
        await desk.ask()
    assert refusal.value.shortfall.largest_max_output_tokens == 15
    assert not desk.handler.seen


async def test_an_output_limit_that_the_client_named_is_honoured_or_refused() -> None:
    desk = Desk(COUNTED + 37 * 10)
    with pytest.raises(BudgetExceededError) as refusal:
        await desk.ask(max_tokens=38)
    assert refusal.value.shortfall.largest_max_output_tokens == 37
    await desk.ask(max_tokens=37)
    assert desk.passed.output_bound == 37


@pytest.mark.parametrize(("room", "n", "largest"), [(0, 1, 0), (COUNTED + 70, 2, 3)])
async def test_a_refusal_says_what_would_have_fitted(room: int, n: int, largest: int) -> None:
    desk = Desk(room)
    with pytest.raises(BudgetExceededError) as refusal:
        await desk.ask(max_tokens=50, n=n)
    assert refusal.value.shortfall.largest_max_output_tokens == largest


async def test_a_free_model_never_touches_a_budget() -> None:
    desk = Desk(0)
    await desk.ask(Price(Rates(input=0, output=0), source="test"))
    assert not desk.purse.holds
    assert desk.passed.output_bound is None


async def test_a_model_without_a_price_is_refused_with_the_lines_that_price_it() -> None:
    desk = Desk(10_000)
    with pytest.raises(ModelNotPricedError, match='openai:\n      "gpt-4o-mini"'):
        await desk.ask(None)
    assert not desk.handler.seen


async def test_a_service_tier_without_a_price_is_refused() -> None:
    desk = Desk(10_000)
    with pytest.raises(ModelNotPricedError, match="priority"):
        await desk.ask(body=replace(a_body(), service_tier="priority"))


async def test_a_dearer_service_tier_is_reserved_at_its_own_price() -> None:
    dear = Price(Rates(input=2_000_000, output=20_000_000), source="test")
    desk = Desk(10_000)
    await desk.ask(
        replace(PRICE, service_tiers={"priority": dear}),
        body=replace(a_body(max_tokens=50), service_tier="priority"),
    )
    assert desk.purse.holds[0].most == Money(2 * desk.passed.body.size_bytes + 50 * 20)


@pytest.mark.parametrize("field", ["web_search_options", "models", "route", "plugins", "speed"])
async def test_a_field_that_costs_more_than_tokens_is_refused_by_name(field: str) -> None:
    desk = Desk(10_000)
    fields: Any = {field: {}}
    with pytest.raises(InvalidRequestError) as refusal:
        await desk.ask(body=a_body(**fields))
    assert refusal.value.param == field
    assert not desk.purse.holds


async def test_audio_and_images_are_reserved_at_the_dearest_rate_they_can_have() -> None:
    price = replace(PRICE, rates=replace(RATES, audio_input=5_000_000))
    desk = Desk(100_000)
    await desk.ask(price, body=replace(a_body(max_tokens=1), media=Media(has_audio=True)))
    assert desk.purse.holds[0].most == Money(5 * desk.passed.body.size_bytes + 10)


async def ask_with_ceiling(desk: Desk, ceiling: int, **fields: Any) -> Response:
    request = replace(a_paid_request(PRICE, a_body(**fields)), max_cost=Money(ceiling))
    return await desk.pass_on(request)


async def test_a_ceiling_that_is_not_reached_changes_nothing() -> None:
    desk = Desk(100_000)
    response = await ask_with_ceiling(desk, 10_000)
    assert desk.passed.output_bound == 100
    assert desk.counter.counts == 0
    assert "x-pouch-max-output-tokens" not in headers_of(response)


@pytest.mark.parametrize("fields", [{}, {"max_tokens": 90}])
async def test_a_ceiling_lowers_the_output_bound(fields: dict[str, Any]) -> None:
    desk = Desk(100_000)
    response = await ask_with_ceiling(desk, COUNTED + 37 * 10, **fields)
    assert desk.passed.output_bound == 37
    assert headers_of(response)["x-pouch-max-output-tokens"] == "37"
    assert desk.purse.holds[0].most == Money(COUNTED + 37 * 10)


@pytest.mark.parametrize("ceiling", [0, COUNTED, COUNTED + 15 * 10])
async def test_a_ceiling_that_leaves_too_little_refuses(ceiling: int) -> None:
    desk = Desk(100_000)
    with pytest.raises(CostCeilingError) as refusal:
        await ask_with_ceiling(desk, ceiling)
    assert refusal.value.required == Money(COUNTED + 16 * 10)
    assert refusal.value.largest_max_output_tokens == max(ceiling - COUNTED, 0) // 10
    assert not desk.purse.holds


async def test_a_ceiling_and_a_tight_budget_both_hold() -> None:
    desk = Desk(COUNTED + 20 * 10)
    await ask_with_ceiling(desk, COUNTED + 37 * 10)
    assert desk.passed.output_bound == 20


async def test_a_prediction_is_reserved_as_output_on_top() -> None:
    desk = Desk(100_000)
    await desk.ask(body=replace(a_body(max_tokens=1), prediction_bytes=40))
    assert desk.purse.holds[0].most == Money(desk.passed.body.size_bytes + 41 * 10)
