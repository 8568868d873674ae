"""Killed again and again under load, on a real process and a real file; and a file that fails it.

``POUCH_CRASHES=50`` kills it fifty times; ``POUCH_CRASH_SEED`` chooses other moments.
"""

import asyncio
import os
import random
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from pouch.infra.sqlite.verify import audit
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Call, Upstream, answer, completion, tokens
from tests.fakes.waiting import books_balance

CRASHES = int(os.environ.get("POUCH_CRASHES", "50"))
SEED = int(os.environ.get("POUCH_CRASH_SEED", "1"))
CONCURRENCY = 16
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Tell me a story."}]}
# What one answer of the scripted provider costs: 10 tokens in, 20 out.
COST = Decimal("0.0000135")


@dataclass(slots=True)
class Load:
    """Clients that ask until their server is gone."""

    gateway: GatewayProcess
    key: str
    seed: int
    answered: list[str] = field(default_factory=list)
    """Ids of the requests whose answers came to their end."""
    statuses: set[int] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, number: int) -> None:
        chance = random.Random(self.seed * CONCURRENCY + number)
        with httpx.Client(base_url=self.gateway.url, timeout=20) as client:
            while not self.stop.is_set():
                try:
                    self._ask(client, chance)
                except httpx.TransportError:
                    if self.stop.is_set():
                        return

    def _ask(self, client: httpx.Client, chance: random.Random) -> None:
        got = client.post(
            "/v1/chat/completions",
            headers={"authorization": f"Bearer {self.key}"},
            json={
                **ASK,
                "model": chance.choice(["gpt-4o-mini", "paid-mock"]),
                "stream": chance.random() < 0.5,
                "max_tokens": chance.choice([30, 200]),
            },
        )
        self.statuses.add(got.status_code)
        if got.status_code == 200:
            self.answered.append(got.headers["x-request-id"])


def rows(gateway: GatewayProcess, query: str, *values: object) -> list[tuple[Any, ...]]:
    path = gateway.folder / "pouch.db"
    with closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def test_nothing_is_lost_or_overspent_however_often_it_is_killed_under_load(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    chance = random.Random(SEED)
    own_gateway.start()
    limit = Decimal("0.5")
    key = own_gateway.create_key("app", str(limit))
    acknowledged: set[str] = set()
    for crash in range(CRASHES):
        load = Load(own_gateway, key, seed=SEED * 1000 + crash)
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            for number in range(CONCURRENCY):
                pool.submit(load.run, number)
            time.sleep(chance.uniform(0.1, 0.6))
            own_gateway.kill()
            load.stop.set()
        assert load.statuses <= {200, 402}
        acknowledged |= set(load.answered)
        own_gateway.start()
        assert books_balance(own_gateway)
        pouch = own_gateway.key()["pouch"]
        assert Decimal(pouch["spent_usd"]) <= limit
        assert Decimal(pouch["reserved_usd"]) == 0
    logged = dict(rows(own_gateway, "SELECT id, evidence FROM requests WHERE reserved_nanos > 0"))
    assert acknowledged <= set(logged), "an answer was acknowledged, and is not in the books"
    held = sum(evidence == "held_full" for evidence in logged.values())
    charged = rows(
        own_gateway,
        "SELECT count(*), min(cost_nanos) FROM requests WHERE model = 'gpt-4o-mini' "
        "AND evidence IN ('provider_usage', 'counted', 'held_full')",
    )[0]
    assert charged[0] >= len(provider.calls), "the provider saw a request that is not charged"
    assert charged[1] > 0
    print(
        f"{CRASHES} kills, {len(logged)} paid requests, {len(acknowledged)} acknowledged, "
        f"{held} charged in full, {len(provider.calls)} seen by the provider"
    )
    assert len(acknowledged) > CRASHES
    assert held > 0


@contextmanager
def full_disk(gateway: GatewayProcess) -> Iterator[None]:
    """No file of the server may grow beyond what its largest one has now."""
    assert gateway.process is not None
    pid = gateway.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    # A write-ahead log takes a page and its header at a time.
    room = 4096
    most = (gateway.folder / "pouch.db-wal").stat().st_size + room
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def ask(gateway: GatewayProcess, key: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={**ASK, "model": "gpt-4o-mini", **body},
        timeout=30,
    )


def test_a_full_disk_stops_spending_and_loses_nothing(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    assert ask(own_gateway, key).status_code == 200
    own_gateway.settled(1)
    with full_disk(own_gateway):
        statuses = [ask(own_gateway, key).status_code for _ in range(6)]
        assert set(statuses) <= {200, 503}
        assert statuses[-2:] == [503, 503]
        assert len(provider.calls) == 1 + statuses.count(200)
    served = 2 + statuses.count(200)
    deadline = time.monotonic() + 20
    while ask(own_gateway, key).status_code != 200:
        assert time.monotonic() < deadline, "there is room again, and it does not notice"
        time.sleep(0.1)
    own_gateway.settled(served)
    charged = rows(own_gateway, "SELECT sum(cost_nanos) FROM requests")[0][0]
    assert Decimal(charged) / 10**9 == COST * len(provider.calls)
    assert books_balance(own_gateway)


def test_a_database_that_another_process_has_locked_stops_spending(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    text = own_gateway.config.read_text(encoding="utf-8")
    own_gateway.config.write_text(
        text.replace('pouch.db"}', 'pouch.db", busy_timeout_s: 0.5}'), encoding="utf-8"
    )
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    assert ask(own_gateway, key).status_code == 200
    own_gateway.settled(1)
    path = own_gateway.folder / "pouch.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: ask(own_gateway, key), range(4)))
        assert [answer.status_code for answer in answers] == [503] * 4
        assert {answer.json()["error"]["code"] for answer in answers} == {"store_unavailable"}
        assert len(provider.calls) == 1
        other.execute("ROLLBACK")
    assert ask(own_gateway, key).status_code == 200
    own_gateway.settled(6)
    assert books_balance(own_gateway)


def test_an_answer_that_ends_while_the_database_is_locked_for_ten_seconds_is_settled_after(
    own_gateway: GatewayProcess, provider: Upstream
) -> None:
    called, release = threading.Event(), threading.Event()

    async def late(call: Call) -> None:
        called.set()
        while not release.is_set():
            await asyncio.sleep(0.01)
        await call.whole(completion(usage=tokens(10, 20)))

    provider.script = late
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    path = own_gateway.folder / "pouch.db"
    with ThreadPoolExecutor(1) as pool, closing(sqlite3.connect(path, isolation_level=None)) as db:
        asked = pool.submit(ask, own_gateway, key)
        assert called.wait(10)
        db.execute("BEGIN IMMEDIATE")
        release.set()
        assert asked.result().status_code == 200
        # Each waits for the store as long as it waits by default, five seconds.
        assert [ask(own_gateway, key).status_code for _ in range(2)] == [503, 503]
        assert len(provider.calls) == 1
        assert rows(own_gateway, "SELECT count(*) FROM requests") == [(0,)]
        db.execute("ROLLBACK")
    log = own_gateway.settled(3)
    assert sorted(Decimal(logged["cost_usd"]) for logged in log) == [0, 0, COST]
    assert books_balance(own_gateway)


def test_a_corrupted_page_is_reported_or_refused_and_never_counted_with(
    own_gateway: GatewayProcess, tmp_path: Path
) -> None:
    own_gateway.start()
    key = own_gateway.create_key("app", "1")
    for _ in range(20):
        assert ask(own_gateway, key, model="paid-mock", max_tokens=20).status_code == 200
    own_gateway.settled(20)
    spent = own_gateway.key()["pouch"]["spent_usd"]
    assert own_gateway.stop() == 0
    path = tmp_path / "pouch.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    size = int.from_bytes(whole[16:18], "big")
    used = [n for n in range(len(whole) // size) if any(whole[n * size : (n + 1) * size])]
    for page in used:
        path.write_bytes(_corrupted(whole, page, size))
        found = audit(path).discrepancies
        assert found, f"page {page} of {len(used)} is gone, and nobody notices"
    assert own_gateway.pouch("verify").code == 1
    _refuses_or_tells_the_truth(own_gateway, spent)


def _corrupted(whole: bytes, page: int, size: int) -> bytes:
    """``whole`` with nonsense in place of a page; the file's own header stays on the first."""
    start = page * size + (100 if page == 0 else 0)
    end = (page + 1) * size
    return whole[:start] + b"\xa5" * (end - start) + whole[end:]


def _refuses_or_tells_the_truth(gateway: GatewayProcess, spent: str) -> None:
    try:
        gateway.start()
    except RuntimeError as refused:
        assert "pouch.db" in str(refused)  # noqa: PT017 - to start is as good
        return
    shown = gateway.admin.get("/api/keys")
    if shown.status_code == 200:
        assert shown.json()["data"][0]["pouch"]["spent_usd"] == spent
    else:
        assert shown.status_code == 503


def test_the_well_behaved_provider_bills_what_these_tests_count_with() -> None:
    assert answer.__doc__ is not None
    assert "10 tokens in, 20 out" in answer.__doc__
    assert Decimal(10) * Decimal("0.15") + Decimal(20) * Decimal("0.60") == COST * 1_000_000
