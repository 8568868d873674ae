"""Money is exact from text to text, and never quietly rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.money import NANOS_MAX, NANOS_PER_USD, ZERO, Money

HELD = NANOS_MAX // NANOS_PER_USD * NANOS_PER_USD


@given(st.integers(-HELD, HELD))
def test_what_is_printed_parses_to_the_same_amount(nanos: int) -> None:
    assert Money.usd(str(Money(nanos))) == Money(nanos)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("5", 5_000_000_000),
        ("0.000000001", 1),
        ("-0.15", -150_000_000),
        ("1e3", 1_000_000_000_000),
        ("0.1500000000000000000000000000000000", 150_000_000),
        ("4611686018", 4_611_686_018_000_000_000),
    ],
)
def test_dollars_become_nano_dollars(text: str, nanos: int) -> None:
    assert Money.usd(text) == Money(nanos)


@pytest.mark.parametrize(
    ("nanos", "text"),
    [(0, "0.00"), (31_500, "0.0000315"), (5_000_000_000, "5.00"), (-1, "-0.000000001")],
)
def test_an_amount_prints_exactly_with_two_decimals_at_least(nanos: int, text: str) -> None:
    assert str(Money(nanos)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "five",
        "NaN",
        "sNaN",
        "Infinity",
        "0.0000000001",
        "1e-999999999",
        "1e999999999",
        "4611686019",
        # Twenty-nine digits: decimal arithmetic in its usual context would round the last one off.
        "1.0000000000000000000000000001",
    ],
)
def test_what_cannot_be_held_exactly_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="USD"):
        Money.usd(text)


def test_the_largest_two_amounts_still_add_up_in_64_bits() -> None:
    assert (Money(NANOS_MAX - 1) + Money(NANOS_MAX)).nanos < 2**63
    assert Money(3) - Money(5) == Money(-2) < ZERO
