"""What a settlement tells of a request besides its cost: its steps, and who refused it and why."""

from pouch.domain.errors import RateLimitError, UpstreamError
from pouch.domain.ledger import RequestOutcome
from pouch.domain.pipeline import Handler, Request, Response, Step, compose
from pouch.service.proxy import ProxyService
from pouch.service.settlement import REASON_LENGTH_MAX, Ending
from tests.fakes.chat import a_request
from tests.service.test_settlement import Desk, Hanging, a_paid_request

REFUSAL = RateLimitError(limit=2, per_s=60, retry_after_s=9)


class Passing:
    """Lets every request through."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        return await call_next(request)


class Refusing:
    """Lets none through."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        raise REFUSAL


async def outcome_of(desk: Desk, *steps: Step, end: Handler) -> RequestOutcome:
    """How a request ended that had this chain before it."""
    chain = compose(steps, end, desk.clock)
    proxy = ProxyService(chain, desk.settlements, lambda error: (429, "refused"), desk.live)
    request = a_request()
    try:
        response = await proxy.handle(request)
    except (RateLimitError, UpstreamError):
        pass
    else:
        proxy.finish(request, response, None)
    await desk.queue.run()
    [record] = desk.ledger.recorded
    return record.outcome


async def answers(request: Request) -> Response:
    return Response(200, [], b"{}")


async def fails_upstream(request: Request) -> Response:
    request.meter.exchange = Hanging(request.meter)
    raise UpstreamError("the provider hung up")


async def test_the_steps_that_a_request_entered_are_kept_innermost_first() -> None:
    desk = Desk()

    async def takes_two_seconds(request: Request) -> Response:
        desk.clock.advance(2)
        return await answers(request)

    outcome = await outcome_of(
        desk, Step("outer", Passing()), Step("inner", Passing()), end=takes_two_seconds
    )
    assert outcome.steps == [("inner", 2.0), ("outer", 2.0)]
    assert (outcome.reason, outcome.refused_by) == (None, None)


async def test_a_refusal_is_kept_with_its_reason_and_the_step_it_came_from() -> None:
    outcome = await outcome_of(
        Desk(),
        Step("outer", Passing()),
        Step("limit", Refusing()),
        Step("never", Passing()),
        end=answers,
    )
    assert (outcome.error, outcome.reason) == ("refused", str(REFUSAL))
    assert outcome.refused_by == "limit"
    assert [name for name, _ in outcome.steps or ()] == ["limit", "outer"]


async def test_what_fails_at_the_provider_was_refused_by_no_step() -> None:
    outcome = await outcome_of(Desk(), Step("limit", Passing()), end=fails_upstream)
    assert (outcome.reason, outcome.refused_by) == ("the provider hung up", None)


async def test_a_reason_is_kept_up_to_a_length() -> None:
    ending = Ending(402, "budget_exceeded", whole=False, reason="x" * 10_000)
    settlement = await Desk().settled(a_paid_request(sent=False), ending)
    assert settlement.outcome.reason == "x" * REASON_LENGTH_MAX
