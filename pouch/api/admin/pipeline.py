"""Route that shows the chain that every request passes through, and how its steps have fared."""

import math
from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, Field, JsonValue
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Listing, TimeText, optional_time
from pouch.api.admin.services import AdminServices, PipelineStep
from pouch.domain.reports import StepFigures

# How many of the newest requests the figures are of.
REQUESTS: Final = 1000


class StepObject(BaseModel):
    """A step; ``position`` counts from 0, the outermost. ``schema`` describes ``config``.

    ``p50_ms`` and ``p95_ms`` include the steps inside it, ``own_p50_ms`` does not; null where it
    was not called. A refusal counts at the step that it came from.
    """

    name: str
    use: str
    enabled: bool
    position: int
    config: dict[str, JsonValue]
    config_schema: dict[str, JsonValue] = Field(serialization_alias="schema")
    reserves: bool
    calls_upstream: bool
    calls: int
    refusals: int
    p50_ms: float | None
    p95_ms: float | None
    own_p50_ms: float | None


class PipelineList(Listing[StepObject]):
    """Steps, outermost first, those that are switched off among them.

    Their figures are of the newest requests: ``over`` how many, the oldest of which began at
    ``since``.
    """

    over: int
    since: TimeText | None


def pipeline_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/pipeline``."""

    async def show(request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        report = await services.reports.step_times(limit=REQUESTS)
        figures = {step.name: step for step in report.steps}
        data = [
            _shown(position, step, figures.get(step.name, StepFigures(step.name, (), 0)))
            for position, step in enumerate(services.pipeline)
        ]
        since = optional_time(report.since)
        return answer(PipelineList(data=data, next_cursor=None, over=report.requests, since=since))

    summary = "The steps that every request passes through, and their times"
    return [Endpoint("GET", "/pipeline", "show_pipeline", summary, show, PipelineList)]


def _shown(position: int, step: PipelineStep, figures: StepFigures) -> StepObject:
    whole = sorted(time.seconds for time in figures.times)
    own = sorted(time.own_seconds for time in figures.times)
    return StepObject.model_validate(
        {
            "name": step.name,
            "use": step.use,
            "enabled": step.enabled,
            "position": position,
            "config": dict(step.config),
            "config_schema": dict(step.schema),
            "reserves": step.reserves,
            "calls_upstream": step.calls_upstream,
            "calls": len(whole),
            "refusals": figures.refusals,
            "p50_ms": percentile_ms(whole, 50),
            "p95_ms": percentile_ms(whole, 95),
            "own_p50_ms": percentile_ms(own, 50),
        }
    )


def percentile_ms(ascending: Sequence[float], percent: int) -> float | None:
    """The least of these seconds that ``percent`` of them do not exceed, in milliseconds."""
    if not ascending:
        return None
    rank = max(math.ceil(len(ascending) * percent / 100), 1)
    return round(ascending[rank - 1] * 1000, 3)
