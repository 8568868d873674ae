"""What a request cost, as far as that is known without counting."""

from typing import Final

from pouch.domain.ledger import Evidence, Reservation, Verdict
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Request
from pouch.domain.pricing import Price
from pouch.domain.usage import Usage

# Counts what a model without a published vocabulary said; an estimate there.
ENCODING_OTHERWISE: Final = "o200k_base"


def encoding_to_count(price: Price) -> str:
    """The vocabulary that counts what a model with this price said."""
    if price.encoding is None or price.encoding == "bytes":
        return ENCODING_OTHERWISE
    return price.encoding


def judge(request: Request) -> Verdict | None:
    """What ``request`` cost as far as is known without counting; ``None`` if it must be counted."""
    meter, price = request.meter, request.price
    if not meter.sent:
        return Verdict(Evidence.NOT_SENT, ZERO)
    if price is not None and price.is_free:
        return Verdict(Evidence.FREE, ZERO, meter.usage)
    if meter.strange or (meter.status is not None and not 200 <= meter.status < 300):  # noqa: PLR2004
        return Verdict(Evidence.REFUSED, ZERO)
    if meter.usage is not None and price is not None:
        verdict = _by_usage(price.cost(meter.usage), meter.usage, meter.reservation)
        # Usage that came before the end is a part of the cost; the rest is counted.
        if not (meter.more_followed or meter.cut) or verdict.evidence is Evidence.OVERRUN:
            return verdict
    if meter.reservation is None:
        return Verdict(Evidence.PROVIDER_USAGE, ZERO, meter.usage)
    if _can_count(request):
        return None
    return Verdict(Evidence.HELD_FULL, meter.reservation.amount)


def _by_usage(cost: Money, usage: Usage, reservation: Reservation | None) -> Verdict:
    over = reservation is not None and cost > reservation.amount
    return Verdict(Evidence.OVERRUN if over else Evidence.PROVIDER_USAGE, cost, usage)


def _can_count(request: Request) -> bool:
    """All output that is billed was relayed as text that can be counted."""
    meter = request.meter
    hidden = hides_reasoning(request) or request.body.audio_output
    answered = meter.status is not None and (meter.streamed or meter.complete)
    return answered and not hidden and not meter.uncountable


def hides_reasoning(request: Request) -> bool:
    """Some of the output that is billed may not be in the answer."""
    price = request.price
    return price is None or price.hidden_reasoning or request.body.asks_to_reason
