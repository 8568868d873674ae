from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pouch.config.prices import RATE_USD_MAX, PriceEntry
from pouch.domain.pricing import Price, Rates
from tests.config.loading import MINIMAL, load_text, mistakes_in

NANOS = 1_000_000_000
TABLES = 'free: {m: {input: "1", output: "2"}}\nelsewhere: {"*": {input: 0, output: 3}}\n'


def test_an_entry_becomes_a_price_that_says_where_it_stands(tmp_path: Path) -> None:
    text = MINIMAL + (
        "pricing:\n  tables:\n    free:\n"
        '      gpt-4o-mini: {input: "0.15", cached_input: "0.075", output: "0.60",\n'
        "        max_output_tokens: 16384, context_window: 128000, encoding: o200k_base}\n"
        '      "o*": {input: 1, output: "8.", reasoning: "9.000000001", hidden_reasoning: true,\n'
        '        cache_write: "2", audio_input: "3", image_input: "4", audio_output: "5"}\n'
    ).replace('"8."', '"8.0"')
    (table,) = load_text(text, tmp_path).price_tables
    assert table == {
        "free": {
            "gpt-4o-mini": Price(
                Rates(input=150_000_000, output=600_000_000, cached_input=75_000_000),
                source="pouch.yaml:6",
                max_output_tokens=16384,
                context_window=128_000,
                encoding="o200k_base",
            ),
            "o*": Price(
                Rates(
                    input=NANOS,
                    output=8 * NANOS,
                    cache_write=2 * NANOS,
                    audio_input=3 * NANOS,
                    image_input=4 * NANOS,
                    reasoning=9 * NANOS + 1,
                    audio_output=5 * NANOS,
                ),
                source="pouch.yaml:8",
                hidden_reasoning=True,
            ),
        }
    }


def test_a_price_file_comes_after_the_tables_of_pouch_yaml(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("\n" + TABLES)
    text = MINIMAL + (
        "pricing:\n  file: prices.yaml\n  tables: {free: {m: {input: 5, output: 5}}}\n"
    )
    own, file = load_text(text, tmp_path).price_tables
    assert own["free"]["m"].rates.input == 5 * NANOS
    assert file["free"]["m"].rates.input == NANOS
    assert file["free"]["m"].source == "prices.yaml:2"
    assert file["elsewhere"]["*"].rates.output == 3 * NANOS


def test_a_price_file_may_be_json_indented_with_tabs(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text(
        '{\n\t"free": {\n\t\t"m": {"input": "1",\t"output": "2"}\n\t}\n}'
    )
    (table,) = load_text(MINIMAL + "pricing: {file: prices.json}\n", tmp_path).price_tables
    assert table["free"]["m"].rates.output == 2 * NANOS


def test_mistakes_in_a_price_file_have_its_name(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text('free:\n  m: {input: 0.5, output: "1"}\n  n: 3\n')
    text = MINIMAL + "pricing: {file: prices.yaml, tables: 3}\n"
    assert mistakes_in(text, tmp_path) == (
        "pouch.yaml:3: pricing.tables: must be a mapping of keys to values (got 3)\n"
        'prices.yaml:2: free.m.input: must be a decimal in quotes: write "0.5" (got 0.5)\n'
        "prices.yaml:3: free.n: must be a mapping of keys to values (got 3)"
    )


def test_a_price_file_whose_name_is_in_the_environment_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "S3cret-From-The-Environment").write_text("- a\n")
    text = MINIMAL + "pricing: {file: '${SECRET}'}\n"
    expected = "pricing.file:1: file: must be a mapping of keys to values"
    assert mistakes_in(text, tmp_path) == expected


@pytest.mark.parametrize("content", ["", "[", "- a", "free: [", "3"])
def test_a_price_file_that_holds_no_tables_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(content)
    text = MINIMAL + "pricing: {file: prices.yaml}\n"
    assert mistakes_in(text, tmp_path).startswith("prices.yaml:1: file: ")


@given(
    whole=st.integers(0, RATE_USD_MAX - 1),
    fraction=st.from_regex(r"[0-9]{1,9}0{0,5}", fullmatch=True),
)
def test_a_rate_is_exactly_what_is_written(whole: int, fraction: str) -> None:
    text = f"{whole}.{fraction}"
    entry = PriceEntry.model_validate({"input": text, "output": whole})
    assert entry.input == Fraction(text) * NANOS
    assert entry.output == whole * NANOS


@given(st.text(alphabet="0123456789.-+eE_ NaInf") | st.text() | st.floats() | st.booleans())
def test_what_is_taken_as_a_rate_is_never_anything_but_its_exact_value(
    written: str | float | bool,
) -> None:
    try:
        entry = PriceEntry.model_validate({"input": written, "output": 0})
    except ValidationError:
        return
    assert isinstance(written, str)
    assert entry.input == Fraction(written) * NANOS
    assert 0 <= entry.input <= RATE_USD_MAX * NANOS
