from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.chat import ChatBody
from pouch.infra.tokens.prompt import count_prompt
from pouch.infra.tokens.text import Tally
from tests.fakes.chat_bodies import chat_body

Count = Callable[..., int]

# The OpenAI cookbook's own examples, with the counts that the API gave for them.
JARGON: Sequence[Mapping[str, object]] = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate "
        "jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities "
        "for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client "
        "deliverable.",
    },
]

HIDDEN = "word " * 500
KEYS = [
    "role", "content", "name", "tool_calls", "function_call", "tool_call_id", "type", "text",
    "image_url", "input_audio", "function", "custom", "arguments", "parameters", "properties",
    "description", "enum", "items", "required", "strict", "id", "url", "x",
]  # fmt: skip
SHAPES = st.recursive(
    st.sampled_from(["", "text", "object", "function", None, True, 3, -2.5, 10**40]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), SHAPES, max_size=5)


@pytest.fixture(scope="session")
def count(vocabularies: dict[str, tiktoken.Encoding]) -> Count:
    def tokens(body: ChatBody, encoding: str = "o200k_base") -> int:
        tally = Tally(vocabularies[encoding].encode_ordinary)
        count_prompt(body, tally, encoding=encoding)
        return tally.tokens

    return tokens


def user(content: object) -> Mapping[str, object]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(("encoding", "tokens"), [("o200k_base", 124), ("cl100k_base", 129)])
def test_messages_and_names_come_to_what_the_api_counted(
    count: Count, encoding: str, tokens: int
) -> None:
    assert count(chat_body(JARGON), encoding) == tokens


def test_an_empty_message_is_seven_tokens(count: Count) -> None:
    assert count(chat_body([user("")])) == 7


def test_text_in_parts_costs_what_the_same_text_costs_whole(count: Count) -> None:
    parts = [{"type": "text", "text": "hello"}, {"type": "text", "text": " world"}]
    assert count(chat_body([user(parts)])) == count(chat_body([user("hello world")]))


def test_tool_calls_and_their_answers_are_counted(count: Count) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages: list[Mapping[str, object]] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    ]
    assert count(chat_body(messages)) == 3 + (3 + 1 + 3 + 1 + 1) + (3 + 1 + 3 + 1)


def test_an_images_data_is_no_text_but_what_stands_beside_it_is(count: Count) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}}
    assert count(chat_body([user([image])])) < 20
    assert count(chat_body([user([{**image, "alt": HIDDEN}])])) > 500


def test_audio_is_as_many_tokens_as_its_bytes(count: Count) -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "A" * 5_000, "format": "wav"}}
    assert 5_000 <= count(chat_body([user([audio])])) < 5_030


def test_a_schema_for_the_answer_is_counted_and_a_temperature_is_not(count: Count) -> None:
    schema = {"type": "json_schema", "json_schema": {"description": HIDDEN}}
    plain = count(chat_body([user("hi")], temperature=0.5, metadata={"note": HIDDEN}))
    assert plain == count(chat_body([user("hi")]))
    assert count(chat_body([user("hi")], response_format=schema)) > plain + 500


def test_fields_still_as_raw_json_are_counted(count: Count) -> None:
    raw = msgspec.json.decode(b'{"guided": "a b c d e f g h"}', type=dict[str, msgspec.Raw])
    body = chat_body([user("hi")])
    with_raw = ChatBody(raw, body.size_bytes, "m", body.messages)
    assert count(with_raw) >= count(body) + 8


def test_a_named_tool_choice_costs_more_than_a_free_one(count: Count) -> None:
    named = {"type": "function", "function": {"name": "f"}}
    free = count(chat_body([user("hi")], tool_choice="auto"))
    assert count(chat_body([user("hi")], tool_choice=named)) >= free + 7


def test_special_tokens_in_text_are_plain_text(count: Count) -> None:
    assert count(chat_body([user("<|endoftext|>")])) == 7 + 7


def test_lone_surrogates_are_counted(count: Count) -> None:
    assert count(chat_body([user("\ud800 and \udfff")])) > 7


def test_a_message_nested_beyond_recursion_is_counted(count: Count) -> None:
    deep: object = HIDDEN
    for _ in range(20_000):
        deep = {"x": [deep]}
    body = ChatBody({}, 10**6, "m", [user(deep)])
    assert count(body) > 500


@given(messages=st.lists(OBJECTS, max_size=3), tools=st.lists(OBJECTS, max_size=3))
def test_no_shape_makes_the_count_fail(
    count: Count, messages: list[dict[str, object]], tools: list[dict[str, object]]
) -> None:
    assert count(chat_body(messages, tools=tools)) >= 3 + 3 * len(messages)


@given(shape=OBJECTS, as_tool=st.booleans(), data=st.data())
def test_no_text_hides_from_the_count(
    count: Count, shape: dict[str, object], as_tool: bool, data: st.DataObject
) -> None:
    hide(shape, data)
    body = chat_body([user("")], tools=[shape]) if as_tool else chat_body([shape])
    assert count(body) > 500


def hide(shape: dict[str, object], data: st.DataObject) -> None:
    """Put a long text somewhere into ``shape``: as a value, or as a key."""
    place: dict[str, object] | list[object] = shape
    while True:
        values = list(place.values()) if isinstance(place, dict) else place
        inner = [value for value in values if isinstance(value, dict | list)]
        if not inner or data.draw(st.booleans()):
            break
        place = data.draw(st.sampled_from(inner))
    if isinstance(place, list):
        place.append(HIDDEN)
    elif data.draw(st.booleans()):
        place[HIDDEN] = "x"
    else:
        place[data.draw(st.sampled_from(KEYS))] = HIDDEN
