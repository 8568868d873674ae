"""The installed price data, flattened: right where it is clear, dearest where it is not."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version

import pytest
from genai_prices import calc_price
from genai_prices.data import providers
from genai_prices.types import ModelInfo
from genai_prices.types import Usage as GenaiUsage

from pouch.domain.money import Money
from pouch.domain.pricing import Price, Rates
from pouch.domain.usage import Usage
from pouch.infra.prices.genai import HOLDS_DAYS, published_price

TODAY = date(2026, 11, 28)
MODELS = [
    (provider.id, model)
    for provider in providers
    if provider.id in {"openai", "anthropic"}
    for model in provider.models
]
# Models whose cost is not in their token rates: audio, images or searches at rates that the data
# does not have, or fees by the hour, the character or not at all.
UNPRICED = {
    "gpt-4o-audio-preview",
    "gpt-4o-mini-audio-preview",
    "gpt-4o-mini-tts",
    "gpt-4o-search-preview",
    "gpt-5-image",
    "gpt-5-image-mini",
    "gpt-5-search-api",
    "gpt-5.4-image-2",
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-live-1",
    "gpt-live-transcribe",
    "gpt-realtime-translate",
    "gpt-realtime-whisper",
    "gpt-transcribe",
    "moderation",
    "o3-deep-research",
    "o4-mini-deep-research",
    "tts-1",
    "tts-1-hd",
    "whisper-1",
    # Names that the data uses for itself, and that no request can have.
    "ft:gpt-4o",
    "ft:gpt-4o-mini",
}
SIZES = (1_000, 150_000, 250_000, 500_000)


def price_of(vendor: str, model: str, today: date = TODAY) -> Price:
    price = published_price(vendor, model, today)
    assert price is not None, f"{vendor}/{model} has no price"
    return price


def usd(**rates: str) -> Rates:
    return Rates(**{kind: Money.usd(rate).nanos for kind, rate in rates.items()})


def test_gpt_4o_mini_has_its_well_known_price() -> None:
    price = price_of("openai", "gpt-4o-mini")
    assert price.rates == usd(input="0.15", cached_input="0.075", output="0.60")
    assert price.context_window == 128_000
    assert price.source == f"genai-prices {version('genai-prices')} openai/gpt-4o-mini"


def test_cache_writes_are_billed_at_the_dearer_of_their_lifetimes() -> None:
    assert price_of("anthropic", "claude-opus-4-5").rates == usd(
        input="5", cached_input="0.5", cache_write="10", output="25"
    )


def test_a_long_prompt_is_billed_at_its_tier() -> None:
    price = price_of("openai", "gpt-5.4")
    assert price.rates == usd(input="2.5", cached_input="0.25", output="15")
    assert price.tiers == ((272_000, usd(input="5", cached_input="0.5", output="22.5")),)


def test_service_tiers_have_prices_of_their_own() -> None:
    tiers = price_of("openai", "gpt-5").service_tiers
    assert tiers.keys() == {"fast", "flex", "priority"}
    assert tiers["priority"].rates == usd(input="2.5", cached_input="0.25", output="20")
    assert tiers["flex"].rates == usd(input="0.625", cached_input="0.0625", output="5")
    assert tiers["flex"].source.endswith("openai/gpt-5 flex")


@pytest.mark.parametrize(("vendor", "model"), MODELS, ids=lambda each: getattr(each, "id", each))
def test_every_model_is_priced_or_known_not_to_be(vendor: str, model: ModelInfo) -> None:
    priced = published_price(vendor, model.id, TODAY) is not None
    assert priced == (model.id not in UNPRICED)


PRICED = [(vendor, model) for vendor, model in MODELS if model.id not in UNPRICED]


@pytest.mark.parametrize(("vendor", "model"), PRICED, ids=lambda each: getattr(each, "id", each))
def test_no_model_is_billed_below_what_the_data_computes(vendor: str, model: ModelInfo) -> None:
    price = price_of(vendor, model.id)
    contexts: list[Mapping[str, str]] = [{}, *({"service_tier": t} for t in price.service_tiers)]
    for size in SIZES:
        for context in contexts:
            expected = _computed(vendor, model, size, context)
            usage = Usage(
                input_tokens=size,
                cached_input_tokens=size // 4,
                cache_write_tokens=size // 8,
                output_tokens=size // 10,
                service_tier=context.get("service_tier"),
            )
            assert price.cost(usage).nanos >= expected * 10**9
            assert price.cost(usage) <= price.bound(
                input_tokens=size, output_tokens=size // 10, any_kind=False
            )


def _computed(vendor: str, model: ModelInfo, size: int, context: Mapping[str, str]) -> Decimal:
    has_output = "output_mtok" in model.get_prices(_noon(TODAY)).__dict__
    usage = GenaiUsage(
        input_tokens=size,
        cache_read_tokens=size // 4,
        cache_write_tokens=size // 8,
        output_tokens=size // 10 if has_output else 0,
        cache_write_1h_tokens=0,
        cache_write_5m_tokens=0,
        cache_audio_read_tokens=0,
        cache_image_read_tokens=0,
    )
    return calc_price(
        usage,
        model.id,
        provider_id=vendor,
        genai_request_timestamp=_noon(TODAY),
        price_context=context,
    ).total_price


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def test_a_price_by_the_time_of_day_is_the_dearest_of_the_day() -> None:
    assert price_of("deepseek", "deepseek-chat").rates == usd(
        input="0.27", cached_input="0.07", output="1.1"
    )


def test_a_price_that_is_to_rise_is_billed_at_the_new_one_shortly_before() -> None:
    rises = date(2026, 12, 1)
    before = usd(input="2", cached_input="0.1", output="10")
    after = usd(input="4", cached_input="0.2", output="20")
    too_early = rises - timedelta(days=HOLDS_DAYS + 1)
    assert price_of("google", "gemini-4-argon", too_early).rates == before
    assert price_of("google", "gemini-4-argon", rises - timedelta(days=HOLDS_DAYS)).rates == after
    assert price_of("google", "gemini-4-argon", rises).rates == after


def test_a_price_that_has_fallen_is_the_new_one() -> None:
    assert price_of("openai", "o3").rates == usd(input="2", cached_input="0.5", output="8")
    assert price_of("openai", "o3", date(2025, 6, 1)).rates.output == Money.usd("40").nanos


def test_images_that_a_model_puts_out_are_not_billed_as_text() -> None:
    assert price_of("google", "gemini-2.5-flash-image").rates.output == Money.usd("30").nanos


def test_audio_has_its_own_rates() -> None:
    rates = price_of("openai", "gpt-audio").rates
    assert (rates.audio_input, rates.audio_output) == (32 * 10**9, 64 * 10**9)


def test_an_embedding_is_priced_though_it_has_no_output_rate() -> None:
    assert price_of("openai", "text-embedding-3-small").rates == usd(input="0.02", output="0.02")


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("openai", "gpt-4o-mini-search-preview"),
        ("perplexity", "sonar-pro"),
        ("perplexity", "perplexity/sonar"),
        ("mistral", "voxtral-small-24b-2507"),
        ("openrouter", "mistralai/mistral-large-4-0"),
        ("openrouter", "deepseek/deepseek-r1:free"),
        ("openrouter", "openai/gpt-4o:online"),
        ("github-copilot", "gpt-4o"),
        ("google", "gemma-3"),
        ("openai", "gpt-9"),
        ("openai", "claude-sonnet-4-5"),
        ("no-such-vendor", "gpt-4o"),
    ],
)
def test_what_tokens_alone_do_not_price_has_no_price(vendor: str, model: str) -> None:
    assert published_price(vendor, model, TODAY) is None


def test_no_published_price_is_free() -> None:
    free = [
        (provider.id, model.id)
        for provider in providers
        for model in provider.models
        if (price := published_price(provider.id, model.id, TODAY)) is not None and price.is_free
    ]
    assert not free
