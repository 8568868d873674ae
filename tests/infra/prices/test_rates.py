"""Entries of the price data as integer rates that never come out lower."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from genai_prices.types import ModelPrice, Tier, TieredPrices
from genai_prices.types import Usage as GenaiUsage
from hypothesis import assume, given
from hypothesis import strategies as st

from pouch.domain.pricing import Price, Rates
from pouch.domain.usage import Usage
from pouch.infra.prices.rates import dearest, priced
from tests.fakes.prices import prices, usages

TEXT = {"input_mtok": Decimal(2), "output_mtok": Decimal(8)}


def rates_of(entry: Mapping[str, Decimal | TieredPrices | None]) -> Rates:
    price = priced(entry, "data")
    assert price is not None
    return price.rates


def test_dollars_per_million_become_nano_dollars() -> None:
    assert rates_of(TEXT) == Rates(input=2_000_000_000, output=8_000_000_000)


def test_what_is_finer_than_a_nano_dollar_is_rounded_up() -> None:
    fine = Decimal("0.04166666666666665000000000000001")
    assert rates_of({**TEXT, "cache_read_mtok": fine}).cached_input == 41_666_667
    assert rates_of({**TEXT, "cache_read_mtok": Decimal("1E-30")}).cached_input == 1


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("cache_read_mtok", "cached_input"),
        ("input_audio_mtok", "audio_input"),
        ("input_image_mtok", "image_input"),
        ("output_reasoning_mtok", "reasoning"),
        ("output_audio_mtok", "audio_output"),
        ("cache_write_mtok", "cache_write"),
        ("input_video_mtok", "input"),
        ("output_image_mtok", "output"),
        ("output_video_mtok", "output"),
        ("output_citation_mtok", "output"),
    ],
)
def test_each_kind_of_token_becomes_the_kind_that_it_would_be_taken_for(
    key: str, field: str
) -> None:
    assert getattr(rates_of({**TEXT, key: Decimal(9)}), field) == 9_000_000_000


def test_the_dearer_kind_wins_where_a_usage_cannot_tell_two_apart() -> None:
    entry = {**TEXT, "cache_write_mtok": Decimal("2.5"), "cache_write_1h_mtok": Decimal(4)}
    assert rates_of(entry).cache_write == 4_000_000_000
    assert rates_of({**TEXT, "input_video_mtok": Decimal(1)}).input == 2_000_000_000


@pytest.mark.parametrize(
    "key",
    ["requests_kcount", "audio_hours", "input_mchars", "input_document_kpages", "some_new_fee"],
)
def test_a_fee_that_tokens_do_not_measure_leaves_the_entry_unpriced(key: str) -> None:
    assert priced({**TEXT, key: Decimal(1)}, "data") is None


def test_a_tool_that_a_client_must_ask_for_does_not() -> None:
    assert rates_of({**TEXT, "web_searches_kcount": Decimal(10)}) == rates_of(TEXT)
    assert rates_of({**TEXT, "requests_kcount": None}) == rates_of(TEXT)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"input_mtok": Decimal(1)},
        {"output_mtok": Decimal(1)},
        {**TEXT, "input_mtok": Decimal(-1)},
        {**TEXT, "output_mtok": Decimal("NaN")},
        {**TEXT, "output_mtok": TieredPrices(Decimal(1), [Tier(10, Decimal(-1))])},
    ],
)
def test_an_entry_with_a_gap_or_nonsense_is_unpriced(entry: Mapping[str, Decimal]) -> None:
    assert priced(entry, "data") is None


def test_tiers_of_different_keys_are_brought_together() -> None:
    price = priced(
        {
            "input_mtok": TieredPrices(Decimal(1), [Tier(100, Decimal(2))]),
            "output_mtok": TieredPrices(Decimal(3), [Tier(50, Decimal(4)), Tier(100, Decimal(5))]),
            "cache_read_mtok": Decimal(1),
        },
        "data",
    )
    assert price is not None
    billion = 10**9
    assert price.rates == Rates(1 * billion, 3 * billion, cached_input=1 * billion)
    assert price.tiers == (
        (50, Rates(1 * billion, 4 * billion, cached_input=1 * billion)),
        (100, Rates(2 * billion, 5 * billion, cached_input=1 * billion)),
    )


@pytest.mark.parametrize(("cached_audio", "cached"), [("0.5", "0.2"), ("2.5", "1.5"), ("3", "2")])
def test_a_discount_on_cached_text_never_exceeds_the_one_on_cached_audio(
    cached_audio: str, cached: str
) -> None:
    entry = {
        **TEXT,
        "cache_read_mtok": Decimal("0.2"),
        "input_audio_mtok": Decimal(3),
        "cache_audio_read_mtok": Decimal(cached_audio),
    }
    assert rates_of(entry).cached_input == Decimal(cached) * 10**9


MICROS = st.integers(0, 5_000).map(lambda number: Decimal(number) / 1000)


@given(usages(), st.data())
def test_nothing_is_billed_below_what_the_data_itself_computes(
    usage: Usage, data: st.DataObject
) -> None:
    """Cached audio and images are told apart there, and only there."""
    discount = st.integers(0, 1000).map(lambda number: Decimal(number) / 1000)
    text, audio, image = (data.draw(MICROS) for _ in range(3))
    assume(audio >= text and image >= text)
    entry = {
        "input_mtok": text,
        "output_mtok": data.draw(MICROS),
        "cache_read_mtok": text * data.draw(discount),
        "input_audio_mtok": audio,
        "cache_audio_read_mtok": audio * data.draw(discount),
        "input_image_mtok": image,
        "cache_image_read_mtok": image * data.draw(discount),
        "output_audio_mtok": data.draw(MICROS),
    }
    spread = _spread(usage, data)
    assume(spread is not None)
    assert spread is not None
    expected = ModelPrice(**entry).calc_price(spread)["total_price"]
    price = priced(entry, "data")
    assert price is not None
    plain = Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        audio_input_tokens=usage.audio_input_tokens,
        image_input_tokens=usage.image_input_tokens,
        audio_output_tokens=usage.audio_output_tokens,
    )
    assert price.cost(plain).nanos >= expected * 10**9


def _spread(usage: Usage, data: st.DataObject) -> GenaiUsage | None:
    """The usage with its cached tokens spread over text, audio and images in some possible way."""
    cached, audio, image = (
        usage.cached_input_tokens,
        usage.audio_input_tokens,
        usage.image_input_tokens,
    )
    text = usage.input_tokens - audio - image
    cached_audio = data.draw(st.integers(0, min(cached, audio)))
    cached_image = data.draw(st.integers(0, min(cached - cached_audio, image)))
    if cached - cached_audio - cached_image > text:
        return None
    return GenaiUsage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=cached,
        input_audio_tokens=audio,
        cache_audio_read_tokens=cached_audio,
        input_image_tokens=image,
        cache_image_read_tokens=cached_image,
        output_tokens=usage.output_tokens,
        output_audio_tokens=usage.audio_output_tokens,
    )


@given(prices(service_tiers=False), prices(service_tiers=False), usages())
def test_the_dearest_of_two_prices_bills_no_usage_less_than_either(
    one: Price, other: Price, usage: Usage
) -> None:
    assert dearest([one, other]).cost(usage) >= max(one.cost(usage), other.cost(usage))
