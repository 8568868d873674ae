"""The witness writes down what reaches the mock, with what was held in reserve then."""

import json
from pathlib import Path

from pouch.domain.provider import UpstreamRequest
from pouch.drill.witness import REQUEST_ID, Config, Sighting, WitnessTransport, read_journal
from pouch.infra.clock import SystemClock
from pouch.infra.sqlite import SqliteStore
from tests.infra.sqlite.books import hold, pouch

ASKED = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}]})


def request(request_id: str) -> UpstreamRequest:
    return UpstreamRequest("POST", "mock://here", ((REQUEST_ID, request_id),), ASKED.encode())


async def test_what_was_reserved_at_that_moment_is_written_down(tmp_path: Path) -> None:
    clock = SystemClock()
    path, journal = tmp_path / "pouch.db", tmp_path / "journal.jsonl"
    store = await SqliteStore.open(path, clock)
    await store.keys.create_pouch(pouch("app"))
    witness = WitnessTransport(Config(journal=journal, store=path), clock)
    try:
        await witness.send(request("request of r1"))
        await store.ledger.reserve(hold("r1", 70))
        answer = await witness.send(request("request of r1"))
        await witness.send(request("another"))
    finally:
        await witness.aclose()
        await store.close()
    assert answer.status == 200
    assert read_journal(journal) == [
        Sighting("request of r1", None, ASKED),
        Sighting("request of r1", 70, ASKED),
        Sighting("another", None, ASKED),
    ]


def test_a_line_that_a_kill_has_cut_short_is_left_out(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    assert read_journal(journal) == []
    journal.write_text('["a", 1, "{}"]\n["b", nu', encoding="utf-8")
    assert read_journal(journal) == [Sighting("a", 1, "{}")]
