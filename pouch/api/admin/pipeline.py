"""Route that shows the chain that every request passes through."""

from pydantic import BaseModel, Field, JsonValue
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Listing
from pouch.api.admin.services import AdminServices, PipelineStep


class StepObject(BaseModel):
    """A step; ``position`` counts from 0, the outermost. ``schema`` describes ``config``."""

    name: str
    use: str
    enabled: bool
    position: int
    config: dict[str, JsonValue]
    config_schema: dict[str, JsonValue] = Field(serialization_alias="schema")


class PipelineList(Listing[StepObject]):
    """Steps, outermost first, those that are switched off among them."""


def pipeline_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/pipeline``."""
    data = [_shown(position, step) for position, step in enumerate(services.pipeline)]

    async def show(request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(PipelineList(data=data, next_cursor=None))

    summary = "The steps that every request passes through"
    return [Endpoint("GET", "/pipeline", "show_pipeline", summary, show, PipelineList)]


def _shown(position: int, step: PipelineStep) -> StepObject:
    return StepObject.model_validate(
        {
            "name": step.name,
            "use": step.use,
            "enabled": step.enabled,
            "position": position,
            "config": dict(step.config),
            "config_schema": dict(step.schema),
        }
    )
