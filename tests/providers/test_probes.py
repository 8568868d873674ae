"""The request by which an administrator tests a provider."""

import json
from typing import Any, cast

import pytest

from pouch.domain.errors import UpstreamError
from pouch.domain.plugin import BuiltProvider, ProviderPorts
from pouch.domain.provider import Transport
from pouch.providers import mock, openai
from tests.fakes.clock import FakeClock

PORTS = ProviderPorts(FakeClock(), cast(Transport, None))


def a_mock(**config: Any) -> BuiltProvider:
    return mock.PLUGIN.build(mock.Config.model_validate(config), PORTS)


async def probed(built: BuiltProvider) -> tuple[int, bytes]:
    assert built.probe is not None
    answer = await built.transport.send(built.probe)
    return answer.status, b"".join([part async for part in answer.body])


def test_an_openai_server_is_asked_for_its_models_with_the_secret() -> None:
    config = openai.Config.model_validate(
        {"api_key": "sk-1", "base_url": "http://127.0.0.1:8000/v1/", "headers": {"x-team": "a"}}
    )
    probe = openai.PLUGIN.build(config, PORTS).probe
    assert probe is not None
    assert (probe.method, probe.url, probe.content) == (
        "GET",
        "http://127.0.0.1:8000/v1/models",
        b"",
    )
    headers = dict(probe.headers)
    assert (headers["authorization"], headers["x-team"]) == ("Bearer sk-1", "a")
    assert "sk-1" not in repr(probe)


async def test_the_mock_answers_its_test_by_itself() -> None:
    built = a_mock()
    status, body = await probed(built)
    assert (status, json.loads(body)) == (200, {"object": "list", "data": []})
    assert isinstance(built.transport, mock.MockTransport)
    assert built.transport.tally.requests == 0


async def test_a_mock_that_is_to_fail_fails_its_test() -> None:
    assert (await probed(a_mock(status=503)))[0] == 503
    with pytest.raises(UpstreamError):
        await probed(a_mock(connection="refused"))
