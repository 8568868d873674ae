"""What is subtracted from a stream before it is weighed never held any text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.providers.chat_completions.envelope import envelope_in
from pouch.providers.chat_completions.text import pieces_in

COMPACT = (",", ":")
SPACED = (", ", ": ")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ['"', "\\", '"},"finish_reason":null', '"content":"', "data: {", "\n\n", "null"]
)


def chunk(delta: dict[str, object], **rest: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**common, "choices": [choice], "usage": None, **rest}


def stream(*chunks: dict[str, object], separators: tuple[str, str] = COMPACT) -> bytes:
    return b"".join(
        b"data: " + json.dumps(each, separators=separators, ensure_ascii=False).encode() + b"\n\n"
        for each in chunks
    )


def most_text(events: bytes, envelope: tuple[bytes, ...]) -> int:
    return len(events) - sum(events.count(part) * len(part) for part in envelope)


def text_bytes(events: bytes) -> int:
    return sum(len(piece.encode()) for _, piece in pieces_in(events))


deltas = st.fixed_dictionaries(
    {},
    optional={
        "content": texts,
        "reasoning_content": texts,
        "refusal": texts,
        "role": st.just("assistant") | texts,
        "tool_calls": st.lists(
            st.fixed_dictionaries({"function": st.fixed_dictionaries({"arguments": texts})}),
            max_size=2,
        ),
    },
)


@given(
    st.lists(st.builds(chunk, deltas) | st.builds(chunk, deltas, obfuscation=texts), max_size=6),
    st.sampled_from([COMPACT, SPACED]),
)
def test_what_may_be_text_is_never_less_than_the_text(
    chunks: list[dict[str, object]], separators: tuple[str, str]
) -> None:
    events = stream(*chunks, *chunks, separators=separators)
    assert most_text(events, envelope_in(events)) >= text_bytes(events)


@pytest.mark.parametrize("separators", [COMPACT, SPACED])
def test_of_a_usual_stream_little_is_left_but_its_text(separators: tuple[str, str]) -> None:
    first = chunk({"role": "assistant", "content": ""})
    events = stream(first, *(chunk({"content": "word "}) for _ in range(64)), separators=separators)
    assert most_text(events, envelope_in(events)) < 64 * (5 + 25) + 200


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "thought", "content": "word"},
        {"content": "word", "reasoning_content": "thought"},
        {"tool_calls": [{"function": {"arguments": "{}"}}], "content": "word"},
    ],
)
def test_text_beside_the_content_is_never_taken_for_envelope(delta: dict[str, object]) -> None:
    events = stream(chunk(delta))
    assert not any(b"thought" in part or b"{}" in part for part in envelope_in(events))


def test_a_stream_without_text_has_no_envelope() -> None:
    assert envelope_in(b"") == ()
    assert envelope_in(b"data: [DONE]\n\n") == ()
    assert envelope_in(b'data: {"content":') == ()
