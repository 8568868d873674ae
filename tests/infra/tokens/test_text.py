import time

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from pouch.infra.tokens.text import (
    SLICE_CHARACTERS,
    TEXT_BYTES_MAX,
    AllowanceSpentError,
    Tally,
    byte_length,
    leaves_in,
    slices,
    tokens_of,
    tokens_of_slice,
)

ANY_CHARACTER = st.text(st.characters(exclude_categories=[]), max_size=200)


class PanicException(BaseException):
    """What the tokenizer's Rust code raises when it panics: no ``Exception``."""


def one_a_character(text: str) -> list[int]:
    return [0] * len(text)


def panics(_text: str) -> list[int]:
    raise PanicException("RuntimeError(StackOverflow)")


@given(ANY_CHARACTER, st.integers(0, 3))
def test_slices_join_to_the_whole_and_none_is_too_long(text: str, shift: int) -> None:
    long = "x" * (SLICE_CHARACTERS - shift) + text + "y" * SLICE_CHARACTERS
    parts = list(slices(long))
    assert "".join(parts) == long
    assert all(0 < len(part) <= SLICE_CHARACTERS for part in parts)


def test_a_surrogate_pair_is_not_torn() -> None:
    text = "x" * (SLICE_CHARACTERS - 1) + "\ud83d\ude00"
    assert [len(part) for part in slices(text)] == [SLICE_CHARACTERS - 1, 2]


@given(ANY_CHARACTER)
def test_no_text_has_more_tokens_than_bytes(o200k: tiktoken.Encoding, text: str) -> None:
    assert 0 <= tokens_of(text, o200k.encode_ordinary) <= byte_length(text)


def test_a_panic_of_the_tokenizer_is_answered_by_the_bytes() -> None:
    assert tokens_of_slice("añb", panics) == 4


def test_only_a_panic_is_answered() -> None:
    def stopped(_text: str) -> list[int]:
        raise SystemExit

    with pytest.raises(SystemExit):
        tokens_of_slice("text", stopped)


def test_a_million_spaces_make_the_whole_panic_but_not_the_slices(
    o200k: tiktoken.Encoding,
) -> None:
    spaces = " " * 1_100_000
    with pytest.raises(BaseException, match="StackOverflow") as panic:
        o200k.encode_ordinary(spaces)
    assert not isinstance(panic.value, Exception)
    assert 0 < tokens_of(spaces, o200k.encode_ordinary) < len(spaces)


@pytest.mark.parametrize("unit", ["a", " ", "\n", "-", "\u3000", "漢", "\U000f0000", "a'"])
def test_a_megabyte_of_hostile_text_takes_little_work(o200k: tiktoken.Encoding, unit: str) -> None:
    text = unit * (TEXT_BYTES_MAX // byte_length(unit))
    started = time.process_time()
    tokens_of(text, o200k.encode_ordinary)
    assert time.process_time() - started < 3


def test_text_beyond_a_megabyte_is_bounded_and_not_counted(o200k: tiktoken.Encoding) -> None:
    extra = "word " * 100_000
    text = "word " * (TEXT_BYTES_MAX // 5) + extra
    assert tokens_of(text, o200k.encode_ordinary) >= len(extra)


def test_slicing_adds_next_to_nothing(o200k: tiktoken.Encoding) -> None:
    text = "The quick brown fox jumps over the lazy dog; it costs $3.50 a time.\n" * 2_000
    whole = len(o200k.encode_ordinary(text))
    assert whole <= tokens_of(text, o200k.encode_ordinary) <= whole * 1.001


def test_a_tally_refuses_what_exceeds_its_allowance_and_adds_nothing_of_it() -> None:
    tally = Tally(one_a_character, bytes_max=100)
    tally.text("x" * 50)
    with pytest.raises(AllowanceSpentError):
        tally.text("y" * 50)
    assert (tally.tokens, tally.counted_bytes) == (50, 50)


def test_even_empty_texts_use_a_tally_up() -> None:
    tally = Tally(one_a_character, bytes_max=100)
    with pytest.raises(AllowanceSpentError):
        for _ in range(100):
            tally.text("")


def test_leaves_are_found_however_deep_they_lie() -> None:
    value: object = "deep"
    for _ in range(50_000):
        value = [value]
    assert list(leaves_in(value)) == ["deep"]


def test_a_huge_number_is_as_long_as_its_digits() -> None:
    tally = Tally(one_a_character)
    tally.anything(10**5_000)
    assert 5_000 <= tally.tokens <= 6_000
