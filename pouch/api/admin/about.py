"""Route that shows what runs here: versions, the worker that answers, its store."""

from typing import Literal

from pydantic import Field
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Shape, TimeText, time_text
from pouch.api.admin.services import AdminServices, Installation
from pouch.domain.ports import StoreFacts


class StoreObject(Shape):
    """The database: its file's name without its folder, its size with what is not yet merged."""

    kind: str
    path: str
    bytes: int
    schema_version: int = Field(serialization_alias="schema")
    synchronous: str


class AboutObject(Shape):
    """What runs here. ``admin_token`` says where the administrator's token is set."""

    version: str
    python: str
    started_at: TimeText
    workers: int
    worker_pid: int
    store: StoreObject
    admin_token: Literal["environment", "store"]
    transport: str
    config_file: str


def about_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/about``."""

    async def show(request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        store = await services.store.facts()
        place: Literal["environment", "store"] = "store"
        if services.tokens.is_in_environment:
            place = "environment"
        return answer(_object(services.installation, store, place))

    return [Endpoint("GET", "/about", "show_about", "What runs here", show, AboutObject)]


def _object(
    installed: Installation, store: StoreFacts, admin_token: Literal["environment", "store"]
) -> AboutObject:
    return AboutObject(
        version=installed.version,
        python=installed.python,
        started_at=time_text(installed.started_at),
        workers=installed.workers,
        worker_pid=installed.worker_pid,
        store=StoreObject(
            kind=store.kind,
            path=store.name,
            bytes=store.size_bytes,
            schema_version=store.schema,
            synchronous=installed.synchronous,
        ),
        admin_token=admin_token,
        transport=installed.transport,
        config_file=installed.config_file,
    )
