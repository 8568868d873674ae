"""A key that runs away is frozen, and operators hear of it although their webhook was down."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess, free_port
from tests.fakes.upstream import Upstream, completion, tokens
from tests.fakes.waiting import eventually

SECRET = "the-secret-of-the-receiver"
STEPS = """
  - {use: key_validation}
  - {use: burn_rate, spend_usd: "0.01", repeats: 5, per_s: 600}
  - {use: usage_tracking}
"""


class Receiver:
    """A webhook on loopback that remembers what it was sent; ``status`` is what it answers."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.status = 200
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    def alerts(self, path: str = "/json") -> list[dict[str, Any]]:
        """What came to one path, each alert once, checked by its signature."""
        found: dict[str, dict[str, Any]] = {}
        for to, headers, body in self.got:
            if to == path:
                found[headers["x-pouch-alert-id"]] = json.loads(body)
                if path == "/json":
                    assert headers["x-pouch-signature"] == signature_of(headers, body)
        return list(found.values())

    @contextmanager
    def up(self) -> Iterator[None]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append((self.path, headers, body))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                del args

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()


def signature_of(headers: dict[str, str], body: bytes) -> str:
    at = headers["x-pouch-signature"].split(",")[0].removeprefix("t=")
    assert abs(int(at) - time.time()) < 300
    signed = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(free_port())


@pytest.fixture
def gateway(
    shared_provider: Upstream, tmp_path: Path, receiver: Receiver
) -> Iterator[GatewayProcess]:
    """A gateway with the breaker and two webhooks, started, and the webhooks down."""
    process = GatewayProcess(tmp_path, upstream=shared_provider.url, steps=STEPS, workers=2)
    base = f"http://127.0.0.1:{receiver.port}"
    alerts = (
        "alerts:\n  webhooks:\n"
        f'    - {{url: "{base}/json", secret: {SECRET}}}\n'
        f'    - {{url: "{base}/slack", format: slack, events: [key_frozen]}}\n'
    )
    process.config.write_text(process.config.read_text() + alerts)
    try:
        yield process.start()
    finally:
        process.close()


def ask(gateway: GatewayProcess, key: str, text: str) -> httpx.Response:
    body = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 10,
    }
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{gateway.url}/v1/chat/completions", headers=headers, json=body, timeout=30)


def frozen(gateway: GatewayProcess, key: str) -> bool:
    answer = ask(gateway, key, f"Are you there at {time.monotonic()}?")
    return answer.status_code == 403 and answer.json()["error"]["code"] == "key_frozen"


def test_a_key_that_spends_too_fast_is_frozen_everywhere_until_it_is_thawed(
    gateway: GatewayProcess, provider: Upstream, receiver: Receiver
) -> None:
    # Half a dollar cent for each answer: 8000 tokens at 0.60 USD a million, above the bound.
    provider.script = lambda call: call.whole(completion(usage=tokens(10, 8000)))
    key = gateway.create_key("agent", "1")
    statuses: list[int] = []
    deadline = time.monotonic() + 20
    while 403 not in statuses and time.monotonic() < deadline:
        statuses.append(ask(gateway, key, f"Question {len(statuses)}").status_code)
    assert set(statuses) == {200, 403}
    # Each worker learns of it within a second, and asks the provider nothing more.
    eventually(lambda: all(frozen(gateway, key) for _ in range(10)), within_s=5)
    calls = len(provider.calls)
    shown = gateway.key("agent")
    assert shown["status"] == "frozen"
    assert "more than 0.01" in shown["frozen_reason"]

    assert gateway.stop() == 0
    gateway.start()
    assert frozen(gateway, key)
    assert len(provider.calls) == calls

    with receiver.up():
        eventually(lambda: len(receiver.alerts("/slack")) == 1, within_s=20)
        [slack] = receiver.alerts("/slack")
        assert set(slack) == {"text"}
        assert "'agent' is frozen until an administrator thaws it" in slack["text"]
        eventually(lambda: any(a["type"] == "key_frozen" for a in receiver.alerts()), within_s=20)
        assert any(alert["type"] == "overrun" for alert in receiver.alerts())

    assert gateway.admin.post(f"/api/keys/{shown['id']}/thaw").json()["status"] == "active"
    eventually(lambda: ask(gateway, key, "Thawed?").status_code == 200, within_s=20)
    assert gateway.pouch("verify").code == 0


def test_the_same_prompt_again_and_again_freezes_the_key(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    del provider
    key = gateway.create_key("loop", "1")
    # Two workers count for themselves; both let five through, so that one of them must refuse.
    statuses = [ask(gateway, key, "Again!").status_code for _ in range(11)]
    assert statuses.count(200) in range(5, 11)
    assert set(statuses) == {200, 403}
    # The other learns of it within a second.
    eventually(lambda: all(frozen(gateway, key) for _ in range(10)), within_s=5)
    assert "the same messages" in gateway.key("loop")["frozen_reason"]


def test_a_webhook_that_was_down_hears_of_each_threshold_once(
    gateway: GatewayProcess, provider: Upstream, receiver: Receiver
) -> None:
    # What is reserved, and charged, for each of two questions of a word: half of the budget.
    provider.script = lambda call: call.whole(completion(usage=tokens(8, 10)))
    key = gateway.create_key("team", "0.0000144")
    assert ask(gateway, key, "One").status_code == 200
    eventually(lambda: len(gateway.admin.get("/api/alerts").json()["data"]) == 1, within_s=20)
    eventually(lambda: deliveries(gateway)[0]["error"] == "it cannot be reached", within_s=20)
    receiver.status = 503
    with receiver.up():
        eventually(lambda: deliveries(gateway)[0]["error"] == "it answered 503", within_s=20)
        receiver.status = 200
        eventually(lambda: deliveries(gateway)[0]["state"] == "delivered", within_s=20)
        assert [alert["data"]["percent"] for alert in receiver.alerts()] == [50]
        assert ask(gateway, key, "Two").status_code == 200
        eventually(lambda: len(receiver.alerts()) == 3, within_s=20)
        assert [alert["data"]["percent"] for alert in receiver.alerts()] == [50, 80, 100]
    log = gateway.log.read_text()
    assert SECRET not in log
    assert "/json" not in log


def deliveries(gateway: GatewayProcess) -> list[dict[str, Any]]:
    """Of the oldest alert."""
    data = gateway.admin.get("/api/alerts").json()["data"]
    found = data[-1]["deliveries"]
    assert isinstance(found, list)
    return found
