import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.api.chat_body import parse_chat_body
from pouch.domain.chat import Image
from pouch.domain.errors import InvalidRequestError

HELLO = [{"role": "user", "content": "Hello"}]


def raw(**fields: object) -> bytes:
    return json.dumps({"model": "m", "messages": HELLO} | fields).encode()


def test_what_prices_a_request_is_read() -> None:
    body = parse_chat_body(
        raw(
            stream=True,
            stream_options={"include_usage": True},
            max_tokens=10,
            max_completion_tokens=20,
            n=3,
            service_tier="flex",
            modalities=["text", "audio"],
            tools=[{"type": "function"}],
            prediction={"type": "content", "content": "abc"},
        )
    )
    assert (body.model, body.stream, body.include_usage) == ("m", True, True)
    assert (body.output_limit, body.choices, body.service_tier) == (20, 3, "flex")
    assert body.audio_output
    assert body.prediction_bytes >= len("abc")
    assert body.tools == [{"type": "function"}]


def test_an_unknown_field_stays_as_the_json_it_came_in() -> None:
    body = parse_chat_body(b'{"model":"m","messages":[{"role":"user"}],"seed":1.0e400 }')
    assert bytes(body.fields["seed"]).strip() == b"1.0e400"  # type: ignore[call-overload]


def test_a_field_given_twice_counts_once() -> None:
    body = parse_chat_body(
        b'{"model":"m","messages":[{"role":"user"}],"max_tokens":1,"max_tokens":9}'
    )
    assert body.output_limit == 9
    assert bytes(body.fields["max_tokens"]) == b"9"  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"model": None}, "model"),
        ({"model": "m" * 257}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [1]}, "messages"),
        ({"messages": [{}]}, "messages[0].role"),
        ({"messages": [{"role": 5}]}, "messages[0].role"),
        ({"messages": [*HELLO, {"role": "user", "content": 5}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1e30}, "max_tokens"),
        ({"max_tokens": "ten"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_completion_tokens": 2**31}, "max_completion_tokens"),
        ({"n": 1000}, "n"),
        ({"n": 0}, "n"),
        ({"n": 1.5}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"tools": {}}, "tools"),
        ({"service_tier": 1}, "service_tier"),
        ({"modalities": "audio"}, "modalities"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    fields: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_chat_body(raw(**fields))
    assert refusal.value.param == param


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b"5",
        b'{"model":"m"',
        b'{"model":"m"}',
        b'{"model":"\xff"}',
        b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"m","messages":[{"role":"user","content":' + b"[" * 100_000 + b"]}]}",
        b'{"x":' * 100_000,
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parse_chat_body(body)


def test_null_is_as_good_as_absent() -> None:
    body = parse_chat_body(
        raw(max_tokens=None, n=None, stream=None, stream_options=None, tools=None)
    )
    assert (body.output_limit, body.choices, body.stream, body.include_usage) == (
        None,
        1,
        False,
        False,
    )


def test_images_are_told_from_text_and_from_one_another() -> None:
    data = "data:image/png;base64,AAAA"
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": data, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
    ]
    media = parse_chat_body(raw(messages=[{"role": "user", "content": parts}])).media
    assert media.images == (Image("low", data), Image("auto", None))
    assert media.inline_bytes == len(data)
    assert media.unbounded is None


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
        {"type": ["text"]},
        {},
    ],
)
def test_a_part_whose_tokens_nothing_bounds_is_named(part: dict[str, object]) -> None:
    media = parse_chat_body(raw(messages=[{"role": "user", "content": [part]}])).media
    assert media.unbounded is not None


def test_an_image_cannot_hide_behind_the_type_of_text() -> None:
    part = {"type": "text", "text": "", "image_url": {"url": "https://example.org/cat.png"}}
    media = parse_chat_body(raw(messages=[{"role": "user", "content": [part]}])).media
    assert len(media.images) == 1


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_parsed_or_refused(body: bytes) -> None:
    try:
        parse_chat_body(body)
    except InvalidRequestError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ["messages", "max_tokens", "n", "stream", "stream_options", "tools", "modalities"], JSON
        ),
    )
)
def test_arbitrary_values_are_parsed_or_refused(fields: dict[str, object]) -> None:
    try:
        parse_chat_body(raw(**fields))
    except InvalidRequestError:
        return
