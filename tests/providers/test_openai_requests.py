"""What goes to a provider that speaks OpenAI's chat completions."""

import json
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest
from pydantic import ValidationError

from pouch.domain.pipeline import Route
from pouch.domain.plugin import ProviderPorts
from pouch.domain.provider import Transport, UpstreamRequest
from pouch.providers.openai import PLUGIN, Config
from tests.fakes.chat import a_body, a_request
from tests.fakes.clock import FakeClock

SECRET = "sk-very-secret"


def sent(
    config: dict[str, Any] | None = None,
    *,
    bound: int | None = None,
    route: Route | None = None,
    **fields: Any,
) -> UpstreamRequest:
    """What a provider with ``config`` sends for a body with ``fields``."""
    settings = Config.model_validate({"api_key": SECRET, **(config or {})})
    built = PLUGIN.build(settings, ProviderPorts(FakeClock(), cast(Transport, None)))
    return built.provider.prepare(a_request(body=a_body(**fields), output_bound=bound, route=route))


def sent_fields(*args: Any, **kwargs: Any) -> dict[str, Any]:
    fields = json.loads(sent(*args, **kwargs).content)
    assert isinstance(fields, dict)
    return fields


LOCAL = {"base_url": "http://127.0.0.1:8000/v1"}


def test_the_request_goes_to_the_base_url_with_the_operators_secret() -> None:
    request = sent()
    assert request.method == "POST"
    assert request.url == "https://api.openai.com/v1/chat/completions"
    headers = dict(request.headers)
    agent = headers.pop("user-agent")
    assert agent.startswith("pouch/")
    assert headers == {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "authorization": f"Bearer {SECRET}",
    }


def test_the_headers_are_built_once_for_all_requests() -> None:
    built = PLUGIN.build(
        Config.model_validate({"api_key": SECRET}),
        ProviderPorts(FakeClock(), cast(Transport, None)),
    )
    one = built.provider.prepare(a_request())
    other = built.provider.prepare(a_request())
    assert one.headers is other.headers


def test_the_model_is_the_routes_and_not_the_clients_alias() -> None:
    route = Route("cheap", "openai", "gpt-4o-mini-2024-07-18", price=None)
    assert sent_fields(route=route, model="cheap")["model"] == "gpt-4o-mini-2024-07-18"


def test_fields_that_the_gateway_does_not_change_go_on_byte_for_byte() -> None:
    raw = (
        b'{"model":"x","messages": [ {"role":"user", "content":"caf\\u00e9 \xc3\xa9"} ],'
        b'"seed": 1.0e2, "big":123456789012345678901234567890, "mock": {"cut_after" : 2},'
        b'"unknown":{"b":1, "a":[ 2 ]}}'
    )
    body = a_body()
    fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    request = a_request(body=type(body)(fields, len(raw), "x", ()))
    built = PLUGIN.build(Config(), ProviderPorts(FakeClock(), cast(Transport, None)))
    content = built.provider.prepare(request).content
    assert content == (
        b'{"model":"gpt-4o-mini","messages":[ {"role":"user", "content":"caf\\u00e9 \xc3\xa9"} ],'
        b'"seed":1.0e2,"big":123456789012345678901234567890,"mock":{"cut_after" : 2},'
        b'"unknown":{"b":1, "a":[ 2 ]}}'
    )


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({}, "max_completion_tokens"),
        ({"base_url": "https://eu.api.openai.com/v1/"}, "max_completion_tokens"),
        ({"base_url": "https://me.openai.azure.com/openai/v1"}, "max_completion_tokens"),
        ({"base_url": "https://api.openai.com.evil.example/v1"}, "max_tokens"),
        ({"base_url": "https://openrouter.ai/api/v1"}, "max_tokens"),
        (LOCAL, "max_tokens"),
        ({**LOCAL, "output_limit": "max_completion_tokens"}, "max_completion_tokens"),
        ({"output_limit": "max_tokens"}, "max_tokens"),
    ],
)
def test_the_bound_is_sent_under_the_name_that_the_server_knows(
    config: dict[str, Any], name: str
) -> None:
    fields = sent_fields(config, bound=700)
    assert fields[name] == 700
    assert len({"max_tokens", "max_completion_tokens"} & fields.keys()) == 1


def test_without_a_bound_nothing_is_added() -> None:
    assert sent_fields().keys() == {"model", "messages"}


@pytest.mark.parametrize("bound", [None, 50, 51])
def test_a_limit_that_the_client_named_stays_if_the_bound_is_no_lower(bound: int | None) -> None:
    fields = sent_fields(bound=bound, max_tokens=50)
    assert fields["max_tokens"] == 50
    assert "max_completion_tokens" not in fields


def test_a_limit_that_the_client_named_is_lowered_to_the_bound() -> None:
    fields = sent_fields(bound=20, max_tokens=50, max_completion_tokens=10)
    assert (fields["max_tokens"], fields["max_completion_tokens"]) == (20, 10)


def test_a_limit_under_a_name_that_the_server_may_ignore_goes_on_under_the_one_it_knows() -> None:
    fields = sent_fields(LOCAL, bound=50, max_completion_tokens=50)
    assert fields["max_tokens"] == 50
    assert "max_completion_tokens" not in fields


def test_a_limit_of_null_is_none() -> None:
    assert sent_fields(LOCAL, bound=50, max_tokens=None)["max_tokens"] == 50


def test_a_stream_is_asked_to_report_usage() -> None:
    assert sent_fields(stream=True)["stream_options"] == {"include_usage": True}


def test_the_clients_other_stream_options_stay() -> None:
    options = {"include_obfuscation": False, "include_usage": False}
    fields = sent_fields(stream=True, stream_options=options)
    assert fields["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert sent_fields(stream=True, stream_options=None)["stream_options"] == {
        "include_usage": True
    }


def test_usage_is_not_asked_for_where_it_comes_anyway_or_the_server_refuses_it() -> None:
    assert "stream_options" not in sent_fields()
    assert "stream_options" not in sent_fields({"stream_usage": False}, stream=True)


def test_a_server_without_keys_is_sent_no_authorization() -> None:
    request = sent({**LOCAL, "requires_key": False, "api_key": ""})
    assert "authorization" not in dict(request.headers)


def test_static_headers_organization_and_project_are_sent() -> None:
    request = sent(
        {"headers": {"HTTP-Referer": "https://me.example"}, "organization": "o", "project": "p"}
    )
    headers = dict(request.headers)
    assert headers["http-referer"] == "https://me.example"
    assert (headers["openai-organization"], headers["openai-project"]) == ("o", "p")


def test_a_secret_read_from_a_file_may_end_in_a_newline() -> None:
    config = Config.model_validate({"api_key": f"{SECRET}\n"})
    assert PLUGIN.off(config) is None
    assert ("authorization", f"Bearer {SECRET}") in headers_of(config)


def headers_of(config: Config) -> Sequence[tuple[str, str]]:
    built = PLUGIN.build(config, ProviderPorts(FakeClock(), cast(Transport, None)))
    return built.provider.prepare(a_request()).headers


@pytest.mark.parametrize("key", ["", " \n"])
def test_without_its_secret_the_provider_is_off_and_says_what_to_do(key: str) -> None:
    reason = PLUGIN.off(Config.model_validate({"api_key": key}))
    assert reason is not None
    assert "OPENAI_API_KEY" in reason
    assert PLUGIN.off(Config.model_validate({"api_key": key, "requires_key": False})) is None


@pytest.mark.parametrize(
    "config",
    [
        {"api_key": f"{SECRET}\r\nx-injected: 1"},
        {"api_key": f"{SECRET}\u00e9"},
        {"api_key": "fine", "headers": {"x-token": f"{SECRET}\nx"}},
        {"api_key": "fine", "headers": {"x-token": ""}},
    ],
)
def test_what_no_header_can_carry_turns_the_provider_off_without_telling_it(
    config: dict[str, Any],
) -> None:
    reason = PLUGIN.off(Config.model_validate(config))
    assert reason is not None
    assert SECRET not in reason


def test_neither_the_config_nor_its_errors_show_a_secret() -> None:
    config = Config.model_validate({"api_key": SECRET, "headers": {"x-token": SECRET}})
    with pytest.raises(ValidationError) as mistake:
        Config.model_validate({"api_key": SECRET, "headers": {"host": SECRET}, "typo": 1})
    for shown in (repr(config), str(config), config.model_dump_json(), str(mistake.value)):
        assert SECRET not in shown


def test_the_base_url_is_told_without_a_slash_at_its_end() -> None:
    config = Config.model_validate({"base_url": "https://llm.example:8443/v1/"})
    assert PLUGIN.base_url(config) == "https://llm.example:8443/v1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://llm.example/v1",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "https://user:pass@llm.example/v1",
        "https://user@llm.example/v1",
        "https://llm.example/v1?key=1",
        "https://llm.example/v1#x",
        "https://llm.example/v1?",
        "https://llm.example:port/v1",
        "https://llm.example:99999/v1",
        "https://llm.example:0/v1",
        "https://llm.example/v 1",
        "https://llm.example/v1\r\nx: y",
        "https://[llm/v1",
    ],
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"base_url": url})


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": {"host": "x"}},
        {"headers": {"Content-Length": "0"}},
        {"headers": {"a b": "x"}},
        {"headers": {"": "x"}},
        {"headers": {"X-A": "1", "x-a": "2"}},
        {"output_limit": "max"},
        {"organization": "a\nb"},
        {"apikey": "x"},
    ],
)
def test_other_mistakes_in_its_config_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(wrong)
