"""What a usage costs, by kind of token, by the size of the request, by service tier."""

from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.money import ZERO, Money
from pouch.domain.pricing import Price, Rates
from pouch.domain.usage import Usage
from tests.fakes.prices import rates

MILLION = 1_000_000
GPT_4O_MINI = Rates(input=150_000_000, cached_input=75_000_000, output=600_000_000)
# Rates by the million tokens: each number here is then what one token costs, in nano-dollars.
AUDIO = Rates(
    input=4 * MILLION,
    output=16 * MILLION,
    cached_input=1 * MILLION,
    audio_input=32 * MILLION,
    image_input=5 * MILLION,
    audio_output=64 * MILLION,
)
STANDARD = Rates(input=2 * MILLION, output=2 * MILLION)
PRIORITY = Price(Rates(input=3 * MILLION, output=3 * MILLION), "any")
FLEX = Price(Rates(input=MILLION, output=MILLION), "any")
TIERED = Price(STANDARD, "any", service_tiers={"priority": PRIORITY, "flex": FLEX})


def test_a_known_bill_of_gpt_4o_mini_comes_out_exactly() -> None:
    usage = Usage(input_tokens=1_000, cached_input_tokens=400, output_tokens=200)
    assert GPT_4O_MINI.cost(usage) == Money.usd("0.00024")


@given(rates(), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_cost_is_the_exact_sum_rounded_up_once(
    table: Rates, plain: int, cached: int, output: int
) -> None:
    usage = Usage(input_tokens=plain + cached, cached_input_tokens=cached, output_tokens=output)
    cached_rate = table.input if table.cached_input is None else table.cached_input
    exact = (
        Decimal(plain) * table.input
        + Decimal(cached) * cached_rate
        + Decimal(output) * table.output
    ) / MILLION
    assert table.cost(usage).nanos == int(exact.to_integral_value(ROUND_CEILING))


def test_less_than_a_nano_dollar_is_charged_as_one() -> None:
    assert Rates(input=1, output=0).cost(Usage(input_tokens=1)) == Money(1)
    assert Rates(input=1, output=1).cost(Usage(input_tokens=1, output_tokens=1)) == Money(1)
    assert Rates(input=1, output=1).cost(Usage()) == ZERO


@pytest.mark.parametrize(
    ("usage", "nanos"),
    [
        (Usage(input_tokens=10, cached_input_tokens=4), 6 * 4 + 4 * 1),
        (Usage(input_tokens=10, audio_input_tokens=4), 6 * 4 + 4 * 32),
        (Usage(input_tokens=10, image_input_tokens=4), 6 * 4 + 4 * 5),
        (Usage(output_tokens=10, audio_output_tokens=4), 6 * 16 + 4 * 64),
    ],
)
def test_each_kind_is_billed_at_its_own_rate_and_the_rest_as_text(usage: Usage, nanos: int) -> None:
    assert AUDIO.cost(usage) == Money(nanos)


@pytest.mark.parametrize(
    ("usage", "nanos"),
    [
        (Usage(input_tokens=10, cached_input_tokens=10, audio_input_tokens=10), 10 * 32),
        (Usage(input_tokens=10, cached_input_tokens=6, audio_input_tokens=6), 6 * 32 + 4 * 1),
        (Usage(output_tokens=10, reasoning_tokens=10, audio_output_tokens=6), 6 * 64 + 4 * 16),
    ],
)
def test_a_token_of_two_kinds_is_billed_once_at_the_dearer_rate(usage: Usage, nanos: int) -> None:
    assert AUDIO.cost(usage) == Money(nanos)


def test_cached_images_without_a_rate_of_their_own_are_cached_input() -> None:
    usage = Usage(input_tokens=1_000, cached_input_tokens=1_000, image_input_tokens=900)
    assert GPT_4O_MINI.cost(usage) == Money(75_000)


@pytest.mark.parametrize(
    ("usage", "nanos"),
    [
        (Usage(input_tokens=1, cache_write_tokens=1), 2),
        (Usage(input_tokens=1, audio_input_tokens=1), 5),
        (Usage(output_tokens=1, audio_output_tokens=1), 7),
        (Usage(output_tokens=1, reasoning_tokens=1), 3),
        (Usage(input_tokens=1, cached_input_tokens=1), 2),
    ],
)
def test_a_gap_in_the_table_never_under_bills(usage: Usage, nanos: int) -> None:
    table = Rates(input=2 * MILLION, output=3 * MILLION)
    dear = replace(table, image_input=5 * MILLION) if usage.audio_input_tokens else table
    dear = replace(dear, reasoning=7 * MILLION) if usage.audio_output_tokens else dear
    assert dear.cost(usage) == Money(nanos)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=0, cached_input_tokens=60, cache_write_tokens=40),
        Usage(input_tokens=10, audio_input_tokens=70, image_input_tokens=30),
    ],
)
def test_a_total_that_leaves_parts_out_is_mended_not_believed(usage: Usage) -> None:
    flat = Rates(input=MILLION, output=MILLION, cached_input=MILLION)
    assert flat.cost(usage) == Money(100)
    assert flat.cost(Usage(output_tokens=1, reasoning_tokens=5)) == Money(5)


def test_above_a_threshold_the_whole_request_is_billed_at_the_tier() -> None:
    price = Price(
        Rates(input=MILLION, output=MILLION),
        "any",
        tiers=((100, Rates(input=2 * MILLION, output=3 * MILLION)),),
    )
    assert price.cost(Usage(input_tokens=100, output_tokens=1)) == Money(101)
    assert price.cost(Usage(input_tokens=101, output_tokens=1)) == Money(205)


def test_a_bound_covers_the_base_rates_even_where_the_input_can_reach_a_cheaper_tier() -> None:
    cheaper = Rates(input=MILLION, output=MILLION)
    price = Price(Rates(input=5 * MILLION, output=5 * MILLION), "any", tiers=((100, cheaper),))
    assert price.bound(input_tokens=101, output_tokens=0, any_kind=False) == Money(505)


def asking(tier: str | None) -> Price:
    price = TIERED.for_service_tier(tier)
    assert price is not None
    return price


@pytest.mark.parametrize(
    ("asked", "bound"),
    [(None, 30), ("auto", 30), ("default", 20), ("priority", 30), ("flex", 20), ("batch", 20)],
)
def test_a_bound_covers_every_tier_that_the_provider_may_choose(
    asked: str | None, bound: int
) -> None:
    assert asking(asked).bound(input_tokens=10, output_tokens=0, any_kind=False) == Money(bound)


@pytest.mark.parametrize(
    ("asked", "used", "nanos"),
    [
        (None, None, 20),
        (None, "default", 20),
        (None, "priority", 30),
        ("flex", "flex", 10),
        ("flex", "default", 20),
        ("flex", None, 20),
        ("priority", "priority", 30),
        ("priority", "default", 20),
        ("priority", None, 30),
        ("priority", "no-such-tier", 30),
        ("default", "priority", 30),
        ("default", "on_demand", 20),
    ],
)
def test_the_tier_that_was_used_is_billed_and_the_dearer_one_where_it_is_not_said(
    asked: str | None, used: str | None, nanos: int
) -> None:
    assert asking(asked).cost(Usage(input_tokens=10, service_tier=used)) == Money(nanos)


def test_a_tier_without_a_price_is_refused_unless_none_could_be_dearer() -> None:
    plain = Price(STANDARD, "any")
    assert plain.for_service_tier("priority") is None
    assert plain.for_service_tier("scale") is None
    for tier in ("flex", "batch", "standard_only", "auto", None):
        found = plain.for_service_tier(tier)
        assert found is not None
        assert found.cost(Usage(input_tokens=10)) == Money(20)


def test_a_price_is_free_only_if_nothing_in_it_costs_anything() -> None:
    free = Rates(input=0, output=0)
    assert Price(free, "any").is_free
    assert not Price(replace(free, audio_output=1), "any").is_free
    assert not Price(free, "any", tiers=((10, STANDARD),)).is_free
    assert not Price(free, "any", service_tiers={"priority": PRIORITY}).is_free
