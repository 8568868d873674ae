"""An answer that no model made looks like OpenAI's, and tells the truth about its size."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from pouch.domain.mock_answer import (
    DONE,
    ECHO_LENGTH_MAX,
    WITHOUT_A_QUESTION,
    MockAnswer,
    answer_to,
    default_text,
    pieces_of,
)
from tests.fakes.chat import a_body

TOOLS = [
    {"type": "function", "function": {"name": "look_up", "parameters": {}}},
    {"type": "function", "function": {"name": "write_down", "parameters": {}}},
]
WRITE_DOWN = {"type": "function", "function": {"name": "write_down"}}


def answer(text: str | None = None, bound: int | None = None, **fields: Any) -> MockAnswer:
    return answer_to(
        a_body(**fields),
        answer_id="chatcmpl-1",
        created=1_768_478_400,
        text=text,
        tool_choice=fields.get("tool_choice"),
        output_bound=bound,
    )


def chunks_of(made: MockAnswer) -> list[dict[str, Any]]:
    *events, done = made.events()
    assert done == DONE
    assert all(event.startswith(b"data: {") and event.endswith(b"}\n\n") for event in events)
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


def test_a_document_is_one_that_the_openai_sdk_reads() -> None:
    completion = ChatCompletion.model_validate_json(answer("Hello there.").document(), strict=True)
    (choice,) = completion.choices
    assert (completion.id, completion.created) == ("chatcmpl-1", 1_768_478_400)
    assert completion.model == "gpt-4o-mini"
    assert choice.message.content == "Hello there."
    assert choice.finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 2  # "Say hello."
    assert completion.usage.completion_tokens == 2
    assert completion.usage.total_tokens == 4


def test_a_stream_is_role_then_words_then_the_reason_it_ended() -> None:
    chunks = chunks_of(answer("Hello there, friend.", stream=True))
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Hello "},
        {"content": "there, "},
        {"content": "friend."},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 4 + ["stop"]
    assert all("usage" not in chunk for chunk in chunks)


def test_usage_comes_last_in_a_stream_that_asks_for_it_and_is_null_before() -> None:
    chunks = chunks_of(answer("a b", stream=True, stream_options={"include_usage": True}))
    *others, last = chunks
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 2
    assert all(chunk["usage"] is None for chunk in others)


def test_without_a_text_the_last_thing_the_user_said_is_echoed() -> None:
    messages = [
        {"role": "user", "content": "first"},
        {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "image_url"}]},
        {"role": "assistant", "content": "no"},
    ]
    body = a_body(messages=messages)
    assert default_text(body) == 'Mock response to: "second"'


@pytest.mark.parametrize(
    "messages",
    [[], [{"role": "system", "content": "be nice"}], [{"role": "user", "content": None}], [{}]],
)
def test_without_a_question_a_fixed_sentence_is_said(messages: list[dict[str, Any]]) -> None:
    assert default_text(a_body(messages=messages)) == WITHOUT_A_QUESTION


def test_an_echo_is_of_bounded_length() -> None:
    assert len(default_text(a_body("x" * 1_000_000))) < ECHO_LENGTH_MAX + 100


@pytest.mark.parametrize(
    ("limit", "bound"), [({"max_tokens": 2}, None), ({"max_tokens": 5}, 2), ({}, 2)]
)
def test_an_output_bound_cuts_the_answer(limit: dict[str, int], bound: int | None) -> None:
    made = answer("one two three", bound, **limit)
    document = json.loads(made.document())
    assert document["choices"][0]["message"]["content"] == "one two "
    assert document["choices"][0]["finish_reason"] == "length"
    assert document["usage"]["completion_tokens"] == 2
    assert chunks_of(made)[-1]["choices"][0]["finish_reason"] == "length"


def test_a_bound_that_is_just_enough_cuts_nothing() -> None:
    assert answer("one two three", 3).finish_reason == "stop"


def test_every_choice_is_answered_and_counted() -> None:
    made = answer("a b", n=3)
    document = json.loads(made.document())
    assert [choice["index"] for choice in document["choices"]] == [0, 1, 2]
    assert document["usage"]["completion_tokens"] == 6
    said: dict[int, str] = {}
    for chunk in chunks_of(made):
        (choice,) = chunk["choices"]
        said.setdefault(choice["index"], "")
        said[choice["index"]] += choice["delta"].get("content", "")
    assert said == {0: "a b", 1: "a b", 2: "a b"}


@pytest.mark.parametrize(
    ("tool_choice", "called"), [("required", "look_up"), (WRITE_DOWN, "write_down")]
)
def test_a_demanded_tool_is_called_in_a_document(tool_choice: object, called: str) -> None:
    document = answer(tools=TOOLS, tool_choice=tool_choice).document()
    (choice,) = ChatCompletion.model_validate_json(document).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == (called, "{}")


def test_a_demanded_tool_is_called_in_a_stream() -> None:
    chunks = chunks_of(answer(tools=TOOLS, tool_choice="required", stream=True))
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    first, second, last = (chunk["choices"][0] for chunk in chunks)
    assert first["delta"]["tool_calls"][0]["function"]["name"] == "look_up"
    assert second["delta"]["tool_calls"] == [{"index": 0, "function": {"arguments": "{}"}}]
    assert last["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": TOOLS},
        {"tools": TOOLS, "tool_choice": "auto"},
        {"tools": TOOLS, "tool_choice": "none"},
        {"tool_choice": "required"},
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "unknown"}}},
        {"tools": TOOLS, "tool_choice": 7},
    ],
)
def test_a_tool_that_is_not_demanded_is_not_called(fields: dict[str, Any]) -> None:
    assert answer("words", **fields).tool is None


def test_a_tool_call_counts_against_the_bound() -> None:
    cut = answer(bound=1, tools=TOOLS, tool_choice="required")
    assert cut.finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage["completion_tokens"] == 1


def test_the_same_question_has_the_same_answer() -> None:
    assert list(answer().events()) == list(answer().events())
    assert answer().document() == answer().document()


def test_text_that_is_no_valid_unicode_is_still_answered() -> None:
    json.loads(answer("lone \ud800 surrogate").document().decode())


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text
