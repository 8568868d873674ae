"""The whole story of a request as the API shows it."""

from pouch.api.admin.objects import (
    Shape,
    TimeText,
    UsdText,
    optional_time,
    optional_usd,
    time_text,
)
from pouch.api.admin.objects.requests import RequestObject, request_object
from pouch.domain.reports import Attempt, Movement, RequestStory, StepTime


class StepTimeObject(Shape):
    """How long a step took in milliseconds, the steps inside it included, and without them."""

    name: str
    ms: float
    own_ms: float


class MovementObject(Shape):
    """What a reservation added to what a pouch has spent and reserved."""

    pouch: str
    pouch_name: str
    kind: str
    spent_usd: UsdText
    reserved_usd: UsdText
    reason: str | None
    created_at: TimeText


class AttemptObject(Shape):
    """A reservation of the request: what was set aside, and what became of it."""

    reservation: str
    state: str
    provider: str
    model: str
    reserved_usd: UsdText
    cost_usd: UsdText | None
    evidence: str | None
    price_source: str
    started_at: TimeText
    ended_at: TimeText | None
    entries: list[MovementObject]


class RefundObject(Shape):
    """Money that was given back for the request."""

    amount_usd: UsdText
    reason: str
    created_at: TimeText


class RequestStoryObject(RequestObject):
    """A request with all that is known of it. ``steps`` are those that it entered, outermost first;
    null if its process died before it could tell. ``reason`` is what the refusal said, and
    ``refused_by`` the step it came from.
    """

    reason: str | None
    steps: list[StepTimeObject] | None
    refused_by: str | None
    attempts: list[AttemptObject]
    refunds: list[RefundObject]


def request_story_object(story: RequestStory) -> RequestStoryObject:
    """A request with its story as the API shows it."""
    return RequestStoryObject(
        **dict(request_object(story.logged)),
        reason=story.reason,
        steps=None if story.steps is None else [_step(step) for step in story.steps],
        refused_by=story.refused_by,
        attempts=[_attempt(attempt) for attempt in story.attempts],
        refunds=[
            RefundObject(
                amount_usd=str(refund.amount),
                reason=refund.reason,
                created_at=time_text(refund.created_at),
            )
            for refund in story.refunds
        ],
    )


def _step(step: StepTime) -> StepTimeObject:
    return StepTimeObject(
        name=step.name, ms=round(step.seconds * 1000, 3), own_ms=round(step.own_seconds * 1000, 3)
    )


def _attempt(attempt: Attempt) -> AttemptObject:
    return AttemptObject(
        reservation=attempt.reservation_id,
        state=attempt.state,
        provider=attempt.provider,
        model=attempt.model,
        reserved_usd=str(attempt.reserved),
        cost_usd=optional_usd(attempt.cost),
        evidence=None if attempt.evidence is None else attempt.evidence.value,
        price_source=attempt.price_source,
        started_at=time_text(attempt.started_at),
        ended_at=optional_time(attempt.ended_at),
        entries=[_movement(movement) for movement in attempt.movements],
    )


def _movement(movement: Movement) -> MovementObject:
    return MovementObject(
        pouch=movement.pouch_id,
        pouch_name=movement.pouch_name,
        kind=movement.kind,
        spent_usd=str(movement.spent),
        reserved_usd=str(movement.reserved),
        reason=movement.reason,
        created_at=time_text(movement.created_at),
    )
