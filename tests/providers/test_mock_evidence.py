"""With a price, the mock provider leads to every kind of evidence that a charge can rest on."""

from typing import Any

import pytest

from pouch.domain.errors import UpstreamError
from pouch.domain.ledger import Evidence, Reservation
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Request, Route
from pouch.domain.plugin import BuiltProvider
from pouch.domain.pricing import Price, Rates
from pouch.service.execution import Execution
from pouch.service.verdicts import judge
from tests.fakes.chat import a_body, a_request
from tests.fakes.clock import FakeClock
from tests.fakes.mock_upstream import MockUpstream
from tests.fakes.tokens import Uncounted

# One nano-dollar a token, and room for ten tokens of output and as many of input.
PRICED = Price(Rates(input=1_000_000, output=1_000_000), source="test")
RESERVED = Money(20)


async def judged(mock: dict[str, Any], *, stream: bool) -> tuple[Evidence, Money]:
    """How a priced request that asks the mock for ``mock`` is charged; what must be counted too."""
    request = a_request(
        body=a_body(stream=stream, mock=mock),
        route=Route("mock", "mock", "mock", price=PRICED),
        output_bound=10,
    )
    request.meter.reservation = Reservation("r-1", "pouch-1", RESERVED, remaining=None)
    await exchanged(request)
    verdict = judge(request)
    return (verdict.evidence, verdict.cost) if verdict else (Evidence.COUNTED, ZERO)


async def exchanged(request: Request) -> None:
    """Send ``request`` to a mock, and read its answer for as long as it goes well."""
    upstream = MockUpstream()
    through = BuiltProvider(upstream.provider, upstream.transport)
    execution = Execution({"mock": through}, FakeClock(), Uncounted(), answer_bytes_max=100_000)
    try:
        response = await execution(request)
        if not isinstance(response.body, bytes):
            async for _ in response.body:
                pass
    except UpstreamError:
        return


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("mock", "evidence", "nanos"),
    [
        ({"text": "one two three"}, Evidence.PROVIDER_USAGE, 5),
        ({"output_tokens": 500}, Evidence.OVERRUN, 502),
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 4}}, Evidence.PROVIDER_USAGE, 13),
        ({"usage": "none"}, Evidence.COUNTED, 0),
        ({"usage": "wrong"}, Evidence.COUNTED, 0),
        ({"status": 429}, Evidence.REFUSED, 0),
        ({"strange": True}, Evidence.REFUSED, 0),
        ({"connection": "refused"}, Evidence.NOT_SENT, 0),
        ({"connection": "lost"}, Evidence.HELD_FULL, 20),
        ({"connection": "timeout"}, Evidence.HELD_FULL, 20),
    ],
)
async def test_a_charge_rests_on_what_the_mock_was_asked_for(
    mock: dict[str, Any], evidence: Evidence, nanos: int, stream: bool
) -> None:
    assert await judged(mock, stream=stream) == (evidence, Money(nanos))


@pytest.mark.parametrize("mock", [{"cut_after": 3}, {"error_after": 3}])
async def test_a_stream_that_breaks_off_is_counted(mock: dict[str, Any]) -> None:
    assert await judged(mock, stream=True) == (Evidence.COUNTED, ZERO)
