"""Route that shows which providers are on."""

from typing import Literal

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Listing
from pouch.api.admin.services import AdminServices, ProviderView


class ProviderObject(BaseModel):
    """A configured provider; ``reason`` says why it is off."""

    name: str
    use: str
    status: Literal["on", "off"]
    reason: str | None
    models: list[str]


class ProviderList(Listing[ProviderObject]):
    """Providers, in the order of ``pouch.yaml``."""


def provider_endpoints(services: AdminServices) -> list[Endpoint]:
    """The route of ``/api/providers``."""
    data = [_shown(provider) for provider in services.providers]

    async def show(request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(ProviderList(data=data, next_cursor=None))

    return [
        Endpoint("GET", "/providers", "list_providers", "Configured providers", show, ProviderList)
    ]


def _shown(provider: ProviderView) -> ProviderObject:
    return ProviderObject(
        name=provider.name,
        use=provider.use,
        status="on" if provider.off is None else "off",
        reason=provider.off,
        models=list(provider.models),
    )
