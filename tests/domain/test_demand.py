from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.demand import Demand
from pouch.domain.money import Money
from tests.fakes.chat import a_body
from tests.fakes.prices import prices

demands = st.builds(
    Demand,
    price=prices(),
    body=st.builds(
        lambda choices, prediction: replace(a_body(), choices=choices, prediction_bytes=prediction),
        st.integers(1, 8),
        st.integers(0, 100),
    ),
    input_tokens=st.integers(0, 100_000),
)


@given(demands, st.integers(0, 10**12))
def test_what_money_covers_costs_no_more_and_one_token_more_does(
    demand: Demand, nanos: int
) -> None:
    money = Money(nanos)
    largest = demand.output_within(money)
    if largest is None:
        assert demand.cost(10**6) <= money
        return
    if largest:
        assert demand.cost(largest) <= money
    assert demand.cost(largest + 1) > money


@given(demands, st.integers(0, 10**6))
def test_more_output_never_costs_less(demand: Demand, output: int) -> None:
    assert demand.cost(output + 1) >= demand.cost(output)
