"""Crashes, hang-ups, signals and races, on real processes; the books balance after each."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from pouch.infra.tokens import vocabulary
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, completion, delta, tokens
from tests.fakes.waiting import books_balance, eventually

ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Tell me a story."}],
}
WORDS = 64


def post(gateway: GatewayProcess, key: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={**ASK, **body},
        timeout=30,
    )


def slow_stream(release: threading.Event) -> Callable[[Call], Any]:
    """Streams three words, then the rest when it is released."""

    async def script(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        for i in range(WORDS):
            await call.event(delta(f"word{i} "))
            while i == 2 and not release.is_set():
                await asyncio.sleep(0.01)
        await call.event({**delta(None), "choices": [], "usage": tokens(10, WORDS)})
        await call.event("[DONE]")
        await call.end()

    return script


def test_a_kill_in_mid_stream_charges_the_reservation_and_nothing_else(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    own_gateway.start()
    key = own_gateway.create_key("app", "0.01")
    release = threading.Event()
    provider.script = slow_stream(release)
    with httpx.stream(
        "POST",
        f"{own_gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={**ASK, "stream": True, "max_tokens": 10_000},
        timeout=30,
    ) as stream:
        # Held on to: an iterator that is dropped hangs up.
        lines = stream.iter_lines()
        next(lines)
        reserved = Decimal(own_gateway.key()["pouch"]["reserved_usd"])
        assert reserved == Decimal(stream.headers["x-pouch-reserved"]) > Decimal("0.006")
        own_gateway.kill()
    release.set()
    own_gateway.start()
    [logged] = own_gateway.settled(1)
    assert logged["evidence"] == "held_full"
    assert Decimal(logged["cost_usd"]) == reserved
    pouch = own_gateway.key()["pouch"]
    assert Decimal(pouch["spent_usd"]) == reserved
    assert Decimal(pouch["reserved_usd"]) == 0
    assert books_balance(own_gateway)

    refused = post(own_gateway, key, max_tokens=10_000)
    assert refused.status_code == 402
    most = refused.json()["error"]["largest_max_output_tokens"]
    assert post(own_gateway, key, max_tokens=most + 1).status_code == 402
    provider.script = _whole
    assert post(own_gateway, key, max_tokens=most).status_code == 200
    own_gateway.settled(2)
    assert books_balance(own_gateway)


async def _whole(call: Call) -> None:
    await call.whole(completion(usage=tokens(10, 20)))


def test_a_kill_before_any_answer_charges_the_reservation(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    async def never(call: Call) -> None:
        await call.gone.wait()

    provider.script = never
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(post, own_gateway, key, max_tokens=100) for _ in range(4)]
        eventually(lambda: len(provider.calls) == 4)
        own_gateway.kill()
        assert all(isinstance(call.exception(), httpx.TransportError) for call in asked)
    own_gateway.start()
    log = own_gateway.settled(4)
    assert {entry["evidence"] for entry in log} == {"held_full"}
    assert books_balance(own_gateway)


def test_sigterm_lets_ten_streams_finish_and_settles_them_all(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    release = threading.Event()
    provider.script = slow_stream(release)
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(post, own_gateway, key, stream=True) for _ in range(10)]
        eventually(lambda: len(provider.calls) == 10)
        own_gateway.terminate()
        eventually(lambda: _refuses_new_work(own_gateway))
        release.set()
        answers = [call.result() for call in asked]
    assert own_gateway.wait() == 0
    assert all(answer.text.endswith("data: [DONE]\n\n") for answer in answers)
    assert all(f"word{WORDS - 1}" in answer.text for answer in answers)
    own_gateway.start()
    log = own_gateway.settled(10)
    assert [entry["evidence"] for entry in log] == ["provider_usage"] * 10
    assert books_balance(own_gateway)


def _refuses_new_work(gateway: GatewayProcess) -> bool:
    try:
        return httpx.get(f"{gateway.url}/ready", timeout=5).status_code == 503
    except httpx.TransportError:
        return True


def test_a_hang_up_closes_upstream_at_once_and_charges_what_was_relayed(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    release = threading.Event()
    provider.script = slow_stream(release)
    key = gateway.create_key("hangs up", "1")
    with httpx.stream(
        "POST",
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={**ASK, "stream": True},
        timeout=30,
    ) as stream:
        lines = (line for line in stream.iter_lines() if line)
        for _ in range(3):
            assert json.loads(next(lines)[6:])["choices"][0]["delta"]["content"]
    hung_up = time.monotonic()
    eventually(provider.calls[0].gone.is_set, within_s=1)
    assert time.monotonic() - hung_up < 1
    [logged] = gateway.settled(1, "hangs up")
    assert logged["evidence"] == "counted"
    usage = logged["usage"]
    said = vocabulary.load("o200k_base").encode_ordinary("word0 word1 word2 ")
    assert usage["output_tokens"] == len(said)
    # "Tell me a story." is 5 tokens; a message costs 4 more, and the answer's beginning 3.
    assert usage["input_tokens"] == 12
    counted = Decimal("0.15") * usage["input_tokens"] + Decimal("0.60") * usage["output_tokens"]
    assert Decimal(logged["cost_usd"]) == counted / 1_000_000
    release.set()
    assert books_balance(gateway)


def test_a_hang_up_before_the_answer_is_charged_by_the_answer(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    release = threading.Event()

    async def late(call: Call) -> None:
        while not release.is_set():
            await asyncio.sleep(0.01)
        await call.whole(completion(usage=tokens(10, 20)))

    provider.script = late
    key = gateway.create_key("impatient", "1")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{gateway.url}/v1/chat/completions",
            headers={"authorization": f"Bearer {key}"},
            json=ASK,
            timeout=httpx.Timeout(10, read=0.3),
        )
    release.set()
    [logged] = gateway.settled(1, "impatient")
    assert (logged["evidence"], logged["cost_usd"]) == ("provider_usage", "0.0000135")
    assert logged["error"] == "client_gone"


@pytest.mark.parametrize("processes", [1, 2])
def test_eight_race_for_room_for_four(tmp_path: Path, provider: Upstream, processes: int) -> None:
    release = threading.Event()

    async def held(call: Call) -> None:
        while not release.is_set():
            await asyncio.sleep(0.01)
        await call.whole(completion(usage=tokens(10, 20)))

    provider.script = held
    gateways = [GatewayProcess(tmp_path, upstream=provider.url) for _ in range(processes)]
    try:
        for gateway in gateways:
            gateway.start()
        # 1,000 output tokens at 0.60 USD per million, and at most 200 bytes of input at 0.15.
        key = gateways[0].create_key("app", "0.00252")
        together = threading.Barrier(8)

        def ask(i: int) -> int:
            together.wait()
            return post(gateways[i % processes], key, max_tokens=1000).status_code

        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(ask, i) for i in range(8)]
            eventually(lambda: len(provider.calls) + sum(call.done() for call in asked) == 8)
            release.set()
            statuses = sorted(call.result() for call in asked)
        assert statuses == [200] * 4 + [402] * 4
        assert len(provider.calls) == 4
        gateways[0].settled(8)
        assert books_balance(gateways[0])
        assert [gateway.stop() for gateway in gateways] == [0] * processes
    finally:
        for gateway in gateways:
            gateway.close()


def test_a_provider_that_bills_above_its_bound_is_booked_in_full(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    async def script(call: Call) -> None:
        await call.whole(completion(usage=tokens(10, 5000)))

    provider.script = script
    key = gateway.create_key("overrun", "0.001")
    assert post(gateway, key, max_tokens=100).status_code == 200
    [logged] = gateway.settled(1, "overrun")
    assert (logged["evidence"], logged["cost_usd"]) == ("overrun", "0.0030015")
    assert gateway.key("overrun")["status"] == "capped"
    assert post(gateway, key, max_tokens=1).status_code == 402
    assert books_balance(gateway)


def test_an_answer_without_usage_is_counted(gateway: GatewayProcess, provider: Upstream) -> None:
    async def script(call: Call) -> None:
        await call.whole(completion("Hello there."))

    provider.script = script
    key = gateway.create_key("uncounted", "1")
    assert post(gateway, key).status_code == 200
    [logged] = gateway.settled(1, "uncounted")
    assert logged["evidence"] == "counted"
    assert logged["usage"]["output_tokens"] == 3
