"""Carries alerts to webhooks. No word that it says shows an address, which may be a secret."""

from collections.abc import Mapping
from typing import Final

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.domain.provider import Transport, UpstreamRequest
from pouch.infra.http import Timeouts

# A receiver has to take a message, not to act on it.
TIMEOUTS: Final = Timeouts(connect_s=5, write_s=5, first_byte_s=10, read_s=5, pool_s=5, total_s=15)
CONNECTIONS_MAX: Final = 20


class Webhooks:
    """See ``pouch.domain.alerts.WebhookSender``. ``urls`` are by target."""

    def __init__(self, urls: Mapping[str, str], transport: Transport) -> None:
        self._urls = urls
        self._transport = transport

    async def send(self, target: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        request = UpstreamRequest("POST", self._urls[target], list(headers.items()), body)
        try:
            answer = await self._transport.send(request)
        except UpstreamTimeoutError:
            return "it did not answer in time"
        except UpstreamError as error:
            return "the exchange broke off" if error.reached else "it cannot be reached"
        await answer.body.aclose()
        return None if 200 <= answer.status < 300 else f"it answered {answer.status}"  # noqa: PLR2004
