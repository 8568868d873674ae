"""A burst that still grows is let grow for a few turns of the event loop; nothing else waits."""

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pouch.infra.sqlite.turnstile import Turnstile
from pouch.infra.sqlite.writer import BURST_MIN, BURST_TURNS_MAX, Movement, Work, Writer
from tests.infra.sqlite.numbers import add, rows


@pytest.fixture
def batches(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much work each transaction held."""
    sizes: list[int] = []
    commit = writer._commit

    def counting(works: Sequence[Work[Any]]) -> list[object]:
        sizes.append(len(works))
        return commit(works)

    monkeypatch.setattr(writer, "_commit", counting)
    return sizes


def joining(number: int) -> Movement[int]:
    return Movement(add(number), joins=True)


async def ask(writer: Writer, turns: Iterable[Sequence[Work[Any]]]) -> None:
    """Ask for some work at each turn of the event loop, and wait for all of it."""
    asked = []
    for works in turns:
        asked += [asyncio.ensure_future(writer.run(work)) for work in works]
        await asyncio.sleep(0)
    await asyncio.gather(*asked)


async def test_a_burst_is_one_batch_with_what_joins_it_meanwhile(
    writer: Writer, batches: list[int], tmp_path: Path
) -> None:
    first = [joining(number) for number in range(BURST_MIN)]
    await ask(writer, [first, [joining(100)], [joining(101)], [joining(102)]])
    assert batches == [BURST_MIN + 3]
    assert len(rows(tmp_path)) == BURST_MIN + 3


async def test_a_burst_that_does_not_end_waits_only_so_long(
    writer: Writer, batches: list[int]
) -> None:
    first = [joining(number) for number in range(BURST_MIN)]
    await ask(writer, [first, *([joining(100 + turn)] for turn in range(3 * BURST_TURNS_MAX))])
    assert batches[0] == BURST_MIN + BURST_TURNS_MAX
    assert sum(batches) == BURST_MIN + 3 * BURST_TURNS_MAX


async def test_less_than_a_burst_does_not_wait(writer: Writer, batches: list[int]) -> None:
    first = [joining(number) for number in range(BURST_MIN - 2)]
    await ask(writer, [first, [], [joining(100)]])
    assert batches[0] == BURST_MIN - 2


async def test_a_burst_with_work_in_a_hurry_does_not_wait(
    writer: Writer, batches: list[int]
) -> None:
    for hurried in (Movement(add(50)), add(51)):
        batches.clear()
        first: list[Work[int]] = [*(joining(number) for number in range(BURST_MIN)), hurried]
        await ask(writer, [first, [], [joining(100)]])
        assert batches[0] == BURST_MIN + 1
        await writer.run(lambda connection: connection.execute("DELETE FROM t"))


async def test_what_comes_while_another_process_has_its_turn_goes_along(
    writer: Writer, batches: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    sleep = time.sleep

    def noted(seconds: float) -> None:
        waits.set()
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", noted)
    writer._turnstile = Turnstile(tmp_path)
    with Turnstile(tmp_path):
        asked = [asyncio.ensure_future(writer.run(add(1)))]
        await asyncio.to_thread(waits.wait, 10)
        asked += [asyncio.ensure_future(writer.run(add(number))) for number in (2, 3)]
        left = asyncio.ensure_future(writer.run(add(4)))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
    assert await asyncio.gather(*asked) == [1, 2, 3]
    assert batches == [3]
    assert rows(tmp_path) == [1, 2, 3]
