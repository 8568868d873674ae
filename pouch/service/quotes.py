"""What a request would cost and whether it would be admitted now: the chain, run dry.

The same steps, with the same configuration, pass the request; only nothing is reserved, and at
the chain's end nothing is sent. Steps that act on what they see (a breaker) or answer by
themselves take no part.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pouch.domain.errors import (
    BudgetExceededError,
    InvalidRequestError,
    NotFoundError,
    PouchError,
    Shortfall,
)
from pouch.domain.ledger import Hold, Ledger, Reservation
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Handler, Request, Response
from pouch.domain.ports import KeyStore, TokenCounter
from pouch.domain.pouch import Pouch
from pouch.domain.reports import Reports, RequestFilter
from pouch.domain.usage import Usage
from pouch.service.verdicts import encoding_to_count

# How many of the key's latest requests to the model tell how much it usually answers.
HISTORY: Final = 50


@dataclass(frozen=True, slots=True)
class Quote:
    """``most`` is what would be reserved, ``likely`` what such requests came to lately (``None``
    where there were none). ``refusal`` is why it would not be admitted now. ``pouch`` is the one
    that binds: of those with a limit, the one with the least left.
    """

    request: Request
    input_tokens: int
    most: Money
    likely: Money | None
    refusal: PouchError | None
    pouch: Pouch | None


class DryLedger:
    """Answers a reservation from the balances, and sets nothing aside."""

    def __init__(self, ledger: Ledger, keys: KeyStore) -> None:
        self._ledger = ledger
        self._keys = keys

    async def reserve(self, hold: Hold) -> Reservation:
        """What ``Ledger.reserve`` would answer at this moment."""
        tightest = await self.tightest(hold.facts.key_id)
        room = tightest.remaining if tightest else None
        amount = hold.most if room is None else min(hold.most, room)
        if amount < hold.least:
            assert tightest is not None
            assert tightest.limit is not None
            raise BudgetExceededError(
                Shortfall(
                    pouch_id=tightest.id,
                    pouch_name=tightest.name,
                    limit=tightest.limit,
                    spent=tightest.spent,
                    reserved=tightest.reserved,
                    required=hold.least,
                    resets_at=tightest.resets_at,
                )
            )
        return Reservation(hold.id, hold.pouch_id, amount, None if room is None else room - amount)

    async def roll_over(self, pouch_id: str, *, due: datetime, next_reset: datetime) -> bool:
        """Begin a period that is due: that is so whether anyone asks for a quote or not."""
        return await self._ledger.roll_over(pouch_id, due=due, next_reset=next_reset)

    async def tightest(self, key_id: str) -> Pouch | None:
        """Of the key's pouches that have a limit the one with the least left; ``None`` without.

        Raises:
            NotFoundError: the key was revoked meanwhile.
        """
        stored = await self._keys.get(key_id)
        if stored is None:
            raise NotFoundError(f"There is no key {key_id!r}.")
        limited = [pouch for pouch in stored.pouches if pouch.limit is not None]
        return min(limited, key=lambda pouch: (pouch.remaining or ZERO).nanos, default=None)


class _Passed(Response):
    """What the end of a dry chain answers: the request as it would have been sent."""

    def __init__(self, request: Request) -> None:
        super().__init__(200, [], b"")
        self.request = request


async def end_of_chain(request: Request) -> Response:
    """Stands where a provider would be asked."""
    return _Passed(request)


class Quotes:
    """Quotes requests. ``chain`` ends in ``end_of_chain`` and reserves in ``ledger``."""

    def __init__(
        self, chain: Handler, ledger: DryLedger, reports: Reports, tokens: TokenCounter
    ) -> None:
        self._chain = chain
        self._ledger = ledger
        self._reports = reports
        self._tokens = tokens

    async def quote(self, request: Request) -> Quote:
        """What ``request`` would cost.

        Raises:
            InvalidRequestError: it is no request that could be sent.
        """
        refusal: PouchError | None = None
        passed = request
        try:
            response = await self._chain(request)
            if isinstance(response, _Passed):
                passed = response.request
        except InvalidRequestError:
            raise
        except PouchError as error:
            refusal = error
        reservation = passed.meter.reservation
        input_tokens = await self._input_tokens(request)
        return Quote(
            request=passed,
            input_tokens=input_tokens,
            most=reservation.amount if reservation else ZERO,
            likely=await self._likely(passed, input_tokens),
            refusal=refusal,
            pouch=await self._ledger.tightest(request.key.id),
        )

    async def _input_tokens(self, request: Request) -> int:
        price = request.price
        return await self._tokens.input_tokens(
            request.body,
            model=request.route.model,
            encoding=encoding_to_count(price) if price else "o200k_base",
            context_window=price.context_window if price else None,
        )

    async def _likely(self, request: Request, input_tokens: int) -> Money | None:
        """The cost with the mean output of the key's latest requests to this model."""
        price = request.price
        if price is None or price.is_free:
            return ZERO if price else None
        wanted = RequestFilter(key_id=request.key.id, model=request.route.alias)
        page = await self._reports.requests(wanted, cursor=None, limit=HISTORY)
        outputs = [logged.usage.output_tokens for logged in page.items if logged.usage]
        if not outputs:
            return None
        output = -(-sum(outputs) // len(outputs))
        if request.output_bound is not None:
            output = min(output, request.output_bound * request.body.choices)
        return price.cost(Usage(input_tokens=input_tokens, output_tokens=output))
