import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.chat import Image
from pouch.infra.tokens.image_size import Size
from pouch.infra.tokens.images import Patches, ceiling_of, rule_of, tokens_of_images

MODELS = [
    "gpt-4o", "gpt-4o-mini", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5", "gpt-5-chat-latest", "o1",
    "o4-mini", "computer-use-preview", "gpt-5.2", "gpt-5.4", "gpt-5.4-mini", "gpt-5.6", "gpt-6-x",
    "gpt-6-nano", "claude-opus-4-8", "gemini-3-pro", "gpt-5.1",
]  # fmt: skip


def png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return "data:image/png;base64," + base64.b64encode(head).decode()


@pytest.mark.parametrize(("size", "tokens"), [((1024, 1024), 1024), ((1800, 2400), 1452)])
def test_patches_come_to_what_the_guide_says(size: tuple[int, int], tokens: int) -> None:
    small = rule_of("gpt-4.1-mini")
    assert isinstance(small, Patches)
    assert Patches(100, small.high, small.original).tokens("high", Size(*size)) == tokens


@pytest.mark.parametrize(("size", "tokens"), [((1024, 1024), 765), ((2048, 4096), 1105)])
def test_tiles_come_to_what_the_guide_says(size: tuple[int, int], tokens: int) -> None:
    image = Image("high", png(*size))
    assert tokens_of_images([image], "gpt-4o-2024-08-06") == tokens


def test_low_detail_of_a_tiled_model_is_the_same_for_every_size() -> None:
    assert tokens_of_images([Image("low", png(4096, 4096))], "gpt-4o") == 85
    assert ceiling_of([Image("low")], "gpt-4o-mini") == 2_833


@pytest.mark.parametrize(
    ("model", "detail", "ceiling"),
    [
        ("gpt-4o", "high", 1_445),
        ("gpt-4.1", "auto", 1_445),
        ("gpt-4o-mini", "auto", 48_169),
        ("gpt-5", "high", 1_190),
        ("gpt-5-2025-08-07", "high", 1_190),
        ("o3", "high", 1_275),
        ("gpt-5-mini", "high", 2_489),
        ("gpt-5-nano", "low", 3_779),
        ("gpt-5.2", "high", 3_779),
        ("gpt-5.4", "high", 3_000),
        ("gpt-5.4", "original", 12_000),
        ("gpt-5.6-sol", "auto", 36_000),
        ("openai/gpt-6-astra", "auto", 36_000),
        ("gpt-6-astra", "a detail that nobody has heard of", 36_000),
        ("gpt-6-nano", "auto", 73_800),
        ("claude-opus-4-8", "auto", 4_784),
        ("gpt-5.1", "low", 48_600),
        ("gpt-5-pro", "high", 48_600),
        ("some-model", "low", 48_600),
    ],
)
def test_every_family_has_its_ceiling(model: str, detail: str, ceiling: int) -> None:
    assert ceiling_of([Image(detail)], model) == ceiling


@given(
    st.sampled_from(MODELS),
    st.sampled_from(["low", "high", "auto", "original", ""]),
    st.tuples(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1)) | st.tuples(
        st.integers(1, 5_000), st.integers(1, 5_000)
    ),
)  # fmt: skip
def test_no_size_costs_more_than_the_ceiling_or_nothing(
    model: str, detail: str, size: tuple[int, int]
) -> None:
    rule = rule_of(model)
    assert 0 < rule.tokens(detail, Size(*size)) <= rule.ceiling(detail)


def test_a_remote_or_unreadable_image_is_taken_for_the_largest() -> None:
    images = [Image("high"), Image("high", "data:image/png;base64,AAAA")]
    assert tokens_of_images(images, "gpt-4o") == 2 * 1_445


def test_a_small_image_costs_claude_few_tokens() -> None:
    assert tokens_of_images([Image("auto", png(280, 56))], "claude-sonnet-5") == 20


def test_images_of_different_details_add_up() -> None:
    images = [Image("low"), Image("high"), Image("low")]
    assert ceiling_of(images, "gpt-4o") == 85 + 1_445 + 85
