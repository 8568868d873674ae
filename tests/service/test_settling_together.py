"""Requests that end together are settled with one write, and none holds another up."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pouch.domain.ledger import Evidence, RequestRecord, Reservation, Settlement
from pouch.domain.money import Money
from pouch.domain.pipeline import Request
from pouch.domain.usage import Usage
from pouch.service.settlement import Ending
from tests.service.test_settlement import EVENT, GONE, Desk, Hanging, a_paid_request

ANSWERED = Ending(200)


def numbered(number: int, **meter: Any) -> Request:
    """A request of its own id, with its own reservation; it cost ``number`` unless told else."""
    held = Reservation(f"req-{number}.1", "pch-1", Money(1000), remaining=None)
    known = {"status": 200, "usage": Usage(output_tokens=number), "reservation": held, **meter}
    request = a_paid_request(**known)
    return replace(request, id=f"req-{number}")


def costs(desk: Desk) -> dict[str, int]:
    settled = {end.reservation_id: end.cost.nanos for end in desk.ledger.settled}
    assert len(settled) == len(desk.ledger.settled), "settled twice"
    return settled


async def test_what_ends_together_is_one_write() -> None:
    desk = Desk()
    for number in (1, 2, 3):
        desk.live.begin(request := numbered(number))
        desk.settlements.later(request, ANSWERED)
    desk.settlements.later(numbered(4, reservation=None, sent=False), GONE)
    await desk.queue.run()
    assert desk.ledger.writes == [4]
    assert costs(desk) == {"req-1.1": 1, "req-2.1": 2, "req-3.1": 3}
    assert len(desk.ledger.recorded) == 1
    assert desk.live.ids() == set()


async def test_what_ends_while_others_are_written_is_the_next_write() -> None:
    desk = Desk()
    write = desk.ledger.settle_all

    async def slowly(ends: Sequence[Settlement | RequestRecord]) -> None:
        if not desk.ledger.settled:
            desk.settlements.later(numbered(2), ANSWERED)
        await write(ends)

    desk.ledger.settle_all = slowly  # type: ignore[method-assign]
    desk.settlements.later(numbered(1), ANSWERED)
    await desk.queue.run()
    assert desk.ledger.writes == [1, 1]
    assert costs(desk) == {"req-1.1": 1, "req-2.1": 2}


async def test_what_must_be_counted_or_waited_for_is_settled_by_itself() -> None:
    desk = Desk()
    counted = numbered(1, usage=None, streamed=True)
    counted.meter.keep(EVENT, lambda raw: raw.decode())
    hanging = numbered(2)
    hanging.meter.exchange = Hanging(hanging.meter)
    for request, ending in ((counted, ANSWERED), (hanging, GONE), (numbered(3), ANSWERED)):
        desk.live.begin(request)
        desk.settlements.later(request, ending)
    await desk.queue.run()
    assert costs(desk) == {"req-1.1": 13, "req-2.1": 2, "req-3.1": 3}
    assert desk.ledger.writes == [1, 1, 1]
    assert {end.outcome.evidence for end in desk.ledger.settled} == {
        Evidence.COUNTED,
        Evidence.PROVIDER_USAGE,
    }
    assert desk.live.ids() == set()


async def test_what_the_store_does_not_take_together_it_is_given_one_by_one() -> None:
    desk = Desk(failures=1)
    for number in (1, 2, 3):
        desk.live.begin(request := numbered(number))
        desk.settlements.later(request, ANSWERED)
    await desk.queue.run()
    assert desk.ledger.writes == [1, 1, 1]
    assert costs(desk) == {"req-1.1": 1, "req-2.1": 2, "req-3.1": 3}
    assert desk.live.ids() == set()


async def test_a_bug_in_one_settlement_does_not_concern_the_others() -> None:
    desk = Desk()
    write = desk.ledger.settle_all

    async def fails(ends: Sequence[Settlement | RequestRecord]) -> None:
        if any(isinstance(end, Settlement) and end.reservation_id == "req-2.1" for end in ends):
            raise ZeroDivisionError
        await write(ends)

    desk.ledger.settle_all = fails  # type: ignore[method-assign]
    for number in (1, 2, 3):
        desk.settlements.later(numbered(number), ANSWERED)
    with pytest.raises(ZeroDivisionError):
        await desk.queue.run()
    await desk.queue.run()
    assert costs(desk) == {"req-1.1": 1, "req-3.1": 3}
    assert desk.live.ids() == set()


async def test_what_a_hasty_end_leaves_unsettled_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()

    async def never(ends: Sequence[Settlement | RequestRecord]) -> None:
        await asyncio.Event().wait()

    desk.ledger.settle_all = never  # type: ignore[method-assign]
    desk.settlements.later(numbered(1), ANSWERED)
    desk.settlements.later(numbered(2), ANSWERED)
    settling = asyncio.ensure_future(desk.queue.run())
    await asyncio.sleep(0)
    settling.cancel()
    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        await settling
    assert "not settled: req-1, req-2" in caplog.text
