"""Which names mean a model of the data beyond doubt."""

import pytest
from genai_prices.types import ClauseContains, ClauseOr, ClauseRegex, ClauseStartsWith, ModelInfo

from pouch.infra.prices.genai import known_model
from pouch.infra.prices.names import is_named, undated


@pytest.mark.parametrize(
    ("vendor", "name", "model"),
    [
        ("openai", "gpt-4o-mini", "gpt-4o-mini"),
        ("openai", "GPT-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-6-sol-2026-09-01", "gpt-6-sol"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123", "ft:gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"),
    ],
)
def test_an_exact_name_or_a_dated_release_is_known(vendor: str, name: str, model: str) -> None:
    found = known_model(vendor, name)
    assert found is not None
    assert found.id == model


@pytest.mark.parametrize(
    ("vendor", "name"),
    [
        ("openai", "gpt-4o-mini-2027-01-01"),
        ("openai", "gpt-4o-audio-preview-turbo"),
        ("openai", "gpt-5-nano-turbo"),
        ("openai", "text-moderation-9000"),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::abc123"),
        ("openai", ""),
        ("anthropic", "claude-sonnet-4-5-anything"),
        ("anthropic", "claude-sonnet-4-5-20259999"),
        ("anthropic", "claude-sonnet-4-5-2025-0929"),
        ("anthropic", "claude-opus-4-1-fast-20250805"),
        ("no-such-vendor", "gpt-4o"),
    ],
)
def test_a_name_that_could_mean_something_new_is_not(vendor: str, name: str) -> None:
    assert known_model(vendor, name) is None


def test_an_open_ended_pattern_names_nothing() -> None:
    patterns = ClauseOr(
        or_=[
            ClauseContains(contains="sol"),
            ClauseRegex(regex="^sol-.*$"),
            ClauseRegex(regex=r"^sol-\d"),
            ClauseRegex(regex=r"^sol\{x\}-\d{2,}$"),
        ]
    )
    model = ModelInfo(id="sol", match=patterns)
    assert is_named(model, "sol")
    assert not is_named(model, "sol-99")


def test_a_closed_pattern_names_what_it_matches_whole() -> None:
    model = ModelInfo(id="sol", match=ClauseRegex(regex=r"^sol-\d{4}$"))
    assert is_named(model, "sol-2026")
    assert not is_named(model, "sol-20261")


def test_an_id_that_the_data_itself_does_not_match_is_not_a_name() -> None:
    model = ModelInfo(id="sol", match=ClauseStartsWith(starts_with="sol-"))
    assert not is_named(model, "sol")


@pytest.mark.parametrize(
    ("name", "stem"),
    [("o3-2025-04-16", "o3"), ("claude-3-opus-20240229", "claude-3-opus"), ("gpt-4-0613",) * 2],
)
def test_only_a_date_is_taken_off_a_name(name: str, stem: str) -> None:
    assert undated(name) == stem
