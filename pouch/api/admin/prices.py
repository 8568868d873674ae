"""Route that shows what every configured model costs."""

from typing import Literal

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Listing, UsdText
from pouch.api.admin.services import AdminServices
from pouch.domain.money import Money
from pouch.domain.pipeline import Route
from pouch.domain.price_lines import lines_to_price
from pouch.domain.pricing import Price, Rates


class RatesObject(BaseModel):
    """USD per million tokens; null where the dearer rate of its side applies."""

    input: UsdText
    cached_input: UsdText | None
    cache_write: UsdText | None
    audio_input: UsdText | None
    image_input: UsdText | None
    output: UsdText
    reasoning: UsdText | None
    audio_output: UsdText | None


class TierObject(BaseModel):
    """Rates of a request with more than ``above_input_tokens`` tokens of input."""

    above_input_tokens: int
    rates: RatesObject


class PriceObject(BaseModel):
    """What ``name`` costs at the provider that it leads to."""

    name: str
    provider: str
    model: str
    priced: Literal[True]
    rates: RatesObject
    tiers: list[TierObject]
    service_tiers: dict[str, RatesObject]
    source: str
    max_output_tokens: int | None
    context_window: int | None


class UnpricedObject(BaseModel):
    """A model that nothing prices, and so is refused; ``hint`` is the YAML that would price it."""

    name: str
    provider: str
    model: str
    priced: Literal[False]
    hint: str


class PriceList(Listing[PriceObject | UnpricedObject]):
    """Configured models, in the order of ``pouch.yaml``."""


def price_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/prices``."""
    data = [_shown(route) for route in services.prices]

    async def show(request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(PriceList(data=data, next_cursor=None))

    summary = "What every configured model costs"
    return [Endpoint("GET", "/prices", "list_prices", summary, show, PriceList)]


def _shown(route: Route) -> PriceObject | UnpricedObject:
    if route.price is None:
        return UnpricedObject(
            name=route.alias,
            provider=route.provider,
            model=route.model,
            priced=False,
            hint=lines_to_price(route.provider, route.model),
        )
    return _priced(route, route.price)


def _priced(route: Route, price: Price) -> PriceObject:
    return PriceObject(
        name=route.alias,
        provider=route.provider,
        model=route.model,
        priced=True,
        rates=_rates(price.rates),
        tiers=[
            TierObject(above_input_tokens=above, rates=_rates(rates))
            for above, rates in price.tiers
        ],
        service_tiers={name: _rates(tier.rates) for name, tier in price.service_tiers.items()},
        source=price.source,
        max_output_tokens=price.max_output_tokens,
        context_window=price.context_window,
    )


def _rates(rates: Rates) -> RatesObject:
    return RatesObject(
        input=str(Money(rates.input)),
        cached_input=_rate(rates.cached_input),
        cache_write=_rate(rates.cache_write),
        audio_input=_rate(rates.audio_input),
        image_input=_rate(rates.image_input),
        output=str(Money(rates.output)),
        reasoning=_rate(rates.reasoning),
        audio_output=_rate(rates.audio_output),
    )


def _rate(nanos_per_million: int | None) -> str | None:
    """Nano-dollars per million tokens are, as money, dollars per million tokens."""
    return None if nanos_per_million is None else str(Money(nanos_per_million))
