"""The price book: the operator's tables first, then the published prices of a provider's vendor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from pouch.domain.ports import Clock
from pouch.domain.pricing import Price
from pouch.infra.prices.genai import published_price
from pouch.infra.prices.limits import Limit, Limits

# Clients can name models without end where a wildcard is configured.
CACHE_ENTRIES_MAX: Final = 4096

PriceTable: TypeAlias = Mapping[str, Mapping[str, Price]]


class PriceTables:
    """Implements ``PriceBook``.

    ``tables`` map a provider, then a model's name or a glob, to a price; the first table that has
    both wins, an exact name before a glob, the longest glob before others. ``vendors`` says whose
    published prices apply to a provider, if any. An entry wins as a whole: what it leaves out of
    its rates stays out. Only what is no rate (how much a model takes and gives, the vocabulary,
    hidden reasoning) is added from what is known about the model's name.
    """

    def __init__(
        self,
        tables: Sequence[PriceTable],
        *,
        vendors: Mapping[str, str | None],
        clock: Clock,
        limits: Limits,
        encoding_of: Callable[[str], str | None],
        hidden_reasoning_of: Callable[[str], bool],
        published: Callable[[str, str, date], Price | None] = published_price,
    ) -> None:
        self._tables = tables
        self._vendors = vendors
        self._clock = clock
        self._limits = limits
        self._encoding_of = encoding_of
        self._hidden_reasoning_of = hidden_reasoning_of
        self._published = published
        self._found: dict[tuple[str, str], Price | None] = {}
        self._found_on: date | None = None

    def find(self, provider: str, model: str) -> Price | None:
        """The price of ``model`` at ``provider``, as of today; ``None`` if no source has one."""
        today = self._clock.now().date()
        if today != self._found_on or len(self._found) >= CACHE_ENTRIES_MAX:
            self._found.clear()
            self._found_on = today
        wanted = (provider, model)
        if wanted not in self._found:
            self._found[wanted] = self._look_up(provider, model, today)
        return self._found[wanted]

    def _look_up(self, provider: str, model: str, today: date) -> Price | None:
        vendor = self._vendors.get(provider)
        limit = self._limits.find(vendor, model)
        for table in self._tables:
            price = _entry(table.get(provider, {}), model)
            if price is not None:
                return self._complete(price, limit, model)
        price = self._published(vendor, model, today) if vendor is not None else None
        if price is None:
            return None
        # Both are said to be the most; whichever is too low would make a bound that is none.
        window = max(price.context_window or 0, limit.context_window or 0)
        return self._complete(replace(price, context_window=window or None), limit, model)

    def _complete(self, price: Price, limit: Limit, model: str) -> Price:
        window = price.context_window or limit.context_window
        output = price.max_output_tokens or limit.max_output_tokens
        if output is not None and window is not None:
            output = min(output, window)
        return replace(
            price,
            max_output_tokens=output,
            context_window=window,
            encoding=price.encoding or self._encoding_of(model),
            hidden_reasoning=price.hidden_reasoning or self._hidden_reasoning_of(model),
        )


def _entry(models: Mapping[str, Price], model: str) -> Price | None:
    """The exact name's price, or that of the longest glob that matches."""
    if model in models:
        return models[model]
    globs = [pattern for pattern in models if fnmatchcase(model, pattern)]
    return models[max(globs, key=len)] if globs else None
