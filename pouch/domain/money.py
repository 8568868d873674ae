"""Money is a whole number of nano-dollars (1 USD = 1,000,000,000 nano-dollars)."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, Self

from pouch.domain.value import ordered_value

NANOS_PER_USD: Final = 1_000_000_000
# What a 64-bit column can hold, halved so that two of them can be added: about 4.6 billion USD.
NANOS_MAX: Final = 2**62
_NANO: Final = Decimal(1).scaleb(-9)


@ordered_value
class Money:
    """An exact amount of US dollars."""

    nanos: int

    @classmethod
    def usd(cls, amount: Decimal | str | int) -> Self:
        """Parse dollars.

        Raises:
            ValueError: not a number, finer than a nano-dollar, or beyond ``NANOS_MAX``.
        """
        try:
            dollars = Decimal(amount)
        except InvalidOperation as error:
            raise ValueError(f"{amount!r} is not an amount of USD") from error
        if not dollars.is_finite() or dollars.copy_abs() > NANOS_MAX // NANOS_PER_USD:
            raise ValueError(f"{amount} is not an amount of USD that can be held")
        # Arithmetic on decimals rounds to 28 digits, comparison never does; what passes both has
        # at most 19.
        whole_nanos = dollars.quantize(_NANO)
        if whole_nanos != dollars:
            raise ValueError(f"{amount} USD is finer than one nano-dollar")
        return cls(int(whole_nanos * NANOS_PER_USD))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.nanos + other.nanos)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.nanos - other.nanos)

    def __str__(self) -> str:
        """Decimal dollars, exact, with at least two decimals: ``0.0000315``, ``5.00``."""
        return _text(self.nanos)


@lru_cache(maxsize=4096)
def _text(nanos: int) -> str:
    """A request's amounts are written five times, in its headers and its line in the log."""
    if nanos < 0:
        return f"-{_text(-nanos)}"
    digits = f"{nanos:010}"
    return f"{digits[:-9]}.{digits[-9:-7]}{digits[-7:].rstrip('0')}"


ZERO: Final = Money(0)
