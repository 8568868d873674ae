"""What an administrator does at one worker holds at the other within about a second."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.fakes.gateway_process import ADMIN_TOKEN, GatewayProcess
from tests.fakes.streams import OpenStream, until_released
from tests.fakes.upstream import Upstream
from tests.fakes.waiting import eventually
from tests.fakes.workers import client_of, pair_of_workers, workers

WITHOUT_TOKEN = {"POUCH_ADMIN_TOKEN": ""}


@pytest.fixture
def pair(shared_provider: Upstream, tmp_path: Path) -> Iterator[GatewayProcess]:
    """Two workers; the admin token is the store's, made at the first start."""
    with pair_of_workers(tmp_path, shared_provider, WITHOUT_TOKEN) as process:
        printed = process.log.read_text().split()
        token = next(word for word in printed if word.startswith("pouch-admin-"))
        process.admin.headers["authorization"] = f"Bearer {token}"
        yield process


def status_of(client: httpx.Client, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return client.get("/api/about", headers=headers).status_code


def test_a_rotated_admin_token_stops_working_in_every_worker_within_a_second(
    pair: GatewayProcess,
) -> None:
    old = str(pair.admin.headers["authorization"]).removeprefix("Bearer ")
    first, second = workers(pair)
    with client_of(pair, first) as told, client_of(pair, second) as other:
        session = {"origin": pair.url}
        assert other.post("/api/session", json={"token": old}).status_code == 200
        assert other.get("/api/session", headers=session).status_code == 200
        told.headers["authorization"] = f"Bearer {old}"
        rotated = told.post("/api/admin-token/rotate")
        assert rotated.status_code == 201, rotated.text
        new = rotated.json()["token"]
        assert [status_of(told, old), status_of(told, new)] == [401, 200]
        eventually(lambda: status_of(other, old) == 401, within_s=1)
        assert status_of(other, new) == 200
        assert other.get("/api/session", headers=session).status_code == 401
        pids = {
            client.get("/api/about", headers={"authorization": f"Bearer {new}"}).json()[
                "worker_pid"
            ]
            for client in (told, other)
        }
        assert pids == {first.pid, second.pid}
    assert pair.stop() == 0
    pair.start(WITHOUT_TOKEN)
    assert status_of(pair.admin, new) == 200
    assert new not in pair.log.read_text()


def test_a_new_admin_token_works_in_every_worker_at_once(pair: GatewayProcess) -> None:
    first, second = workers(pair)
    with client_of(pair, first) as told, client_of(pair, second) as other:
        told.headers["authorization"] = str(pair.admin.headers["authorization"])
        new = told.post("/api/admin-token/rotate").json()["token"]
        assert other.post("/api/session", json={"token": new}).status_code == 200
        newest = other.post(
            "/api/admin-token/rotate", headers={"authorization": f"Bearer {new}"}
        ).json()["token"]
        assert status_of(told, newest) == 200


def test_a_request_is_stopped_at_a_worker_that_does_not_have_it(
    pair: GatewayProcess, provider: Upstream
) -> None:
    release = threading.Event()
    provider.script = until_released(release)
    key = pair.create_key("app", "1")
    first, second = workers(pair)
    with ExitStack() as stack:
        has_it = stack.enter_context(client_of(pair, first))
        asked = stack.enter_context(client_of(pair, second))
        asked.headers["authorization"] = str(pair.admin.headers["authorization"])
        stream = stack.enter_context(OpenStream(has_it, key))
        [live] = asked.get("/api/live").json()["data"]
        assert (live["here"], live["phase"]) == (False, None)
        stopping = asked.post(f"/api/live/{live['id']}/stop")
        assert (stopping.status_code, stopping.json()) == (202, {"stopped": "requested"})
        with pytest.raises(httpx.RemoteProtocolError):
            stream.rest()
    [logged] = pair.settled(1)
    assert (logged["id"], logged["error"]) == (live["id"], "stopped_by_administrator")
    assert logged["evidence"] == "counted"
    verified = pair.pouch("verify")
    assert verified.code == 0, verified.output


def test_a_free_request_of_another_worker_is_stopped_too(
    pair: GatewayProcess, provider: Upstream
) -> None:
    body = {
        "model": "mock",
        "messages": [{"role": "user", "content": "Hello"}],
        "mock": {"delay_s": 15},
    }
    key = {"authorization": f"Bearer {pair.create_key()}"}
    token = {"authorization": str(pair.admin.headers["authorization"])}
    first, second = workers(pair)
    with (
        client_of(pair, first) as has_it,
        client_of(pair, first) as looks,
        client_of(pair, second) as asked,
        ThreadPoolExecutor(1) as pool,
    ):
        asking = pool.submit(has_it.post, "/v1/chat/completions", json=body, headers=key)
        eventually(lambda: bool(looks.get("/api/live", headers=token).json()["data"]))
        [live] = looks.get("/api/live", headers=token).json()["data"]
        stopping = asked.post(f"/api/live/{live['id']}/stop", headers=token)
        assert stopping.json() == {"stopped": "requested"}
        assert asking.result(10).json()["error"]["code"] == "stopped_by_administrator"


def test_the_environments_token_goes_before_the_stores(
    shared_provider: Upstream, tmp_path: Path
) -> None:
    gateway = GatewayProcess(tmp_path, upstream=shared_provider.url)
    try:
        gateway.start()
        refusal = gateway.admin.post("/api/admin-token/rotate")
        assert refusal.status_code == 409
        assert status_of(gateway.admin, ADMIN_TOKEN) == 200
        assert gateway.stop() == 0
    finally:
        gateway.close()
