"""Which provider and model a client's model name leads to, and at what price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pouch.domain.errors import ModelNotFoundError
from pouch.domain.key import Key
from pouch.domain.pipeline import Route
from pouch.domain.pricing import Price, PriceBook, Rates
from pouch.service.verdicts import encoding_to_count

# Names that a wildcard matched; beyond it they are looked up anew each time.
WILDCARD_CACHE_MAX: Final = 10_000

FREE: Final = Price(Rates(input=0, output=0), source="free provider")


@dataclass(frozen=True, slots=True)
class ModelName:
    """``alias`` leads to ``model`` at ``provider``; both may end in ``*``."""

    alias: str
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class ProviderState:
    """``off`` says why the provider cannot serve, or ``None``."""

    off: str | None
    is_free: bool


class Routes:
    """Finds routes. Every exact name is resolved, with its price, when this is built."""

    def __init__(
        self,
        names: Sequence[ModelName],
        providers: Mapping[str, ProviderState],
        prices: PriceBook,
    ) -> None:
        self._providers = providers
        self._prices = prices
        self._wildcards = [name for name in _with_targets(names) if name.alias.endswith("*")]
        self._exact = {
            name.alias: self._route(name.alias, name.provider, name.model)
            for name in reversed(_with_targets(names))
            if not name.alias.endswith("*")
        }
        self._listed = [name.alias for name in names if not name.alias.endswith("*")]
        self._matched: dict[str, Route] = {}

    def find(self, name: str) -> Route:
        """The route of ``name``.

        Raises:
            ModelNotFoundError: it is not configured, or its provider is off.
        """
        route = self._exact.get(name) or self._matched.get(name) or self._match(name)
        if route is None:
            raise ModelNotFoundError(f"The model {name!r} does not exist here.")
        off = self._providers[route.provider].off
        if off is not None:
            raise ModelNotFoundError(
                f"The model {name!r} is at provider {route.provider!r}, which is off: {off}"
            )
        return route

    def allowed_to(self, key: Key) -> list[Route]:
        """The configured models that can be served and that ``key`` may use, in YAML order."""
        return [
            route
            for route in (self._exact[alias] for alias in self._listed)
            if self._providers[route.provider].off is None
            and key.allows(alias=route.alias, provider=route.provider, model=route.model)
        ]

    def all(self) -> list[Route]:
        """Every configured model, whether it can be served or not, in YAML order."""
        return [self._exact[alias] for alias in self._listed]

    def encodings(self) -> set[str]:
        """What the text of the models that can be served and cost money is counted by."""
        prices = [r.price for r in self.all() if self._providers[r.provider].off is None]
        return {encoding_to_count(price) for price in prices if price and not price.is_free}

    def _match(self, name: str) -> Route | None:
        for wildcard in self._wildcards:
            start = wildcard.alias[:-1]
            if name.startswith(start) and len(name) > len(start):
                model = wildcard.model[:-1] + name[len(start) :]
                route = self._route(name, wildcard.provider, model)
                if len(self._matched) < WILDCARD_CACHE_MAX:
                    self._matched[name] = route
                return route
        return None

    def _route(self, alias: str, provider: str, model: str) -> Route:
        price = self._prices.find(provider, model)
        if price is None and self._providers[provider].is_free:
            price = FREE
        return Route(alias, provider, model, price)


def _with_targets(names: Sequence[ModelName]) -> list[ModelName]:
    """Every name, and every target under ``provider/model``; a name of the first kind wins."""
    targets = [ModelName(f"{n.provider}/{n.model}", n.provider, n.model) for n in names]
    return [*names, *targets]
