"""The step that answers in the provider's place."""

import json
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from pouch.domain.pipeline import Request, Response, Route
from pouch.middlewares.mock import Config, Mock
from tests.fakes.chat import Handler, a_body, a_request, ports
from tests.fakes.clock import START


async def answered(request: Request, **config: object) -> Response:
    handler = Handler()
    response = await Mock(Config.model_validate(config), ports())(request, handler)
    assert handler.seen == []
    return response


async def test_it_answers_without_calling_on_and_nothing_counts_as_sent() -> None:
    request = a_request()
    response = await answered(request)
    assert isinstance(response.body, bytes)
    document = json.loads(response.body)
    assert response.status == 200
    assert response.headers == [("content-type", "application/json")]
    assert document["choices"][0]["message"]["content"] == 'Mock response to: "Say hello."'
    assert document["id"] == "chatcmpl-req-1"
    assert document["created"] == int(START.timestamp())
    assert document["model"] == "gpt-4o-mini"
    assert not request.meter.sent


async def test_the_configured_reply_is_given() -> None:
    response = await answered(a_request(), reply="Out of office.")
    assert isinstance(response.body, bytes)
    assert json.loads(response.body)["choices"][0]["message"]["content"] == "Out of office."


async def test_a_stream_is_answered_as_a_stream() -> None:
    response = await answered(a_request(body=a_body(stream=True)), reply="one two")
    assert isinstance(response.body, AsyncIterator)
    events = [event async for event in response.body]
    assert response.headers == [("content-type", "text/event-stream")]
    assert events[-1] == b"data: [DONE]\n\n"
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-1]]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said == "one two"


async def test_the_bound_that_was_reserved_is_honoured() -> None:
    response = await answered(a_request(output_bound=2), reply="one two three")
    assert isinstance(response.body, bytes)
    choice = json.loads(response.body)["choices"][0]
    assert choice["message"]["content"] == "one two "
    assert choice["finish_reason"] == "length"


async def test_a_demanded_tool_is_called() -> None:
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
    choice = {"type": "function", "function": {"name": "look_up"}}
    response = await answered(a_request(body=a_body(tools=[tool], tool_choice=choice)))
    assert isinstance(response.body, bytes)
    message = json.loads(response.body)["choices"][0]["message"]
    assert message["tool_calls"][0]["function"] == {"name": "look_up", "arguments": "{}"}


@pytest.mark.parametrize("match", [["gpt-*"], ["openai/*"], ["x", "gpt-4o-mini"]])
async def test_it_answers_for_models_that_match(match: list[str]) -> None:
    assert (await answered(a_request(), match=match)).status == 200


async def test_a_model_that_does_not_match_goes_on_to_its_provider() -> None:
    handler = Handler()
    request = a_request(route=Route("claude", "anthropic", "claude-x", price=None))
    step = Mock(Config(match=("gpt-*", "openai/*")), ports())
    await step(request, handler)
    assert handler.seen == [request]


@pytest.mark.parametrize("wrong", [{"match": []}, {"replies": "x"}, {"reply": "x" * 20_000}])
def test_a_mistake_in_its_config_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(wrong)
