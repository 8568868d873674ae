"""Promise 1: no usage within a bound costs more than the bound; and the bound turned around."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.money import NANOS_PER_USD, Money
from pouch.domain.pricing import Price, Rates
from pouch.domain.usage import Usage
from tests.fakes.prices import prices, usages

MILLION = 1_000_000


@given(
    price=prices(),
    asked=st.sampled_from([None, "auto", "default", "priority", "flex", "batch"]),
    used=st.sampled_from([None, "default", "asked", "nonsense"]),
    usage=usages(),
    more_input=st.integers(0, 1000),
    more_output=st.integers(0, 1000),
)
def test_no_usage_within_a_bound_costs_more_than_the_bound(
    price: Price,
    asked: str | None,
    used: str | None,
    usage: Usage,
    more_input: int,
    more_output: int,
) -> None:
    asked_price = price.for_service_tier(asked)
    if asked_price is None:
        return
    bound = asked_price.bound(
        input_tokens=usage.input_tokens + more_input,
        output_tokens=usage.output_tokens + more_output,
        any_kind=True,
    )
    reported = replace(usage, service_tier=asked if used == "asked" else used)
    assert asked_price.cost(reported) <= bound


@given(prices(), usages(any_kind=False))
def test_a_bound_for_text_covers_every_usage_of_text(price: Price, usage: Usage) -> None:
    bound = price.bound(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, any_kind=False
    )
    assert price.cost(usage) <= bound


@given(prices(), usages(), st.sampled_from(["priority", "flex"]))
def test_a_provider_that_chooses_the_tier_stays_within_the_bound(
    price: Price, usage: Usage, used: str
) -> None:
    bound = price.bound(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, any_kind=True
    )
    assert price.cost(replace(usage, service_tier=used)) <= bound


@given(prices(), usages(), st.integers(0, 10), st.integers(0, 10))
def test_more_tokens_never_have_a_lower_bound(
    price: Price, usage: Usage, more_input: int, more_output: int
) -> None:
    tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    more = {
        "input_tokens": usage.input_tokens + more_input,
        "output_tokens": usage.output_tokens + more_output,
    }
    assert price.bound(**tokens, any_kind=True) <= price.bound(**more, any_kind=True)


@given(prices(), st.integers(0, 400_000), st.integers(0, 100 * NANOS_PER_USD), st.booleans())
def test_the_largest_output_fits_and_one_token_more_does_not(
    price: Price, input_tokens: int, nanos: int, any_kind: bool
) -> None:
    money = Money(nanos)
    largest = price.largest_output(money, input_tokens=input_tokens, any_kind=any_kind)

    def fits(output_tokens: int) -> bool:
        bound = price.bound(
            input_tokens=input_tokens, output_tokens=output_tokens, any_kind=any_kind
        )
        return bound <= money

    if largest is None:
        assert fits(10**12)
    elif largest < 0:
        assert not fits(0)
    else:
        assert fits(largest)
        assert not fits(largest + 1)


def test_without_an_output_rate_any_number_fits_as_long_as_the_input_does() -> None:
    embedding = Price(Rates(input=MILLION, output=0), "any")
    assert embedding.largest_output(Money(10), input_tokens=10, any_kind=False) is None
    assert embedding.largest_output(Money(9), input_tokens=10, any_kind=False) == -1


def test_an_input_that_fits_exactly_leaves_no_output() -> None:
    price = Price(Rates(input=2 * MILLION, output=2 * MILLION), "any")
    assert price.largest_output(Money(20), input_tokens=10, any_kind=False) == 0
    assert price.largest_output(Money(19), input_tokens=10, any_kind=False) == -1
