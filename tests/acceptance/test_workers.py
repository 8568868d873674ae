"""Several workers on one store and one port: kept alive, stopped together, of one mind."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.streams import ASK, LAST, WORDS, OpenStream, until_released
from tests.fakes.upstream import Upstream
from tests.fakes.waiting import books_balance, eventually
from tests.fakes.workers import client_of, pair_of_workers, workers


@pytest.fixture
def pair(shared_provider: Upstream, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A running gateway of two workers."""
    with pair_of_workers(tmp_path, shared_provider) as process:
        yield process


def ask(client: httpx.Client, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    answer = client.post("/v1/chat/completions", headers=headers, json={**ASK, "model": "mock"})
    return answer.status_code


def test_the_workers_serve_and_their_parent_only_keeps_them(pair: GatewayProcess) -> None:
    key = pair.create_key()
    for worker in workers(pair):
        with client_of(pair, worker) as client:
            assert ask(client, key) == 200
        held = [file.path for file in worker.open_files()]
        assert any(path.endswith("pouch.db") for path in held)
    assert pair.process is not None
    parent = psutil.Process(pair.process.pid)
    assert not [file for file in parent.open_files() if "pouch.db" in file.path]
    assert pair.stop() == 0
    assert "Traceback" not in pair.log.read_text()


def test_the_installed_command_starts_workers_too(
    shared_provider: Upstream, tmp_path: Path
) -> None:
    gateway = GatewayProcess(tmp_path, upstream=shared_provider.url, workers=2)
    gateway.command = [str(Path(sys.executable).with_name("pouch"))]
    try:
        gateway.start()
        eventually(lambda: len(workers(gateway)) == 2)
        key = gateway.create_key()
        for worker in workers(gateway):
            with client_of(gateway, worker) as client:
                assert ask(client, key) == 200
        assert gateway.stop() == 0
    finally:
        gateway.close()


@pytest.mark.parametrize("change", ["disabled", "revoked"])
def test_what_one_worker_is_told_of_a_key_all_know_within_a_second(
    pair: GatewayProcess, change: str
) -> None:
    first, second = workers(pair)
    with client_of(pair, first) as told, client_of(pair, second) as other:
        told.headers["authorization"] = pair.admin.headers["authorization"]
        made = told.post("/api/keys", json={"name": "shared"}).json()
        key, key_id = made["key"], made["id"]
        assert ask(other, key) == ask(told, key) == 200
        if change == "disabled":
            answer = told.patch(f"/api/keys/{key_id}", json={"disabled": True})
        else:
            answer = told.delete(f"/api/keys/{key_id}")
        assert answer.status_code < 300, answer.text
        expected = 403 if change == "disabled" else 401
        assert ask(told, key) == expected
        eventually(lambda: ask(other, key) == expected, within_s=1)


def test_a_killed_worker_is_replaced_and_its_sibling_settles_for_it(
    pair: GatewayProcess, provider: Upstream
) -> None:
    release = threading.Event()
    provider.script = until_released(release)
    dies, lives = workers(pair)
    doomed, spared = pair.create_key("doomed", "1"), pair.create_key("spared", "1")
    with ExitStack() as stack:
        on_dying = stack.enter_context(client_of(pair, dies))
        on_living = stack.enter_context(client_of(pair, lives))
        lost = stack.enter_context(OpenStream(on_dying, doomed))
        kept = stack.enter_context(OpenStream(on_living, spared))
        dies.kill()
        killed = time.monotonic()
        with pytest.raises(httpx.TransportError):
            lost.rest()
        [charged] = pair.settled(1, "doomed")
        assert time.monotonic() - killed < 10
        assert charged["evidence"] == "held_full"
        assert charged["cost_usd"] == pair.key("doomed")["pouch"]["spent_usd"]
        eventually(lambda: len(workers(pair)) == 2)
        assert lives in workers(pair)
        replacement = next(worker for worker in workers(pair) if worker != lives)
        with client_of(pair, replacement) as client:
            assert ask(client, spared) == 200
        release.set()
        assert kept.rest().endswith(LAST)
    assert pair.settled(2, "spared")[1]["evidence"] == "provider_usage"
    assert books_balance(pair)
    assert pair.stop() == 0
    assert "worker-0 died with -9" in pair.log.read_text()


@pytest.mark.parametrize("signals", ["SIGTERM", "SIGTERM twice", "Ctrl-C", "Ctrl-C twice"])
def test_a_signal_lets_the_streams_of_all_workers_finish(
    pair: GatewayProcess, provider: Upstream, signals: str
) -> None:
    release = threading.Event()
    provider.script = until_released(release)
    key = pair.create_key("app", "1")
    pids = [worker.pid for worker in workers(pair)]
    assert pair.process is not None
    # In a terminal Ctrl-C goes to the whole group, the workers included.
    told = [pair.process.pid, *pids] if "Ctrl-C" in signals else [pair.process.pid]
    number = signal.SIGINT if "Ctrl-C" in signals else signal.SIGTERM
    with ExitStack() as stack:
        clients = [stack.enter_context(client_of(pair, each)) for each in workers(pair)]
        probes = [stack.enter_context(client_of(pair, each)) for each in workers(pair)]
        streams = [stack.enter_context(OpenStream(client, key)) for client in clients]
        for pid in told:
            os.kill(pid, number)
        eventually(lambda: all(_is_draining(probe) for probe in probes))
        if "twice" in signals:
            for pid in told:
                os.kill(pid, number)
        assert pair.process.poll() is None
        release.set()
        texts = [stream.rest() for stream in streams]
    assert pair.wait() == 0
    assert all(text.endswith(LAST) and f"word{WORDS - 1} " in text for text in texts)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert "Traceback" not in pair.log.read_text()
    assert books_balance(pair)
    pair.start()
    assert [entry["evidence"] for entry in pair.settled(2)] == ["provider_usage"] * 2


def _is_draining(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 503
    except httpx.TransportError:
        # It has answered before that it is draining, and closed the connection.
        return True


def test_workers_whose_parent_is_killed_finish_and_go(
    pair: GatewayProcess, provider: Upstream
) -> None:
    release = threading.Event()
    provider.script = until_released(release)
    key = pair.create_key("app", "1")
    orphans = workers(pair)
    with client_of(pair, orphans[0]) as client, OpenStream(client, key) as stream:
        pair.kill()
        release.set()
        assert stream.rest().endswith(LAST)
    _, alive = psutil.wait_procs(orphans, timeout=10)
    assert not alive
    pair.start()
    assert pair.settled(1)[0]["evidence"] == "provider_usage"
    assert books_balance(pair)


def test_workers_that_cannot_start_end_the_server(pair: GatewayProcess) -> None:
    pair.config.write_text("nonsense: true\n")
    for worker in workers(pair):
        worker.kill()
    assert pair.wait() == 1
    log = pair.log.read_text()
    assert "no worker could be started" in log
