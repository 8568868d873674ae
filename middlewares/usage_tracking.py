"""Reserve the most that a request can cost before it goes on; refuse what cannot be bounded.

The service settles every request that leaves the chain, so this step only reserves.
"""

from contextlib import suppress
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from pouch.domain.demand import Demand
from pouch.domain.errors import (
    BudgetExceededError,
    CostCeilingError,
    InvalidRequestError,
    ModelNotPricedError,
)
from pouch.domain.ledger import Hold, Reservation
from pouch.domain.money import Money
from pouch.domain.pipeline import Handler, Ports, Request, Response
from pouch.domain.plugin import MiddlewarePlugin
from pouch.domain.price_lines import lines_to_price
from pouch.domain.pricing import Price

# Top-level fields that make a provider charge for more than this request's tokens at this model's
# rates: hosted search and documents, other models or hosts than the priced one, plugins that call
# further models, fast modes, answers that are fetched later.
UNBOUNDED_FIELDS: Final = frozenset(
    """
    web_search_options search_parameters enable_search data_sources
    models route fallbacks provider preset plugins speed deferred
    """.split()  # noqa: SIM905 - as a literal it would fill a page
)
# What runs at the client. Any other tool runs at the provider, which charges for it.
CLIENT_TOOLS: Final = ("function", "custom")


class Config(BaseModel):
    """``{use: usage_tracking, min_output_tokens: 16, max_output_tokens: 16384}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    min_output_tokens: int = Field(
        default=16,
        gt=0,
        description="Where the client names no limit, the output bound is lowered to what its "
        "budget affords, but not below this.",
    )
    max_output_tokens: int = Field(
        default=16_384,
        gt=0,
        description="The output bound where neither the client nor the price table names one.",
    )


class UsageTracking:
    """Reserves in the key's pouch, and every pouch around it, by a bound that is true."""

    def __init__(self, config: Config, ports: Ports) -> None:
        self._config = config
        self._ledger = ports.ledger
        self._tokens = ports.tokens

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        price = _price_of(request)
        if price.is_free:
            return await call_next(request)
        _refuse_unbounded(request)
        wanted = (
            request.body.output_limit or price.max_output_tokens or self._config.max_output_tokens
        )
        reservation, granted = await self._reserve(request, price, wanted)
        request.meter.reservation = reservation
        response = await call_next(request.bounded(granted))
        response.headers.append(("x-pouch-reserved", str(reservation.amount)))
        if granted < wanted:
            response.headers.append(("x-pouch-max-output-tokens", str(granted)))
        return response

    async def _reserve(
        self, request: Request, price: Price, wanted: int
    ) -> tuple[Reservation, int]:
        """The reservation, and the output tokens per choice that it covers.

        Sizes alone bound the input, and that costs nothing; the text is counted only if this
        bound does not fit. Then the output bound may shrink: to the ceiling that the caller set
        on the cost, and to what the budget affords unless the client named it.
        """
        body, model = request.body, request.route.model
        bound = self._tokens.input_bound(body, model=model, context_window=price.context_window)
        most = Demand(price, body, bound).cost(wanted)
        if request.max_cost is None or most <= request.max_cost:
            with suppress(BudgetExceededError):
                return await self._ledger.reserve(_hold(request, most, most)), wanted
        counted = await self._tokens.input_tokens(
            body,
            model=model,
            encoding=price.encoding or "bytes",
            context_window=price.context_window,
        )
        demand = Demand(price, body, min(counted, bound))
        fewest = min(self._config.min_output_tokens, wanted)
        if request.max_cost is not None:
            wanted = _within_ceiling(demand, request.max_cost, fewest=fewest, wanted=wanted)
        least = wanted if body.output_limit else fewest
        try:
            reservation = await self._ledger.reserve(
                _hold(request, demand.cost(least), demand.cost(wanted))
            )
        except BudgetExceededError as error:
            room = demand.output_within(error.shortfall.remaining)
            raise error.with_largest_output(room) from None
        granted = demand.output_within(reservation.amount)
        return reservation, wanted if granted is None else min(granted, wanted)


def _price_of(request: Request) -> Price:
    route = request.route
    if route.price is None:
        raise ModelNotPricedError(
            f"No price is known for {route.provider}/{route.model}, so nothing could bound its "
            f"cost. To price it, add to pouch.yaml:\n{lines_to_price(route.provider, route.model)}"
        )
    price = request.price
    if price is None:
        raise ModelNotPricedError(
            f"No price is known for {route.provider}/{route.model} in the service tier "
            f"{request.body.service_tier!r}; leave service_tier out to use the standard one."
        )
    return price


def _refuse_unbounded(request: Request) -> None:
    for name in request.body.fields:
        # Servers written in Go, for one, read names without regard to case.
        if name.casefold() in UNBOUNDED_FIELDS:
            raise InvalidRequestError(
                f"{name!r} can cost more than this model's tokens, which no reservation here "
                "would cover.",
                param=name,
            )
    for tool in request.body.tools:
        kind = tool.get("type", "function" if "name" in tool or "function" in tool else None)
        if kind not in CLIENT_TOOLS:
            raise InvalidRequestError(
                "A tool that runs at the provider can cost more than this model's tokens, which no "
                "reservation here would cover; tools of type 'function' and 'custom' are taken.",
                param="tools",
            )


def _within_ceiling(demand: Demand, ceiling: Money, *, fewest: int, wanted: int) -> int:
    """The output tokens per choice that the caller's ceiling on the cost leaves.

    Raises:
        CostCeilingError: fewer than ``fewest``.
    """
    room = demand.output_within(ceiling)
    if room is not None and (room < fewest or demand.cost(fewest) > ceiling):
        raise CostCeilingError(
            ceiling=ceiling, required=demand.cost(fewest), largest_max_output_tokens=room
        )
    return wanted if room is None else min(room, wanted)


def _hold(request: Request, least: Money, most: Money) -> Hold:
    return Hold(
        id=f"{request.id}.1",
        pouch_id=request.key.pouches[0].id,
        least=least,
        most=most,
        facts=request.facts,
    )


PLUGIN = MiddlewarePlugin("usage_tracking", Config, UsageTracking, reserves=True)
