"""Routes that show which providers are on, and test one."""

from typing import Literal
from urllib.parse import unquote

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from pouch.api.admin.bodies import NoQuery
from pouch.api.admin.endpoint import Endpoint, answer, read_query
from pouch.api.admin.objects import Listing
from pouch.api.admin.services import AdminServices, ProviderView
from pouch.domain.errors import NotFoundError
from pouch.service.probes import ProbeResult


class ProviderObject(BaseModel):
    """A configured provider; ``reason`` says why it is off, ``models`` what leads to it."""

    name: str
    use: str
    status: Literal["on", "off"]
    reason: str | None
    models: list[str]


class ProviderList(Listing[ProviderObject]):
    """Providers, in the order of ``pouch.yaml``."""


class ProbeObject(BaseModel):
    """How a provider answered a request that costs nothing; null is what there was not."""

    ok: bool
    status: int | None
    latency_ms: int | None
    message: str


def provider_endpoints(services: AdminServices) -> list[Endpoint]:
    """The routes of ``/api/providers``."""
    providers = {provider.name: provider for provider in services.providers}
    data = [_shown(provider) for provider in services.providers]

    async def show(request: Request) -> HTTPResponse:
        read_query(request, NoQuery)
        return answer(ProviderList(data=data, next_cursor=None))

    async def test(request: Request, name: str) -> HTTPResponse:
        read_query(request, NoQuery)
        provider = providers.get(unquote(name))
        if provider is None:
            raise NotFoundError(f"There is no provider {name[:64]!r}.")
        if provider.off is not None:
            return answer(_probed(ProbeResult(ok=False, message=f"It is off: {provider.off}")))
        return answer(_probed(await services.probes.test(provider.name)))

    return [
        Endpoint("GET", "/providers", "list_providers", "Configured providers", show, ProviderList),
        Endpoint(
            method="POST",
            path="/providers/{name}/test",
            name="test_provider",
            summary="Ask a provider something that costs nothing",
            handler=test,
            answer=ProbeObject,
        ),
    ]


def _probed(result: ProbeResult) -> ProbeObject:
    latency_ms = None if result.latency_s is None else round(result.latency_s * 1000)
    return ProbeObject(
        ok=result.ok, status=result.status, latency_ms=latency_ms, message=result.message
    )


def _shown(provider: ProviderView) -> ProviderObject:
    return ProviderObject(
        name=provider.name,
        use=provider.use,
        status="on" if provider.off is None else "off",
        reason=provider.off,
        models=list(provider.models),
    )
