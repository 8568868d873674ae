"""The end of the chain: prepare the provider's request, send it, hand the answer back."""

from collections.abc import Mapping

from pouch.domain.errors import ModelNotFoundError
from pouch.domain.pipeline import Request, Response
from pouch.domain.plugin import BuiltProvider
from pouch.domain.ports import Clock, TokenCounter
from pouch.service.exchange import ProviderExchange


class Execution:
    """A handler that answers from the provider that the request's route names."""

    def __init__(
        self,
        providers: Mapping[str, BuiltProvider],
        clock: Clock,
        tokens: TokenCounter,
        *,
        answer_bytes_max: int,
    ) -> None:
        self._providers = providers
        self._clock = clock
        self._tokens = tokens
        self._answer_bytes_max = answer_bytes_max

    async def __call__(self, request: Request) -> Response:
        through = self._providers.get(request.route.provider)
        if through is None:
            raise ModelNotFoundError(f"Provider {request.route.provider!r} is off.")
        outgoing = through.provider.prepare(request)
        request.meter.sent = True
        exchange = ProviderExchange(
            request, outgoing, through, self._clock, self._tokens, self._answer_bytes_max
        )
        request.meter.exchange = exchange
        return await exchange.response()
