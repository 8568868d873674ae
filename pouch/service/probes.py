"""Asks a provider something that costs nothing, to see whether it answers and takes the secret."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pouch.domain.errors import UpstreamError
from pouch.domain.plugin import BuiltProvider
from pouch.domain.ports import Clock

PROBE_S: Final = 10.0

_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_SERVER_ERROR: Final = 500
# What a status says about the configuration. The answer's own words are not shown: they may quote
# the secret.
_MEANING: Final[Mapping[int, str]] = {
    401: "It answers, and refuses the secret.",
    403: "It answers, and does not allow this secret to list models.",
    404: "It answers, but has no list of models there; is its base_url right?",
    429: "It answers, and asks to be asked less often.",
}


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``status`` and ``latency_s`` are ``None`` where nothing was answered, or nothing asked."""

    ok: bool
    message: str
    status: int | None = None
    latency_s: float | None = None


class ProviderProbes:
    """Tests the providers that are on."""

    def __init__(self, providers: Mapping[str, BuiltProvider], clock: Clock) -> None:
        self._providers = providers
        self._clock = clock

    async def test(self, name: str) -> ProbeResult:
        """Ask the provider ``name``, which is on, and wait for ten seconds at most."""
        through = self._providers[name]
        if through.probe is None:
            return ProbeResult(ok=True, message="It is on; it has nothing to be asked at no cost.")
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(PROBE_S):
                answer = await through.transport.send(through.probe)
                await answer.body.aclose()
        except TimeoutError:
            return ProbeResult(ok=False, message=f"It did not answer within {PROBE_S:.0f} seconds.")
        except UpstreamError as error:
            return ProbeResult(ok=False, message=str(error))
        latency_s = self._clock.monotonic() - started
        return ProbeResult(
            ok=answer.status in _OK,
            message=_meaning(answer.status),
            status=answer.status,
            latency_s=latency_s,
        )


def _meaning(status: int) -> str:
    if status in _OK:
        return "It answers, and takes the secret."
    if status in _REDIRECT:
        return "It answers with a redirect, which is not followed; is its base_url right?"
    if status >= _SERVER_ERROR:
        return f"It answers with an error of its own ({status})."
    return _MEANING.get(status, f"It answers with status {status}.")
