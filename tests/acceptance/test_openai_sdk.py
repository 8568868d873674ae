"""The official ``openai`` SDK, unmodified, against ``pouch serve`` in its own process."""

import json
from typing import Any

import httpx
import openai
import pytest

from tests.acceptance.conftest import client_of
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, completion, delta, tokens

ASK: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(gateway: GatewayProcess, request: pytest.FixtureRequest) -> openai.OpenAI:
    return client_of(
        gateway, gateway.create_key(request.node.name[:50].replace("[", " ")[:40], "5")
    )


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    listed = [model.id for model in client.models.list()]
    assert listed == ["mock", "paid-mock", "gpt-4o-mini", "unpriced"]
    assert client.models.retrieve("gpt-4o-mini").owned_by == "scripted"
    assert client.models.retrieve("scripted/gpt-4o-mini").id == "scripted/gpt-4o-mini"


def test_a_chat_is_answered(client: openai.OpenAI, provider: Upstream) -> None:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert answer.choices[0].message.content == "Hello there."
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 20
    call = provider.calls[0]
    assert call.headers["authorization"] == "Bearer sk-upstream-secret"
    assert call.body["model"] == "gpt-4o-mini"
    assert call.body["max_tokens"] == 16384


def test_the_answer_says_what_it_cost(gateway: GatewayProcess, provider: Upstream) -> None:
    client = client_of(gateway, gateway.create_key("priced", "5"))
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini",
        messages=ASK,
        max_tokens=100,
    )
    assert raw.headers["x-pouch-cost"] == "0.0000135"
    assert raw.headers["x-pouch-remaining"] == "4.9999865"
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-custom"] == "kept"
    [logged] = gateway.settled(1, "priced")
    assert logged["id"] == raw.headers["x-request-id"]
    assert logged["cost_usd"] == "0.0000135"
    assert logged["evidence"] == "provider_usage"
    assert logged["usage"]["input_tokens"] == 10
    pouch = gateway.key("priced")["pouch"]
    assert (pouch["spent_usd"], pouch["reserved_usd"]) == ("0.0000135", "0.00")


def test_a_stream_comes_without_usage_unless_asked(
    client: openai.OpenAI, provider: Upstream
) -> None:
    chunks = list(client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert text == "Hello there my friend."
    assert all(chunk.usage is None for chunk in chunks)
    assert provider.calls[0].body["stream_options"] == {"include_usage": True}


def test_a_stream_comes_with_usage_if_asked(client: openai.OpenAI, provider: Upstream) -> None:
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o-mini",
            messages=ASK,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 20


@pytest.mark.parametrize("model", ["mock", "paid-mock"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_mock_provider_answers(client: openai.OpenAI, model: str, stream: bool) -> None:
    if stream:
        chunks = client.chat.completions.create(model=model, messages=ASK, stream=True)
        text = "".join(c.choices[0].delta.content or "" for c in chunks)
    else:
        text = (
            client.chat.completions.create(model=model, messages=ASK).choices[0].message.content
            or ""
        )
    assert "Hello" in text


def test_tools_go_out_and_tool_calls_come_back(client: openai.OpenAI, provider: Upstream) -> None:
    call: Any = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a":1}'},
    }
    message: Any = {"role": "assistant", "content": None, "tool_calls": [call]}

    async def script(upstream_call: Call) -> None:
        document = json.loads(completion(usage=tokens(30, 10)))
        document["choices"][0] = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        await upstream_call.whole(json.dumps(document).encode())

    provider.script = script
    tool: Any = {
        "type": "function",
        "function": {"name": "add", "parameters": {"type": "object", "properties": {}}},
    }
    answer = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=ASK,
        tools=[tool],
    )
    assert provider.calls[0].body["tools"] == [tool]
    assert answer.choices[0].message.tool_calls is not None
    [tool_call] = answer.choices[0].message.tool_calls
    assert tool_call.type == "function"
    assert tool_call.function.name == "add"
    follow_up: Any = [*ASK, message, {"role": "tool", "tool_call_id": "call_1", "content": "3"}]
    client.chat.completions.create(model="gpt-4o-mini", messages=follow_up, tools=[tool])
    assert provider.calls[1].body["messages"] == follow_up


def test_vision_parts_pass_untouched(client: openai.OpenAI, provider: Upstream) -> None:
    pixel = (
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
        "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": pixel, "detail": "low"}},
    ]
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": parts}],
        max_tokens=10,
    )
    assert provider.calls[0].body["messages"][0]["content"] == parts


def test_fields_unknown_here_pass_untouched(client: openai.OpenAI, provider: Upstream) -> None:
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=ASK,
        extra_body={"brand_new": {"deep": [1, 2.50, None]}},
    )
    assert provider.calls[0].body["brand_new"] == {"deep": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_the_providers_errors_pass_through_and_cost_nothing(
    gateway: GatewayProcess, provider: Upstream, status: int, kind: type[openai.APIStatusError]
) -> None:
    async def script(call: Call) -> None:
        error = {"error": {"message": "from upstream", "type": "t", "code": "c", "param": None}}
        await call.whole(json.dumps(error).encode(), status=status)

    provider.script = script
    name = f"status {status}"
    client = client_of(gateway, gateway.create_key(name, "5"))
    with pytest.raises(kind, match="from upstream") as caught:
        client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert caught.value.status_code == status
    [logged] = gateway.settled(1, name)
    assert (logged["evidence"], logged["cost_usd"]) == ("refused", "0.00")
    assert gateway.key(name)["pouch"]["spent_usd"] == "0.00"


def test_the_gateways_own_errors_are_the_sdks_classes(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    with pytest.raises(openai.AuthenticationError):
        client_of(gateway, "pouch-" + "x" * 43).models.list()
    poor = client_of(gateway, gateway.create_key("poor", "0.0001", models=["gpt-4o-mini"]))
    with pytest.raises(openai.PermissionDeniedError):
        poor.chat.completions.create(model="mock", messages=ASK)
    with pytest.raises(openai.NotFoundError):
        poor.chat.completions.create(model="no-such-model", messages=ASK)
    with pytest.raises(openai.BadRequestError):
        poor.chat.completions.create(model="gpt-4o-mini", messages=ASK, max_tokens=0)
    with pytest.raises(openai.APIStatusError) as refusal:
        poor.chat.completions.create(model="gpt-4o-mini", messages=ASK, max_tokens=5000)
    assert refusal.value.status_code == 402
    assert isinstance(refusal.value.body, dict)
    assert refusal.value.body["code"] == "budget_exceeded"
    assert 0 < refusal.value.body["largest_max_output_tokens"] < 5000
    assert refusal.value.response.headers["x-should-retry"] == "false"
    limited = client_of(
        gateway, gateway.create_key("limited", rate_limit={"requests": 1, "per_s": 60})
    )
    limited.chat.completions.create(model="mock", messages=ASK)
    with pytest.raises(openai.RateLimitError) as limit:
        limited.chat.completions.create(model="mock", messages=ASK)
    assert int(limit.value.response.headers["retry-after"]) > 0
    assert not provider.calls


def test_an_unpriced_model_is_refused_with_the_lines_that_price_it(
    client: openai.OpenAI, provider: Upstream
) -> None:
    with pytest.raises(openai.APIStatusError, match="unheard-of") as refusal:
        client.chat.completions.create(model="unpriced", messages=ASK)
    assert refusal.value.status_code == 402
    assert "pricing:" in refusal.value.message
    assert not provider.calls


def test_an_error_in_mid_stream_raises_and_does_not_look_whole(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    async def script(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        await call.event(delta("Hello "))
        call.writer.transport.abort()

    provider.script = script
    secret = gateway.create_key("broken", "5")
    client = client_of(gateway, secret)
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in client.chat.completions.create(
            model="gpt-4o-mini",
            messages=ASK,
            stream=True,
        ):
            seen.append(chunk)  # noqa: PERF402
    assert len(seen) == 1
    assert gateway.settled(1, "broken")[0]["evidence"] == "counted"
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(
            f"{gateway.url}/v1/chat/completions",
            headers={"authorization": f"Bearer {secret}"},
            json={"model": "gpt-4o-mini", "messages": ASK, "stream": True},
        )


def test_an_unreachable_provider_is_a_502_and_costs_nothing(own_gateway: GatewayProcess) -> None:
    own_gateway.config.write_text(
        own_gateway.config.read_text().replace(
            'base_url: "http://127.0.0.1:', 'base_url: "http://127.0.0.2:'
        )
    )
    own_gateway.start()
    client = client_of(own_gateway, own_gateway.create_key("app", "5"))
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert caught.value.status_code == 502
    assert own_gateway.settled(1)[0]["evidence"] == "not_sent"
