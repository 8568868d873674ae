"""How ``pouch serve`` ends: streams finish or are seen to be cut, and everything is settled."""

import json
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import ADMIN_TOKEN, GatewayProcess
from tests.fakes.streams import ASK, OpenStream, until_released
from tests.fakes.upstream import Upstream
from tests.fakes.waiting import eventually


@pytest.fixture
def hasty(shared_provider: Upstream, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway that drains for a second only, not yet started."""
    process = GatewayProcess(tmp_path, upstream=shared_provider.url, drain_s=1)
    try:
        yield process
    finally:
        process.close()


def test_a_request_in_flight_at_sigterm_is_answered(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    release = threading.Event()
    provider.script = until_released(release)
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_ask, own_gateway, key)
        eventually(lambda: len(provider.calls) == 1)
        own_gateway.terminate()
        eventually(lambda: _is_draining(own_gateway))
        refused = _ask(own_gateway, key)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "draining"
        assert int(refused.headers["retry-after"]) > 0
        release.set()
        assert asked.result().status_code == 200
    assert own_gateway.wait() == 0
    own_gateway.start()
    assert own_gateway.settled(1)[0]["evidence"] == "provider_usage"


def _ask(gateway: GatewayProcess, key: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={**ASK, **body},
        timeout=30,
    )


def _is_draining(gateway: GatewayProcess) -> bool:
    return httpx.get(f"{gateway.url}/ready", timeout=5).status_code == 503


def test_a_stream_that_outlasts_the_drain_is_cut_without_a_terminator_and_counted(
    hasty: GatewayProcess, provider: Upstream
) -> None:
    provider.script = until_released(threading.Event())
    hasty.start()
    key = hasty.create_key("app", "1")
    with httpx.Client(base_url=hasty.url) as client, OpenStream(client, key) as stream:
        stopped = time.monotonic()
        hasty.terminate()
        with pytest.raises(httpx.RemoteProtocolError):
            stream.rest()
    assert hasty.wait() == 0
    assert time.monotonic() - stopped < 1 + 5
    assert "Traceback" not in hasty.log.read_text()
    hasty.start()
    [logged] = hasty.settled(1)
    assert (logged["evidence"], logged["status"]) == ("counted", 200)
    assert 0 < logged["usage"]["output_tokens"] < 20
    assert hasty.pouch("verify").code == 0


def test_an_answer_that_outlasts_the_drain_is_given_up_and_charged_in_full(
    hasty: GatewayProcess, provider: Upstream
) -> None:
    provider.script = until_released(threading.Event())
    hasty.start()
    key = hasty.create_key("app", "1")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_ask, hasty, key)
        eventually(lambda: len(provider.calls) == 1)
        stopped = time.monotonic()
        hasty.terminate()
        assert hasty.wait() == 0
        assert time.monotonic() - stopped < 1 + 17
        answer = asked.result()
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "draining"
    hasty.start()
    [logged] = hasty.settled(1)
    assert (logged["evidence"], logged["error"]) == ("held_full", "draining")
    assert logged["id"] == answer.headers["x-request-id"]


def test_a_store_that_stays_busy_does_not_hold_up_the_exit_for_ever(
    hasty: GatewayProcess, provider: Upstream
) -> None:
    hasty.start()
    key = hasty.create_key("app", "1")
    release = threading.Event()
    provider.script = until_released(release)
    with (
        closing(sqlite3.connect(hasty.folder / "pouch.db", isolation_level=None)) as other,
        httpx.Client(base_url=hasty.url) as client,
        OpenStream(client, key) as stream,
    ):
        other.execute("BEGIN IMMEDIATE")
        release.set()
        stream.rest()
        stopped = time.monotonic()
        hasty.terminate()
        assert hasty.wait() == 0
        assert time.monotonic() - stopped < 1 + 17
        other.execute("ROLLBACK")
    assert "left to the next start" in hasty.log.read_text()
    hasty.start()
    assert hasty.settled(1)[0]["evidence"] == "held_full"
    assert hasty.pouch("verify").code == 0


def test_a_store_that_is_busy_for_a_while_at_sigterm_gets_its_settlement(
    hasty: GatewayProcess, provider: Upstream
) -> None:
    hasty.start()
    key = hasty.create_key("app", "1")
    release = threading.Event()
    provider.script = until_released(release)
    with (
        closing(sqlite3.connect(hasty.folder / "pouch.db", isolation_level=None)) as other,
        httpx.Client(base_url=hasty.url) as client,
        OpenStream(client, key) as stream,
    ):
        other.execute("BEGIN IMMEDIATE")
        release.set()
        stream.rest()
        hasty.terminate()
        eventually(lambda: _is_draining_or_gone(hasty))
        other.execute("ROLLBACK")
        assert hasty.wait() == 0
    hasty.start()
    assert hasty.settled(1)[0]["evidence"] == "provider_usage"


def _is_draining_or_gone(gateway: GatewayProcess) -> bool:
    try:
        return _is_draining(gateway)
    except httpx.TransportError:
        return True


@pytest.mark.parametrize(
    ("sent", "within_s"),
    [
        (b"", 3),
        (b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n", 3),
        (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n", 8),
    ],
    ids=["silent", "idle", "halfway"],
)
def test_a_connection_without_a_request_does_not_hold_up_the_exit(
    own_gateway: GatewayProcess, sent: bytes, within_s: float
) -> None:
    own_gateway.start()
    with socket.create_connection(("127.0.0.1", own_gateway.port), timeout=10) as connection:
        connection.sendall(sent)
        if b"GET" in sent:
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        stopped = time.monotonic()
        assert own_gateway.stop() == 0
        assert time.monotonic() - stopped < within_s


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_changes_nothing(
    own_gateway: GatewayProcess, provider: Upstream, number: signal.Signals
) -> None:
    release = threading.Event()
    provider.script = until_released(release)
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    assert own_gateway.process is not None
    with httpx.Client(base_url=own_gateway.url) as client, OpenStream(client, key) as stream:
        os.kill(own_gateway.process.pid, number)
        eventually(lambda: _is_draining(own_gateway))
        os.kill(own_gateway.process.pid, number)
        assert _is_draining(own_gateway)
        release.set()
        assert stream.rest().endswith("data: [DONE]\n\n")
    assert own_gateway.wait() == 0
    assert "Traceback" not in own_gateway.log.read_text()


def test_a_request_is_logged_on_one_line_without_secrets(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    answer = _ask(own_gateway, key, messages=[{"role": "user", "content": "xyzzy-question"}])
    assert _ask(own_gateway, "pouch-" + "x" * 43).status_code == 401
    assert _ask(own_gateway, key, model="unpriced").status_code == 402
    own_gateway.settled(2)
    assert own_gateway.stop() == 0
    log = own_gateway.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    served = [line for line in lines if line["logger"] == "pouch.requests"]
    assert [line["status"] for line in served] == [200, 402]
    assert served[0]["id"] == answer.headers["x-request-id"]
    assert (served[0]["cost_usd"], served[0]["evidence"]) == ("0.0000135", "provider_usage")
    for secret in (key, ADMIN_TOKEN, "sk-upstream-secret", "xyzzy", "Hello there", "xxxxxx"):
        assert secret not in log
