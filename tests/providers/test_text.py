"""Text that is billed as output is found in whole answers and in streams that broke off."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.mock_answer import answer_to
from pouch.providers.chat_completions.text import events_in, text_in
from tests.fakes.chat import a_body


def chunk(index: int = 0, **delta: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": index, "delta": delta}]}).encode()


def stream_of(*chunks: bytes) -> str:
    return text_in(b"\n\n".join(chunks) + b"\n\n", stream=True)


def document(*messages: dict[str, Any]) -> bytes:
    return json.dumps({"choices": [{"message": message} for message in messages]}).encode()


def test_the_content_of_a_stream_is_put_together() -> None:
    assert (
        stream_of(chunk(role="assistant"), chunk(content="Hel"), chunk(content="lo.")) == "Hello."
    )


def test_choices_that_are_interleaved_are_each_put_together() -> None:
    text = stream_of(
        chunk(0, content="straw"), chunk(1, content="blue"), chunk(0, content="berry"),
        chunk(1, content="berry"),
    )  # fmt: skip
    assert text == "strawberry\nblueberry"


def test_tool_calls_that_are_interleaved_are_each_put_together() -> None:
    def call(index: int, **function: str) -> bytes:
        return chunk(tool_calls=[{"index": index, "function": function}])

    text = stream_of(
        call(0, name="look_up", arguments=""),
        call(1, name="write", arguments=""),
        call(0, arguments='{"word": "str'),
        call(1, arguments="{}"),
        call(0, arguments='awberry"}'),
    )
    assert text == 'look_up{"word": "strawberry"}\nwrite{}'


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "Hello."}, "Hello."),
        ({"content": None, "refusal": "No."}, "No."),
        ({"reasoning_content": "Hm.", "content": "Yes."}, "Hm.\nYes."),
        ({"reasoning": "Hm.", "content": "Yes."}, "Hm.\nYes."),
        ({"reasoning_content": "Hm.", "reasoning": "Hm."}, "Hm."),
        ({"function_call": {"name": "f", "arguments": "{}"}}, "f{}"),
        ({"tool_calls": [{"custom": {"name": "sql", "input": "select"}}]}, "sqlselect"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]},
            "Hm.",
        ),
        (
            {
                "tool_calls": [
                    {"function": {"name": "f", "arguments": "1"}},
                    {"function": {"name": "g", "arguments": "2"}},
                ]
            },
            "f1\ng2",
        ),
    ],
)
def test_every_kind_of_text_is_found_in_documents_and_streams_alike(
    message: dict[str, Any], text: str
) -> None:
    assert text_in(document(message), stream=False) == text
    assert stream_of(chunk(**message)) == text


def test_all_choices_of_a_document_are_read() -> None:
    answer = document({"content": "one"}, {"content": "two"})
    assert text_in(answer, stream=False) == "one\ntwo"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_end_in_any_of_three_ways(end: bytes) -> None:
    lines = [
        b": a comment",
        b"event: message",
        b"id: 7",
        b"data: one",
        b"data:two",
        b"",
        b"data: x",
    ]
    assert list(events_in(end.join(lines))) == [b"one\ntwo", b"x"]


def test_an_event_without_data_is_none_and_a_byte_order_mark_is_passed_over() -> None:
    assert list(events_in(b"\xef\xbb\xbfdata: 1\n\n: ping\n\nretry: 5\n\n\n\ndata\n\n")) == [b"1"]


def test_json_over_several_data_lines_is_one_document() -> None:
    lines = b'data: {"choices": [{"delta":\r\ndata: {"content": "Hi"}}]}\r\n\r\n'
    assert text_in(lines, stream=True) == "Hi"


def test_what_cannot_be_read_is_left_out_and_the_rest_is_found() -> None:
    garbage = [
        b"data: [DONE]",
        b"data: {not json",
        b"data: \xff\xfe",
        b'data: {"choices": 3}',
        b'data: {"choices": [null, 7, {"delta": []}, {"delta": {"content": 5}}]}',
        b'data: {"choices": [{"delta": {"tool_calls": [{"function": "f"}], "content": {}}}]}',
        b'data: {"error": {"message": "broken"}}',
        b"data: " + b"[" * 100_000,
        b"data: " + b"[" * 5_000 + b"]" * 5_000,
        b"nonsense",
    ]
    assert stream_of(chunk(content="a"), *garbage, chunk(content="b")) == "ab"
    assert text_in(b"<html>", stream=False) == ""
    assert text_in(b"[1]", stream=False) == ""


def test_a_field_of_the_wrong_kind_does_not_hide_its_neighbours() -> None:
    assert stream_of(chunk(content="kept", refusal=7, tool_calls="x", reasoning={})) == "kept"


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_whatever_make_it_fail(answer: bytes, stream: bool) -> None:
    assert isinstance(text_in(answer, stream=stream), str)


@given(st.text(max_size=200), st.integers(1, 3))
def test_a_stream_holds_the_same_text_as_the_document(text: str, choices: int) -> None:
    answer = answer_to(a_body(n=choices), answer_id="a", created=0, text=text)
    whole = text_in(answer.document(), stream=False)
    assert text_in(b"".join(answer.events()), stream=True) == whole
