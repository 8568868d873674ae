"""One entry of the ``genai-prices`` data as integer rates, never lower than what it says.

The data knows more kinds of token than a ``Usage`` can tell apart; such a kind is merged into the
one it would be taken for, at the dearer rate. What tokens do not measure at all (requests, hours,
pages, characters) leaves the entry without rates, unless it is a tool that a client must ask for.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias

from pouch.domain.money import NANOS_PER_USD
from pouch.domain.pricing import RATE_KINDS, Price, Rates

if TYPE_CHECKING:
    from genai_prices.types import TieredPrices

    Amount: TypeAlias = Decimal | TieredPrices

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("input_mtok", "input_text_mtok", "input_video_mtok"),
    "cached_input": ("cache_read_mtok", "cache_text_read_mtok"),
    "cache_write": (
        "cache_write_mtok",
        "cache_write_5m_mtok",
        "cache_write_1h_mtok",
        "cache_text_write_mtok",
        "cache_text_write_5m_mtok",
        "cache_text_write_1h_mtok",
    ),
    "audio_input": ("input_audio_mtok",),
    "image_input": ("input_image_mtok",),
    "cached_audio_input": ("cache_audio_read_mtok",),
    "cached_image_input": ("cache_image_read_mtok",),
    "output": (
        "output_mtok",
        "output_text_mtok",
        "output_image_mtok",
        "output_video_mtok",
        "output_citation_mtok",
    ),
    "reasoning": ("output_reasoning_mtok",),
    "audio_output": ("output_audio_mtok",),
}
CACHED_MEDIA: Final = {"cached_audio_input": "audio_input", "cached_image_input": "image_input"}
TOOLS: Final = frozenset(
    {
        "web_searches_kcount",
        "social_searches_kcount",
        "storage_searches_kcount",
        "code_executions_kcount",
    }
)
_KNOWN: Final = TOOLS.union(*KINDS.values())


def priced(entry: "Mapping[str, Amount | None]", source: str) -> Price | None:
    """The rates and tiers of ``entry``; ``None`` if they would not cover what a request can cost.

    ``entry`` has USD per million tokens by the data's own keys.
    """
    stated = {key: amount for key, amount in entry.items() if amount is not None}
    if not stated.keys() <= _KNOWN or not {"input_mtok", "output_mtok"} <= stated.keys():
        return None
    if not all(map(_is_sane, stated.values())):
        return None
    thresholds = sorted({start for amount in stated.values() for start in _thresholds(amount)})
    return Price(
        rates=_rates(stated, None),
        source=source,
        tiers=tuple((start, _rates(stated, start)) for start in thresholds),
    )


def dearest(prices: Iterable[Price]) -> Price:
    """A price that bills no usage less than any of ``prices`` does; the first one's otherwise."""
    first, *others = prices
    for other in others:
        thresholds = sorted({start for price in (first, other) for start, _ in price.tiers})
        first = Price(
            rates=_dearer(first.rates, other.rates),
            source=first.source,
            tiers=tuple(
                (start, _dearer(_above(first, start), _above(other, start))) for start in thresholds
            ),
        )
    return first


def _dearer(one: Rates, other: Rates) -> Rates:
    """Field by field. A rate that only one of them has is weighed against what the other bills."""
    if one == other:
        return one
    stated = {
        kind
        for kind in RATE_KINDS
        if getattr(one, kind) is not None or getattr(other, kind) is not None
    }
    one_in_full, other_in_full = _in_full(one), _in_full(other)
    return Rates(**{name: max(one_in_full[name], other_in_full[name]) for name in stated})


def _in_full(rates: Rates) -> dict[str, int]:
    """What each kind is billed at, whether the table says so or not."""
    otherwise = {
        "cached_input": rates.input,
        "cache_write": rates.dearest_text_input,
        "audio_input": rates.dearest_input,
        "image_input": rates.input,
        "reasoning": rates.output,
        "audio_output": rates.dearest_output,
    }
    return {
        kind: otherwise[kind] if stated is None else stated
        for kind in RATE_KINDS
        for stated in (getattr(rates, kind),)
    }


def _above(price: Price, threshold: int) -> Rates:
    """The rates of a request with more than ``threshold`` input tokens, up to the next tier."""
    rates = price.rates
    for start, tier in price.tiers:
        if start <= threshold:
            rates = tier
    return rates


def _rates(entry: "Mapping[str, Amount]", threshold: int | None) -> Rates:
    found = {
        kind: max(_nanos(_at(entry[key], threshold)) for key in keys if key in entry)
        for kind, keys in KINDS.items()
        if entry.keys() & set(keys)
    }
    # A usage does not say how much of the cached input is audio or images. Counted apart, they are
    # never under-billed if the discount on cached text is no greater than the one on cached media.
    plain = found["input"]
    cached = max(
        found.get("cached_input", plain),
        *(
            found.pop(cached_media, 0) - (found.get(media, plain) - plain)
            for cached_media, media in CACHED_MEDIA.items()
        ),
    )
    if cached != plain or "cached_input" in found:
        found["cached_input"] = cached
    return Rates(**found)


def _thresholds(amount: "Amount") -> list[int]:
    return [] if isinstance(amount, Decimal) else [tier.start for tier in amount.tiers]


def _at(amount: "Amount", threshold: int | None) -> Decimal:
    if isinstance(amount, Decimal):
        return amount
    found = amount.base
    for tier in amount.tiers:
        if threshold is not None and tier.start <= threshold:
            found = tier.price
    return found


def _is_sane(amount: "Amount") -> bool:
    every = [_at(amount, None), *(_at(amount, start) for start in _thresholds(amount))]
    return all(price.is_finite() and price >= 0 for price in every)


def _nanos(usd: Decimal) -> int:
    """Nano-dollars, rounded up where the data is finer; exact, unlike arithmetic on decimals."""
    return math.ceil(Fraction(usd) * NANOS_PER_USD)
