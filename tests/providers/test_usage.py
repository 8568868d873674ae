"""Usage is read from what providers report, in their dialects, and nonsense is not believed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.provider import Reported
from pouch.domain.usage import Usage
from pouch.providers.chat_completions.usage import TOKENS_MAX, is_answer, usage_in


def read(usage: object, **more: object) -> Reported | None:
    return usage_in(json.dumps({"usage": usage, **more}).encode())


def test_every_kind_of_token_that_openai_reports_is_read() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {
            "cached_tokens": 40,
            "cache_write_tokens": 30,
            "audio_tokens": 20,
            "image_tokens": 10,
            "text_tokens": 70,
        },
        "completion_tokens_details": {
            "reasoning_tokens": 25,
            "audio_tokens": 5,
            "accepted_prediction_tokens": 3,
            "rejected_prediction_tokens": 2,
        },
    }
    reported = read(usage, choices=[{}], service_tier="priority")
    assert reported == Reported(Usage(100, 50, 40, 30, 20, 10, 25, 5, "priority"), alone=False)


@pytest.mark.parametrize(
    ("choices", "alone"),
    [({"choices": []}, True), ({"choices": [{}]}, False), ({"choices": None}, False), ({}, False)],
)
def test_usage_is_alone_if_the_event_has_an_empty_list_of_choices(
    choices: dict[str, Any], alone: bool
) -> None:
    reported = read({"prompt_tokens": 1, "completion_tokens": 1}, **choices)
    assert reported is not None
    assert reported.alone is alone


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"prompt_tokens_details": None, "completion_tokens_details": None, "total_tokens": None},
        {"prompt_tokens_details": {}, "completion_tokens_details": {}},
        {"prompt_tokens_details": {"cached_tokens": None}},
        {"cost": 0.0001, "queue_time": 0.5, "total_tokens": 13},
    ],
)
def test_details_may_be_null_or_missing(details: dict[str, Any]) -> None:
    reported = read({"prompt_tokens": 9, "completion_tokens": 4, **details})
    assert reported == Reported(Usage(input_tokens=9, output_tokens=4))


@pytest.mark.parametrize(
    "dialect",
    [
        {"prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 3},
        {"cached_tokens": 6},
        {"prompt_tokens_details": {"cached_tokens": 6}, "prompt_cache_hit_tokens": 6},
    ],
    ids=["DeepSeek", "Moonshot", "both"],
)
def test_cached_input_is_read_wherever_a_dialect_puts_it(dialect: dict[str, Any]) -> None:
    reported = read({"prompt_tokens": 9, "completion_tokens": 4, **dialect})
    assert reported is not None
    assert reported.usage.cached_input_tokens == 6


@pytest.mark.parametrize(
    "dialect",
    [
        {"total_tokens": 113, "completion_tokens_details": {"reasoning_tokens": 100}},
        {"total_tokens": 113},
        {"completion_tokens_details": {"reasoning_tokens": 100}},
    ],
    ids=["in the total and told", "in the total only", "told only"],
)
def test_reasoning_that_a_vendor_keeps_out_of_the_output_is_billed_all_the_same(
    dialect: dict[str, Any],
) -> None:
    reported = read({"prompt_tokens": 9, "completion_tokens": 4, **dialect})
    assert reported is not None
    assert reported.usage.output_tokens == 104


@pytest.mark.parametrize("number", [-1, 1.0, 1.5, True, "5", TOKENS_MAX + 1, 10**30, [], {}])
@pytest.mark.parametrize(
    "path",
    [
        ["prompt_tokens"],
        ["completion_tokens"],
        ["total_tokens"],
        ["prompt_cache_hit_tokens"],
        ["prompt_tokens_details", "cached_tokens"],
        ["prompt_tokens_details", "cache_write_tokens"],
        ["completion_tokens_details", "reasoning_tokens"],
    ],
)
def test_a_number_of_tokens_that_is_none_spoils_the_whole_report(
    number: object, path: list[str]
) -> None:
    usage: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 4}
    place = usage
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = number
    assert read(usage) is None


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        "12",
        {"prompt_tokens": 9},
        {"completion_tokens": 4},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": 7},
        {"prompt_tokens": 9, "completion_tokens": 4, "cached_tokens": 10},
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 10},
        },
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "completion_tokens_details": {"audio_tokens": 5},
        },
    ],
)
def test_a_report_that_makes_no_sense_is_none(usage: object) -> None:
    assert read(usage) is None


@pytest.mark.parametrize("tier", [None, 3, {"name": "priority"}, ["priority"]])
def test_a_service_tier_that_is_no_name_does_not_spoil_the_report(tier: object) -> None:
    reported = read({"prompt_tokens": 9, "completion_tokens": 4}, service_tier=tier)
    assert reported == Reported(Usage(input_tokens=9, output_tokens=4))


def test_usage_that_is_only_spoken_of_is_not_read() -> None:
    text = 'the "usage": {"prompt_tokens": 1, "completion_tokens": 1} of words'
    assert usage_in(json.dumps({"choices": [{"delta": {"content": text}}]}).encode()) is None


NOT_ANSWERS = [
    b"",
    b"[DONE]",
    b"null",
    b"[]",
    b'"text"',
    b"<html></html>",
    b'{"usage": {"prompt_tokens": 1, "completion_tokens": 1}',
    b'{"usage": {"prompt_tokens": 1, "completion_tokens": 1}} {}',
    b"\xff\xfe",
    b'{"a":' + b"[" * 100_000,
    b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize("answer", NOT_ANSWERS, ids=range(len(NOT_ANSWERS)))
def test_what_is_no_json_object_is_no_answer_and_holds_no_usage(answer: bytes) -> None:
    assert not is_answer(answer)
    assert usage_in(answer) is None


def test_any_json_object_is_an_answer() -> None:
    assert is_answer(b' {"choices": [], "anything": [1, {"x": null}]} ')


@given(st.binary(max_size=200))
def test_no_bytes_whatever_make_it_fail(answer: bytes) -> None:
    reported = usage_in(answer)
    assert reported is None or isinstance(reported, Reported)


TOKENS = st.one_of(st.none(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=3))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "prompt_tokens": TOKENS,
            "completion_tokens": TOKENS,
            "total_tokens": TOKENS,
            "prompt_tokens_details": st.dictionaries(
                st.sampled_from(["cached_tokens", "audio_tokens"]), TOKENS
            ),
            "completion_tokens_details": st.dictionaries(st.just("reasoning_tokens"), TOKENS),
        },
    )
)
def test_what_is_believed_is_never_negative_nor_greater_than_its_whole(
    usage: dict[str, Any],
) -> None:
    reported = read(usage)
    if reported is not None:
        found = reported.usage
        assert 0 <= found.cached_input_tokens <= found.input_tokens <= TOKENS_MAX
        assert 0 <= found.reasoning_tokens <= found.output_tokens <= 2 * TOKENS_MAX
