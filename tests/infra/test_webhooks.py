"""What a webhook is sent arrives, and what goes wrong is told without its address."""

import pytest

from pouch.infra.http import Timeouts, make_transport
from pouch.infra.webhooks import Webhooks
from tests.fakes.upstream import Call, upstream


async def sent(url: str) -> str | None:
    transport = make_transport("lean", Timeouts(first_byte_s=0.2))
    try:
        return await Webhooks({"hook": url}, transport).send("hook", b"{}", {"x-a": "b"})
    finally:
        await transport.aclose()


@pytest.mark.parametrize("status", [200, 204])
async def test_what_the_webhook_takes_is_delivered(status: int) -> None:
    async with upstream() as receiver:
        receiver.script = lambda call: call.whole(b"", status)
        assert await sent(f"{receiver.url}/T0/B0") is None
        [call] = receiver.calls
        assert (call.path, call.body, call.headers["x-a"]) == ("/v1/T0/B0", {}, "b")


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_any_other_answer_is_told_by_its_status(status: int) -> None:
    async with upstream() as receiver:
        receiver.script = lambda call: call.whole(b"", status)
        assert await sent(receiver.url) == f"it answered {status}"
        assert len(receiver.calls) == 1


async def test_a_webhook_that_is_down_is_told_without_its_address() -> None:
    assert await sent("http://127.0.0.1:9/secret") == "it cannot be reached"


async def test_a_webhook_that_is_silent_is_given_up() -> None:
    async def silent(call: Call) -> None:
        await call.gone.wait()

    async with upstream() as receiver:
        receiver.script = silent
        assert await sent(receiver.url) == "it did not answer in time"


async def test_a_webhook_that_breaks_off_is_told() -> None:
    async def broken(call: Call) -> None:
        call.writer.close()

    async with upstream() as receiver:
        receiver.script = broken
        assert await sent(receiver.url) == "the exchange broke off"
