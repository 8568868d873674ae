"""Requests with an Idempotency-Key among crashes, hang-ups and several processes."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.named_requests import REPLAY, knows, post
from tests.fakes.streams import ASK, OpenStream, until_released
from tests.fakes.upstream import Call, Upstream, answer, completion, tokens
from tests.fakes.waiting import books_balance, eventually


@pytest.fixture
def siblings(own_gateway: GatewayProcess, shared_provider: Upstream) -> Iterator[GatewayProcess]:
    """A second server on the store of ``own_gateway``; both run."""
    own_gateway.start()
    second = GatewayProcess(own_gateway.folder, upstream=shared_provider.url)
    try:
        yield second.start()
    finally:
        second.close()


@pytest.mark.parametrize("stream", [False, True])
def test_identical_requests_to_two_processes_are_one_call_and_one_charge(
    own_gateway: GatewayProcess, siblings: GatewayProcess, provider: Upstream, stream: bool
) -> None:
    key = own_gateway.create_key("app", "1")
    eventually(lambda: knows(siblings, key))
    release = threading.Event()
    provider.script = until_released(release)
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(post, gateway, key, "a", stream=stream)
            for gateway in [own_gateway, siblings] * 4
        ]
        eventually(lambda: len(provider.calls) == 1)
        release.set()
        answers = [call.result() for call in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAY in answer.headers for answer in answers) == 7
    assert len(provider.calls) == 1
    assert len(own_gateway.settled(1)) == 1
    assert books_balance(own_gateway)


def test_a_client_that_hangs_up_in_mid_stream_finds_the_whole_answer_later(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("gone", "1")
    release = threading.Event()
    provider.script = until_released(release)
    with (
        httpx.Client(base_url=gateway.url, headers={"idempotency-key": "a"}) as client,
        OpenStream(client, key),
    ):
        pass
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(post, gateway, key, "a", stream=True)
        release.set()
        whole = again.result()
    assert whole.headers[REPLAY] == "true"
    assert whole.text.count("word") == 64
    assert whole.text.endswith("data: [DONE]\n\n")
    assert len(provider.calls) == 1
    [logged] = gateway.settled(1, "gone")
    assert logged["evidence"] == "provider_usage"
    assert logged["usage"]["output_tokens"] == 64


def test_a_client_that_gives_up_before_the_answer_finds_it_later(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("impatient", "1")
    release = threading.Event()
    provider.script = until_released(release)
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "a"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{gateway.url}/v1/chat/completions", headers=headers, json=ASK, timeout=0.5)
    release.set()
    again = post(gateway, key, "a")
    assert again.headers[REPLAY] == "true"
    assert json.loads(again.content)["usage"] == tokens(10, 20)
    assert len(provider.calls) == 1
    assert len(gateway.settled(1, "impatient")) == 1


def test_a_request_that_was_killed_is_charged_in_full_and_its_retry_runs_anew(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    async def never(call: Call) -> None:
        await call.gone.wait()

    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    provider.script = never
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, own_gateway, key, "a")
        eventually(lambda: len(provider.calls) == 1)
        own_gateway.kill()
        assert isinstance(asked.exception(), httpx.TransportError)
    provider.script = answer
    own_gateway.start()
    assert post(own_gateway, key, "a").status_code == 200
    assert post(own_gateway, key, "a").headers[REPLAY] == "true"
    log = own_gateway.settled(2)
    assert [entry["evidence"] for entry in log] == ["provider_usage", "held_full"]
    assert len(provider.calls) == 2
    assert books_balance(own_gateway)


def test_a_sibling_takes_over_what_a_killed_process_had_begun(
    own_gateway: GatewayProcess, siblings: GatewayProcess, provider: Upstream
) -> None:
    async def first_never(call: Call) -> None:
        if len(provider.calls) == 1:
            await call.gone.wait()
        await call.whole(completion(usage=tokens(10, 20)))

    key = own_gateway.create_key("app", "1")
    eventually(lambda: knows(siblings, key))
    provider.script = first_never
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(post, own_gateway, key, "a")
        eventually(lambda: len(provider.calls) == 1)
        again = pool.submit(post, siblings, key, "a")
        own_gateway.kill()
        assert isinstance(asked.exception(), httpx.TransportError)
        assert again.result().status_code == 200
    log = siblings.settled(2)
    assert {entry["evidence"] for entry in log} == {"provider_usage", "held_full"}
    assert books_balance(siblings)


def test_an_answer_survives_a_restart_and_a_kill(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    first = post(own_gateway, key, "a", stream=True)
    own_gateway.settled(1)
    own_gateway.kill()
    own_gateway.start()
    assert post(own_gateway, key, "a", stream=True).content == first.content
    assert len(provider.calls) == 1


def test_sigterm_lets_a_request_whose_client_has_gone_finish(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    release = threading.Event()
    provider.script = until_released(release)
    with (
        httpx.Client(base_url=own_gateway.url, headers={"idempotency-key": "a"}) as client,
        OpenStream(client, key),
    ):
        pass
    own_gateway.terminate()
    eventually(lambda: not knows(own_gateway, key) or _drains(own_gateway, key))
    release.set()
    assert own_gateway.wait() == 0
    own_gateway.start()
    again = post(own_gateway, key, "a", stream=True)
    assert again.headers[REPLAY] == "true"
    assert again.text.endswith("data: [DONE]\n\n")
    assert len(provider.calls) == 1


def _drains(gateway: GatewayProcess, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    asked = httpx.post(f"{gateway.url}/v1/chat/completions", headers=headers, json=ASK)
    return asked.status_code == 503
