"""What the test of a provider says of it."""

import asyncio
from typing import cast

import pytest

from pouch.domain.errors import UpstreamError
from pouch.domain.plugin import BuiltProvider
from pouch.domain.provider import Provider, UpstreamRequest, UpstreamResponse
from pouch.service import probes
from pouch.service.probes import ProbeResult, ProviderProbes
from tests.fakes.clock import FakeClock

PROBE = UpstreamRequest("GET", "http://127.0.0.1/models", (("authorization", "Bearer sk-x"),), b"")


class Body:
    """An answer's body that quotes the secret; nobody reads it."""

    closed = False

    def __aiter__(self) -> "Body":
        return self

    async def __anext__(self) -> bytes:
        raise AssertionError("it is not read")

    async def aclose(self) -> None:
        self.closed = True


class Answering:
    """A transport that answers with ``status`` after a quarter of a second, or fails."""

    def __init__(self, clock: FakeClock, outcome: int | UpstreamError | None) -> None:
        self._clock = clock
        self._outcome = outcome
        self.body = Body()
        self.sent: list[UpstreamRequest] = []

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        self.sent.append(request)
        self._clock.advance(0.25)
        if self._outcome is None:
            await asyncio.Event().wait()
        if isinstance(self._outcome, UpstreamError):
            raise self._outcome
        assert self._outcome is not None
        return UpstreamResponse(self._outcome, (), self.body)

    async def aclose(self) -> None:
        """Nothing is open."""


async def probed(
    outcome: int | UpstreamError | None, probe: UpstreamRequest | None = PROBE
) -> tuple[ProbeResult, Answering]:
    clock = FakeClock()
    transport = Answering(clock, outcome)
    through = BuiltProvider(cast(Provider, None), transport, probe)
    return await ProviderProbes({"it": through}, clock).test("it"), transport


async def test_a_provider_that_answers_is_well_and_its_answer_is_let_go() -> None:
    result, transport = await probed(200)
    assert (result.ok, result.status, result.latency_s) == (True, 200, 0.25)
    assert transport.sent == [PROBE]
    assert transport.body.closed


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "refuses the secret"),
        (403, "does not allow"),
        (404, "base_url"),
        (429, "less often"),
        (301, "redirect"),
        (500, "error of its own"),
        (418, "418"),
    ],
)
async def test_a_status_is_told_by_what_it_means(status: int, told: str) -> None:
    result, _ = await probed(status)
    assert (result.ok, result.status) == (False, status)
    assert told in result.message


async def test_a_provider_that_cannot_be_reached_has_no_status() -> None:
    result, _ = await probed(UpstreamError("The provider at x could not be reached."))
    assert result == ProbeResult(ok=False, message="The provider at x could not be reached.")


async def test_a_provider_that_does_not_answer_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "PROBE_S", 0.01)
    result, _ = await probed(None)
    assert (result.ok, result.status, result.latency_s) == (False, None, None)
    assert "did not answer" in result.message


async def test_a_provider_with_nothing_to_ask_is_asked_nothing() -> None:
    result, transport = await probed(200, probe=None)
    assert (result.ok, result.status) == (True, None)
    assert transport.sent == []
