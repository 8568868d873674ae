"""Prices of the ``genai-prices`` data that is installed, each flattened into a domain ``Price``.

Where the data leaves open what a request will cost, the dearest possibility counts; where it
does not cover what a request can cost, the model has no price. The package is imported by the
functions that need it, as it takes a quarter of a second. Its own updates over the network are
never used: prices change when the operator upgrades the package.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from pouch.domain.pricing import STANDARD_TIERS, Price
from pouch.infra.prices.names import is_named
from pouch.infra.prices.rates import dearest, priced

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo

PACKAGE: Final = "genai-prices"

# A price is looked up once and then used until the process ends, so one that is to change within
# this time is billed at the dearer of both already.
HOLDS_DAYS: Final = 31

# Conditions of a price that the gateway knows or rules out. Batches have an endpoint of their own;
# "speed" is a field that only some requests have, and no chat completion needs.
KNOWN_CONDITIONS: Final = frozenset({"service_tier", "processing", "speed"})

# Models that search with every request, for a fee on top of the tokens.
_SEARCHES: Final = re.compile(r"(?<![a-z])(search|sonar)|deep-research|[-:]online(?![a-z])")
# Models made for audio or for making images, whose prices must not be those of text alone.
_AUDIO: Final = re.compile(
    r"audio|realtime|transcribe|whisper|voxtral|lyria|(?<![a-z])(tts|live|voice|speech)(?![a-z])"
)
_IMAGES: Final = re.compile(r"(?<![a-z])image")
_AUDIO_RATES: Final = frozenset({"input_audio_mtok", "output_audio_mtok"})
_IMAGE_RATES: Final = frozenset({"output_image_mtok"})


def published_price(vendor: str, model: str, today: date) -> Price | None:
    """The price of ``model`` at ``vendor``, an id of the data; ``None`` without one beyond doubt.

    A price that depends on the date or the time of day is the dearest of those that apply at some
    moment from ``today`` on, for ``HOLDS_DAYS`` days.
    """
    found = known_model(vendor, model)
    if found is None or not _is_measured_in_tokens(found, model):
        return None
    source = f"{PACKAGE} {version(PACKAGE)} {vendor}/{found.id}"
    moments = list(_moments(found, today))
    standard = _dearest_at(found, moments, {}, source)
    if standard is None or standard.is_free:
        return None
    tiers = {}
    for tier in _service_tiers(found):
        price = _dearest_at(found, moments, {"service_tier": tier}, f"{source} {tier}")
        if price is None:
            return None
        tiers[tier] = price
    return replace(standard, service_tiers=tiers, context_window=found.context_window)


def known_model(vendor: str, model: str) -> "ModelInfo | None":
    """The data's entry for ``model``, if the name means it beyond doubt."""
    return next((entry for entry in _models(vendor) if is_named(entry, model)), None)


@cache
def _models(vendor: str) -> "tuple[ModelInfo, ...]":
    from genai_prices.data import providers  # noqa: PLC0415 - slow to import

    return next((tuple(entry.models) for entry in providers if entry.id == vendor), ())


def _is_measured_in_tokens(model: "ModelInfo", name: str) -> bool:
    """Nothing that its name or its conditions tell makes it cost more than its token rates."""
    names = (model.id.lower(), name.lower())
    if any(_SEARCHES.search(each) for each in names):
        return False
    if any(not variant.when.keys() <= KNOWN_CONDITIONS for variant in model.price_variants or ()):
        return False
    stated = {
        key
        for entry in _entries(model)
        for key, amount in entry.prices.__dict__.items()
        if amount is not None
    }
    return not any(
        (_AUDIO.search(each) and not stated & _AUDIO_RATES)
        or (_IMAGES.search(each) and not stated & _IMAGE_RATES)
        for each in names
    )


def _service_tiers(model: "ModelInfo") -> list[str]:
    """The tiers with a price of their own."""
    tiers = {
        variant.when["service_tier"]
        for variant in model.price_variants or ()
        if variant.when.keys() == {"service_tier"}
    }
    return sorted(tiers - STANDARD_TIERS)


def _dearest_at(
    model: "ModelInfo", moments: list[datetime], context: Mapping[str, str], source: str
) -> Price | None:
    """The dearest over ``moments``; ``None`` if at one of them tokens do not measure the cost."""
    prices = []
    for moment in moments:
        stated = model.get_prices(moment, context).__dict__
        if "embed" in model.id.lower():
            # An embedding puts out no tokens. If it did, they would not be free.
            stated = {"output_mtok": stated.get("input_mtok"), **stated}
        price = priced(stated, source)
        if price is None:
            return None
        prices.append(price)
    return dearest(prices)


def _moments(model: "ModelInfo", today: date) -> Iterator[datetime]:
    """The start of ``today``, and every later moment at which a price can change, in UTC."""
    from genai_prices.types import (  # noqa: PLC0415 - slow to import
        StartDateConstraint,
        TimeOfDateConstraint,
    )

    days, times = {today}, {time.min}
    for entry in (*_entries(model), *(model.price_variants or ())):
        match entry.constraint:
            case StartDateConstraint(start_date=start):
                if today < start <= today + timedelta(days=HOLDS_DAYS):
                    days.add(start)
            case TimeOfDateConstraint(start_time=start_time, end_time=end_time):
                times |= {_in_utc(start_time), _in_utc(end_time)}
    for day in sorted(days):
        for moment in sorted(times):
            yield datetime.combine(day, moment, UTC)


def _in_utc(moment: time) -> time:
    if moment.tzinfo is None:
        return moment
    return datetime.combine(date.min.replace(year=2000), moment).astimezone(UTC).time()


def _entries(model: "ModelInfo") -> "list[ConditionalPrice]":
    from genai_prices.types import ConditionalPrice  # noqa: PLC0415 - slow to import

    if isinstance(model.prices, list):
        return model.prices
    return [ConditionalPrice(prices=model.prices)]
