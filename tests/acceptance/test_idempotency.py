"""A request with an Idempotency-Key may be sent again, and is charged once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import client_of
from tests.fakes.gateway_process import STEPS, GatewayProcess
from tests.fakes.named_requests import REPLAY, post
from tests.fakes.streams import ASK, until_released
from tests.fakes.upstream import Call, Upstream, answer
from tests.fakes.waiting import eventually


def spent(gateway: GatewayProcess, key: str) -> Decimal:
    return Decimal(gateway.key(key)["pouch"]["spent_usd"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_repeated_request_gets_the_same_bytes_and_is_charged_once(
    gateway: GatewayProcess, provider: Upstream, stream: bool
) -> None:
    name = f"repeated {stream}"
    key = gateway.create_key(name, "1")
    first = post(gateway, key, "a", stream=stream)
    [logged] = gateway.settled(1, name)
    again = post(gateway, key, "a", stream=stream)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert len(first.content) > 100
    assert first.headers["content-type"] == again.headers["content-type"]
    assert REPLAY not in first.headers
    assert again.headers[REPLAY] == "true"
    assert again.headers["x-pouch-cost"] == logged["cost_usd"] == "0.0000135"
    assert again.headers["x-pouch-original-request-id"] == first.headers["x-request-id"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(provider.calls) == 1
    assert len(gateway.settled(1, name)) == 1
    assert spent(gateway, name) == Decimal("0.0000135")


def test_the_comment_on_the_cost_is_a_part_of_the_answer(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("comment", "1", stream_cost=True)
    first = post(gateway, key, "a", stream=True)
    assert b": pouch cost=" in first.content
    assert post(gateway, key, "a", stream=True).content == first.content
    assert len(provider.calls) == 1


def test_the_openai_sdk_reads_a_stream_again(gateway: GatewayProcess, provider: Upstream) -> None:
    client = client_of(gateway, gateway.create_key("sdk", "1"))
    texts = []
    for _ in range(2):
        chunks = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            extra_headers={"Idempotency-Key": "from-the-sdk"},
        )
        texts.append("".join(c.choices[0].delta.content or "" for c in chunks if c.choices))
    assert texts == ["Hello there my friend."] * 2
    assert len(provider.calls) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_eight_identical_requests_at_once_are_one_call_and_one_charge(
    gateway: GatewayProcess, provider: Upstream, stream: bool
) -> None:
    name = f"eight {stream}"
    key = gateway.create_key(name, "1")
    release = threading.Event()
    provider.script = until_released(release)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(post, gateway, key, "a", stream=stream) for _ in range(8)]
        eventually(lambda: len(provider.calls) == 1)
        release.set()
        answers = [call.result() for call in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAY in answer.headers for answer in answers) == 7
    assert len(provider.calls) == 1
    [logged] = gateway.settled(1, name)
    assert spent(gateway, name) == Decimal(logged["cost_usd"]) > 0


def test_the_same_name_with_another_body_is_a_conflict_at_work_and_after(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("conflict", "1")
    release = threading.Event()
    provider.script = until_released(release)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, gateway, key, "a")
        eventually(lambda: len(provider.calls) == 1)
        refusals = [post(gateway, key, "a", max_tokens=999)]
        release.set()
        assert first.result().status_code == 200
    refusals.append(post(gateway, key, "a", max_tokens=999))
    for refusal in refusals:
        assert refusal.status_code == 409
        assert refusal.json()["error"]["code"] == "idempotency_key_reused"
        assert refusal.headers["x-should-retry"] == "false"
    assert len(provider.calls) == 1


def test_a_name_belongs_to_one_pouch_key(gateway: GatewayProcess, provider: Upstream) -> None:
    for name in ("mine", "yours"):
        assert REPLAY not in post(gateway, gateway.create_key(name, "1"), "shared").headers
    assert len(provider.calls) == 2


@pytest.mark.parametrize("name", ["", "two words", "x" * 256, "ключ".encode().decode("latin-1")])
def test_a_name_that_is_not_visible_ascii_is_a_400(
    gateway: GatewayProcess, provider: Upstream, name: str
) -> None:
    refused = httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers=[
            (b"authorization", f"Bearer {gateway.create_key()}".encode()),
            (b"idempotency-key", name.encode("latin-1")),
        ],
        json=ASK,
    )
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "idempotency-key"
    assert not provider.calls


def test_a_refusal_is_not_kept(gateway: GatewayProcess, provider: Upstream) -> None:
    key = gateway.create_key("poor", "0.00001")
    assert post(gateway, key, "a", max_tokens=1000).status_code == 402
    gateway.admin.patch(
        f"/api/keys/{gateway.key('poor')['id']}", json={"budget": {"limit_usd": "1"}}
    ).raise_for_status()
    assert post(gateway, key, "a", max_tokens=1000).status_code == 200
    assert len(provider.calls) == 1


def test_an_error_of_the_provider_is_not_kept(gateway: GatewayProcess, provider: Upstream) -> None:
    async def fail(call: Call) -> None:
        await call.whole(b'{"error": {"message": "no"}}', status=500)

    async def cut(call: Call) -> None:
        await call.head(content_type="text/event-stream")
        await call.event({"choices": []})
        call.writer.close()

    key = gateway.create_key("errors", "1")
    provider.script = fail
    assert post(gateway, key, "a", stream=True).status_code == 500
    provider.script = cut
    assert '"error"' in _until_cut(gateway, key)
    provider.script = answer
    assert post(gateway, key, "a", stream=True).content.endswith(b"data: [DONE]\n\n")
    assert len(provider.calls) == 3
    gateway.settled(3, "errors")


def _until_cut(gateway: GatewayProcess, key: str) -> str:
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "a"}
    body = {**ASK, "stream": True}
    seen = ""
    url = f"{gateway.url}/v1/chat/completions"
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("POST", url, headers=headers, json=body) as stream,
    ):
        for text in stream.iter_text():
            seen += text
    return seen


def test_an_answer_that_comes_again_is_not_counted_by_the_rate_limit(
    shared_provider: Upstream, tmp_path: Path
) -> None:
    steps = STEPS.replace("requests: 100000", "requests: 1")
    gateway = GatewayProcess(tmp_path, upstream=shared_provider.url, steps=steps)
    shared_provider.script = answer
    try:
        gateway.start()
        key = gateway.create_key("app", "1")
        assert [post(gateway, key, "a").status_code for _ in range(3)] == [200] * 3
        again = post(gateway, key, "a")
        assert not [name for name in again.headers if name.startswith("x-ratelimit-")]
        assert post(gateway, key, "b").status_code == 429
    finally:
        gateway.close()


def test_a_key_that_is_switched_off_gets_no_answer_again(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    key = gateway.create_key("off", "1")
    assert post(gateway, key, "a").status_code == 200
    path = f"/api/keys/{gateway.key('off')['id']}"
    gateway.admin.patch(path, json={"disabled": True}).raise_for_status()
    refused = post(gateway, key, "a")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "key_disabled"
