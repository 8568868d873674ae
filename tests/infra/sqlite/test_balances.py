"""What may stand above a pouch's limit: what an overrun explains, and that only while it does."""

from hypothesis import given
from hypothesis import strategies as st

from pouch.infra.sqlite.balances import Balance

LIMIT = 100


def balance(*, spent: int = 0, reserved: int = 0, excess: int = 0) -> Balance:
    return Balance("app", "the app", None, LIMIT, spent, reserved, excess, None, 0)


def test_an_overrun_explains_what_it_adds_above_the_limit_and_no_more() -> None:
    pouch = balance(spent=70, reserved=20)
    pouch.settle(20, 45)
    assert (pouch.spent, pouch.reserved, pouch.excess) == (115, 0, 15)


def test_what_lowers_the_total_lowers_the_excess_with_it() -> None:
    pouch = balance(spent=70, reserved=50, excess=20)
    pouch.settle(40, 25)
    assert pouch.excess == 5
    pouch.settle(10, 0)
    assert pouch.excess == 0


@given(amount=st.integers(0, 60), share=st.integers(0, 60))
def test_what_costs_no_more_than_was_reserved_never_explains_a_total_above_the_limit(
    amount: int, share: int
) -> None:
    # As it would be if a mistake elsewhere had let too much be reserved: the CHECK has to see it.
    pouch = balance(spent=LIMIT, reserved=60)
    pouch.settle(amount, min(amount, share))
    assert pouch.excess == 0
    assert pouch.room == 0
