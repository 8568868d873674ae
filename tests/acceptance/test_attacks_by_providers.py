"""What a provider can do to the money, the secrets and the loop, by malice or by mistake."""

import json
from typing import Any

import httpx
import pytest

from tests.acceptance.test_attacks import ASK, WORDS, ask, longest_silence_s, stream_of
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, completion, delta, tokens

SECRET = "sk-upstream-secret"
# What the test's model costs by its own usage of 10 and 20 tokens.
REPORTED_USD = "0.0000135"


def usage_event(prompt: int, completion_tokens: int) -> dict[str, Any]:
    return {**delta(None), "choices": [], "usage": tokens(prompt, completion_tokens)}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("first", [usage_event(10, 0), {**delta("a "), "usage": tokens(10, 0)}])
def test_usage_that_comes_before_the_text_does_not_make_the_text_free(
    gateway: GatewayProcess, provider: Upstream, first: dict[str, Any], whole: bool
) -> None:
    key = gateway.create_key("early usage", "1")
    provider.script = stream_of(first, *WORDS, whole=whole)
    try:
        ask(gateway, key, stream=True)
    except httpx.RemoteProtocolError:
        assert not whole
    [logged] = gateway.settled(1, "early usage")
    assert logged["evidence"] == "counted"
    assert logged["usage"]["output_tokens"] >= 100


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/octet-stream", "Application/JSON; charset=utf-8"]
)
def test_an_answer_is_charged_whatever_type_it_says_it_is_of(
    gateway: GatewayProcess, provider: Upstream, content_type: str
) -> None:
    async def script(call: Call) -> None:
        await call.whole(completion(usage=tokens(10, 20)), content_type=content_type)

    provider.script = script
    key = gateway.create_key("types", "1")
    assert ask(gateway, key).status_code == 200
    [logged] = gateway.settled(1, "types")
    assert (logged["evidence"], logged["cost_usd"]) == ("provider_usage", REPORTED_USD)


def test_a_stream_is_charged_however_its_type_is_spelt(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("spelt", "1")
    provider.script = stream_of(*WORDS, usage_event(10, 20), content_type="Text/Event-Stream")
    assert "word49" in ask(gateway, key, stream=True).text
    [logged] = gateway.settled(1, "spelt")
    assert (logged["evidence"], logged["cost_usd"]) == ("provider_usage", REPORTED_USD)


def test_an_event_that_never_ends_does_not_stop_the_gateway(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    async def script(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        await call.chunk(b'data: {"usage":' + b"x" * 500_000)
        await call.end()

    provider.script = script
    key = gateway.create_key("endless", "1")
    content = json.dumps({**ASK, "stream": True}).encode()
    assert longest_silence_s(gateway, key, content) < 1
    assert gateway.settled(1, "endless")[0]["evidence"] == "counted"


def test_the_providers_secret_reaches_no_client_and_no_log(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    async def script(call: Call) -> None:
        assert SECRET in call.headers["authorization"]
        content = json.dumps({"error": {"message": f"Bad key: {SECRET}"}}).encode()
        await call.write(
            b"HTTP/1.1 401 X\r\ncontent-type: application/json\r\nwww-authenticate: "
            b"Bearer realm=x\r\nopenai-organization: acme\r\nx-pouch-cost: 0\r\n"
            b"authorization: Bearer %s\r\ncontent-length: %d\r\n\r\n%s"
            % (SECRET.encode(), len(content), content)
        )

    provider.script = script
    key = gateway.create_key("secret", "1")
    answer = ask(gateway, key)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "Bad key: ***"
    assert SECRET not in str(answer.headers)
    assert "openai-organization" not in answer.headers
    assert answer.headers["x-pouch-cost"] == "0.00"
    gateway.settled(1, "secret")
    log = gateway.log.read_text(encoding="utf-8")
    assert SECRET not in log
    assert key not in log


def test_a_redirect_is_neither_followed_nor_shown(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    async def script(call: Call) -> None:
        await call.write(
            b"HTTP/1.1 307 X\r\nlocation: http://inside.example/?token=x\r\n"
            b"content-length: 0\r\n\r\n"
        )

    provider.script = script
    answer = ask(gateway, gateway.create_key("redirect", "1"))
    assert answer.status_code == 502
    assert "inside.example" not in answer.text + str(answer.headers)
    assert len(provider.calls) == 1
    assert gateway.settled(1, "redirect")[0]["evidence"] == "refused"
