"""The mock provider with its transport, and a way to send requests to it."""

import json
from typing import Any, cast

from pouch.domain.errors import UpstreamError
from pouch.domain.plugin import ProviderPorts
from pouch.domain.provider import Transport, UpstreamBody, UpstreamResponse
from pouch.providers.mock import PLUGIN, Config, MockTransport
from tests.fakes.chat import a_body, a_request
from tests.fakes.clock import FakeClock


class MockUpstream:
    """A mock with its transport, and the requests that a test sends to it."""

    def __init__(self, **config: Any) -> None:
        settings = Config.model_validate(config)
        built = PLUGIN.build(settings, ProviderPorts(FakeClock(), cast(Transport, None)))
        assert isinstance(built.transport, MockTransport)
        self.provider = built.provider
        self.transport = built.transport
        self.tally = built.transport.tally

    async def send(
        self, mock: object = None, *, bound: int | None = None, **fields: Any
    ) -> UpstreamResponse:
        if mock is not None:
            fields["mock"] = mock
        request = a_request(body=a_body(**fields), output_bound=bound)
        return await self.transport.send(self.provider.prepare(request))

    async def document(self, mock: object = None, **fields: Any) -> dict[str, Any]:
        response = await self.send(mock, **fields)
        document = json.loads(b"".join([part async for part in response.body]))
        assert isinstance(document, dict)
        return document


async def read(body: UpstreamBody) -> tuple[list[bytes], UpstreamError | None]:
    """What comes before the end, and the error that ended it, if one did."""
    parts: list[bytes] = []
    try:
        async for part in body:
            parts.append(part)  # noqa: PERF401 - what came before an error must be kept
    except UpstreamError as error:
        return parts, error
    return parts, None
