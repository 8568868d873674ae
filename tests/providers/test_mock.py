"""The provider without a network: what it answers, and what it is asked for."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from pouch.domain.provider import UpstreamRequest
from pouch.providers.mock import PLUGIN, Config
from tests.fakes.clock import START
from tests.fakes.mock_upstream import MockUpstream, read


@pytest.fixture
def upstream() -> MockUpstream:
    return MockUpstream()


async def test_a_whole_answer_is_openais_and_tells_its_usage(upstream: MockUpstream) -> None:
    response = await upstream.send()
    parts, _ = await read(response.body)
    (document,) = parts
    completion = ChatCompletion.model_validate_json(document)
    assert response.status == 200
    assert response.header("content-type") == "application/json"
    assert response.header("x-request-id") == "req-mock-1"
    assert completion.choices[0].message.content == 'Mock response to: "Say hello."'
    assert completion.created == int(START.timestamp())
    reported = upstream.provider.usage_in(document)
    assert reported is not None
    assert (reported.usage.input_tokens, reported.usage.output_tokens) == (2, 5)


async def test_a_stream_comes_an_event_at_a_time_with_the_usage_that_was_asked_for(
    upstream: MockUpstream,
) -> None:
    response = await upstream.send(stream=True)
    parts, error = await read(response.body)
    assert error is None
    assert response.header("content-type").startswith("text/event-stream")
    assert all(part.count(b"\n\n") == 1 for part in parts)
    assert parts[-1] == b"data: [DONE]\n\n"
    reported = upstream.provider.usage_in(parts[-2].removeprefix(b"data: "))
    assert reported is not None
    assert reported.alone
    text = upstream.provider.text_in(b"".join(parts), stream=True)
    assert text == 'Mock response to: "Say hello."'
    assert upstream.tally.bodies_completed == 1


async def test_two_answers_have_different_ids(upstream: MockUpstream) -> None:
    first, second = await upstream.document(), await upstream.document()
    assert first["id"] != second["id"]


async def test_the_bound_that_is_sent_is_honoured(upstream: MockUpstream) -> None:
    response = await upstream.send({"text": "one two three four"}, bound=3)
    (document,), _ = await read(response.body)
    assert json.loads(document)["usage"]["completion_tokens"] == 3
    assert upstream.tally.last_request is not None
    sent = json.loads(upstream.tally.last_request.content)
    assert sent["max_completion_tokens"] == 3


async def test_tools_and_choices_reach_the_answer(upstream: MockUpstream) -> None:
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    document = await upstream.document(tools=tools, tool_choice="required", n=2)
    assert len(document["choices"]) == 2
    call = document["choices"][1]["message"]["tool_calls"][0]
    assert call["function"]["name"] == "look_up"


async def test_behaviour_is_configured_and_a_request_overrides_it() -> None:
    upstream = MockUpstream(text="from the config", usage="none")
    configured = await upstream.document()
    asked = await upstream.document({"text": "from the body"})
    assert configured["choices"][0]["message"]["content"] == "from the config"
    assert asked["choices"][0]["message"]["content"] == "from the body"
    assert "usage" not in configured
    assert "usage" not in asked


async def test_more_can_be_said_than_is_allowed_and_is_reported_in_full(
    upstream: MockUpstream,
) -> None:
    document = await upstream.document({"output_tokens": 500}, max_tokens=10)
    content = document["choices"][0]["message"]["content"]
    assert len(content.split()) == 500
    assert document["usage"]["completion_tokens"] == 500


@pytest.mark.parametrize(
    ("mock", "events", "words"),
    [
        ({"chunks": 64}, 64, 64),
        ({"chunks": 2, "text": "one two three four five"}, 2, 5),
        ({"chunks": 9, "text": "one two"}, 2, 2),
        ({"chunks": 4, "output_tokens": 100}, 4, 100),
        ({"chunks": 4, "text": ""}, 0, 0),
        ({"output_tokens": 0}, 0, 0),
    ],
)
async def test_the_text_comes_in_as_many_events_as_were_asked_for(
    upstream: MockUpstream, mock: dict[str, Any], events: int, words: int
) -> None:
    response = await upstream.send(mock, stream=True)
    parts, _ = await read(response.body)
    assert len(parts) == events + 4  # role, finish, usage, [DONE]
    text = upstream.provider.text_in(b"".join(parts), stream=True)
    assert len(text.split()) == words


async def test_usage_can_be_left_out_of_document_and_stream(upstream: MockUpstream) -> None:
    response = await upstream.send({"usage": "none"}, stream=True)
    parts, _ = await read(response.body)
    found = [upstream.provider.usage_in(part.removeprefix(b"data: ")) for part in parts]
    assert found == [None] * len(parts)
    assert "usage" not in await upstream.document({"usage": "none"})


async def test_usage_can_be_nonsense_or_any_numbers(upstream: MockUpstream) -> None:
    wrong = await upstream.document({"usage": "wrong"})
    explicit = await upstream.document({"usage": {"prompt_tokens": 7, "completion_tokens": 9}})
    assert "usage" in wrong
    assert upstream.provider.usage_in(json.dumps(wrong).encode()) is None
    reported = upstream.provider.usage_in(json.dumps(explicit).encode())
    assert reported is not None
    assert (reported.usage.input_tokens, reported.usage.output_tokens) == (7, 9)


@pytest.mark.parametrize(
    "mock",
    [
        {"cut_afetr": 2},
        {"delay_s": 601},
        {"delay_s": -1},
        {"chunk_delay_s": 1e300},
        {"status": 200},
        {"usage": "some"},
        {"output_tokens": 10**9},
        {"text": "x" * 100_000},
        {"connection": "odd"},
        "fast",
        [1],
    ],
)
async def test_a_wish_that_it_does_not_know_is_answered_with_400(
    upstream: MockUpstream, mock: object
) -> None:
    response = await upstream.send(mock)
    parts, _ = await read(response.body)
    assert response.status == 400
    assert "mock" in json.loads(b"".join(parts))["error"]["message"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"model": 1, "messages": []}', b'{"model": "m"}', b"\xff", b"[" * 100_000],
)
async def test_what_is_no_chat_completion_is_answered_with_400(
    upstream: MockUpstream, content: bytes
) -> None:
    response = await upstream.transport.send(UpstreamRequest("POST", "mock://", (), content))
    parts, _ = await read(response.body)
    assert response.status == 400
    assert "error" in json.loads(b"".join(parts))


def test_it_is_free_and_always_on() -> None:
    assert PLUGIN.is_free
    assert PLUGIN.off(Config()) is None
    assert PLUGIN.base_url(Config()) is None


def test_a_mistake_in_its_config_is_refused() -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"api_key": "x"})
