"""``Idempotency-Key``: a request that may be repeated, and is charged once."""

from sanic import HTTPResponse
from sanic import Request as HttpRequest

from pouch.api.gateway import Gateway
from pouch.api.relay import relay
from pouch.domain.errors import PouchError
from pouch.domain.idempotency import Claim, fingerprint_of
from pouch.domain.pipeline import Request, Response


async def answer_once(
    http: HttpRequest, gateway: Gateway, request: Request, name: str
) -> HTTPResponse | None:
    """Carry ``request`` out unless one with this name was, and then give its answer again."""
    claim = Claim(request.key.id, name, fingerprint_of(request.endpoint, http.body), request.id)
    # As in every chat: it is parsed.
    http.body = b""
    kept = await gateway.idempotency.replay(claim, request.key)
    if kept is not None:
        return await relay(http, _NothingToSettle(), request, kept)
    performance = gateway.idempotency.perform(claim, request)
    gateway.background.spawn(
        gateway.at_work(performance.run()), name=f"idempotent request:{request.id}"
    )
    return await relay(http, performance, request, await performance.response())


class _NothingToSettle:
    """What follows the answer of a request that was settled before."""

    def finish(self, request: Request, response: Response, broken: BaseException | None) -> None:
        """Nothing: the ledger knows it."""

    def stopped(self, request: Request) -> PouchError | None:
        """Nothing: it is not at work."""
        del request
        return None

    def cost_comment(self, request: Request) -> bytes:
        """Nothing: an answer that had one has it."""
        del request
        return b""
