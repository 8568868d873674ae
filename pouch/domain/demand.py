"""What a request can cost, as a function of how many tokens it may be answered with."""

from pouch.domain.chat import ChatBody
from pouch.domain.money import Money
from pouch.domain.pricing import Price
from pouch.domain.value import value


@value
class Demand:
    """A request's fixed part: at most ``input_tokens`` go in, and ``body`` says what comes out."""

    price: Price
    body: ChatBody
    input_tokens: int

    def cost(self, output_tokens: int) -> Money:
        """The most that it can cost if each choice has at most ``output_tokens``."""
        body = self.body
        return self.price.bound(
            input_tokens=self.input_tokens,
            output_tokens=output_tokens * body.choices + body.prediction_bytes,
            any_kind=body.any_kind,
        )

    def output_within(self, money: Money) -> int | None:
        """The most output tokens per choice that ``money`` covers, at least 0; ``None`` if any
        number does.
        """
        body = self.body
        largest = self.price.largest_output(
            money, input_tokens=self.input_tokens, any_kind=body.any_kind
        )
        if largest is None:
            return None
        return max((largest - body.prediction_bytes) // body.choices, 0)
