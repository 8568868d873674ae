"""The thread that writes: in order, told in the loop, and gone when it is told to be."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator
from functools import partial

import pytest

from pouch.infra.sqlite.worker_thread import WorkerThread


@pytest.fixture
async def worker() -> AsyncIterator[WorkerThread]:
    worker = WorkerThread(asyncio.get_running_loop(), "worker")
    yield worker
    worker.stop()


async def test_it_works_in_its_thread_in_order_and_tells_the_loop(worker: WorkerThread) -> None:
    told: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    def then(number: int) -> None:
        told.put_nowait((number, threading.current_thread().name))

    where: list[str] = []

    def note(number: int) -> int:
        where.append(threading.current_thread().name)
        return number

    for number in range(100):
        worker.do(partial(note, number), then)
    here = threading.current_thread().name
    assert [await told.get() for _ in range(100)] == [(number, here) for number in range(100)]
    assert where == ["worker"] * 100


async def test_what_waits_is_done_before_it_stops(worker: WorkerThread) -> None:
    begun, go = threading.Event(), threading.Event()
    done: list[int] = []

    def first() -> None:
        begun.set()
        go.wait(10)
        done.append(1)

    worker.do(first, lambda _: None)
    worker.do(lambda: done.append(2), lambda _: None)
    begun.wait(10)
    threading.Timer(0.05, go.set).start()
    worker.stop()
    assert done == [1, 2]
    with pytest.raises(RuntimeError, match="worker has ended"):
        worker.do(lambda: None, lambda _: None)


async def test_it_holds_nothing_of_what_it_did_last(worker: WorkerThread) -> None:
    class Large:
        """Stands for a batch."""

    large = Large()
    gone = weakref.ref(large)
    told = asyncio.Event()
    worker.do(lambda kept=large: None, lambda _: told.set())  # type: ignore[misc]
    del large
    await told.wait()
    await asyncio.to_thread(lambda: None)
    for _ in range(200):
        if gone() is None:
            break
        await asyncio.sleep(0.01)
    gc.collect()
    assert gone() is None


def test_a_loop_that_has_closed_is_told_nothing_and_the_thread_still_ends() -> None:
    loop = asyncio.new_event_loop()
    worker = WorkerThread(loop, "worker")
    loop.close()
    done: list[int] = []
    worker.do(lambda: done.append(1), lambda _: done.append(2))
    worker.stop()
    assert done == [1]
