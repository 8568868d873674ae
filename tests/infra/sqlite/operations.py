"""What may be asked of a store, as values that can be applied to any: requests' movements of money
and administrators' work, on few pouches, reservations and requests, so that they meet.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeAlias

from hypothesis import strategies as st

from pouch.domain.ledger import Evidence, Hold, RequestOutcome, RequestRecord, Settlement
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.rows import micros
from pouch.infra.sqlite.writer import Movement
from tests.fakes.clock import START
from tests.infra.sqlite.books import USAGE, facts

PARENTS: Final = {"company": None, "team": "company", "app": "team", "bot": "team", "free": None}
LEFT_BY_THE_DEAD: Final = ("d1", "d2", "d3")
NEXT_RESET: Final = START + timedelta(days=1)

Operation: TypeAlias = Callable[[SqliteStore], Awaitable[object]]


def reserve(reservation: str, of: str, least: int, more: int, request: str, hour: int) -> Operation:
    about = facts(request, key_id=f"key_{of}", at=START - timedelta(hours=hour))
    wanted = Hold(reservation, of, Money(least), Money(least + more), about)
    return lambda store: store.ledger.reserve(wanted)


def settle(reservation: str, cost: int, evidence: Evidence, delay_s: float) -> Operation:
    free = evidence in {Evidence.NOT_SENT, Evidence.REFUSED}
    outcome = RequestOutcome(200, 120, 30, usage=None if free else USAGE, evidence=evidence)
    ending = Settlement(reservation, Money(0 if free else cost), outcome, delay_s)
    return lambda store: store.ledger.settle(ending)


def undo(reservation: str) -> Operation:
    """What the writer does for a caller who was cancelled when it had reserved."""

    def release(store: SqliteStore) -> Awaitable[object]:
        movements, now = store.ledger._movements, micros(store._clock.now())
        return store._writer.run(
            Movement(
                lambda connection: movements.release(connection, reservation, now), [reservation]
            )
        )

    return release


def record(request: str, key: str, status: int, cost: int, hour: int) -> Operation:
    about = facts(request, key_id=key, at=START - timedelta(hours=hour))
    outcome = RequestOutcome(status, 1, None, usage=None, evidence=Evidence.FREE)
    logged = RequestRecord(about, outcome, Money(cost))
    return lambda store: store.ledger.settle_all([logged])


def refund(request: str, amount: int | None) -> Operation:
    given = None if amount is None else Money(amount)
    return lambda store: store.ledger.refund(request, given, reason="asked")


def roll_over(name: str, *, late: bool) -> Operation:
    due = START - timedelta(hours=1) if late else START
    return lambda store: store.ledger.roll_over(name, due=due, next_reset=NEXT_RESET)


def change_limit(name: str, limit: int | None) -> Operation:
    fields = {"limit": None if limit is None else Money(limit)}
    return lambda store: store.keys.change_pouch(name, fields)


def reset(name: str) -> Operation:
    return lambda store: store.ledger.reset(name, reason="asked")


def adjust(name: str, amount: int) -> Operation:
    return lambda store: store.ledger.adjust(name, Money(amount), reason="asked")


def move(name: str, parent: str | None) -> Operation:
    return lambda store: store.keys.change_pouch(name, {"parent_id": parent})


def revoke(key: str) -> Operation:
    return lambda store: store.keys.revoke(key)


def keep_setting(value: str) -> Operation:
    return lambda store: store.set_setting("colour", value)


def recover() -> Operation:
    return lambda store: store.ledger.recover()


RESERVATIONS: Final = st.sampled_from(["r1", "r2", "r3", "r4", *LEFT_BY_THE_DEAD])
REQUESTS: Final = st.sampled_from(["q1", "q2", "q\"3' é", "request of d1"])
POUCHES: Final = st.sampled_from([*PARENTS, "none"])
KEYS: Final = st.sampled_from(["key_app", "key_bot"])
AMOUNTS: Final = st.integers(0, 60)
HOURS: Final = st.integers(0, 2)
MOVEMENTS: Final = (
    st.builds(reserve, RESERVATIONS, POUCHES, AMOUNTS, AMOUNTS, REQUESTS, HOURS),
    # Some cost more than was reserved on evidence that does not allow it, which the tables refuse.
    st.builds(
        settle,
        RESERVATIONS,
        st.integers(0, 90),
        st.sampled_from(Evidence),
        st.sampled_from([0, 31]),
    ),
    st.builds(undo, RESERVATIONS),
    st.builds(record, REQUESTS, KEYS, st.sampled_from([200, 402]), AMOUNTS, HOURS),
)
ADMINISTRATION: Final = (
    st.builds(refund, REQUESTS, st.none() | st.integers(1, 60)),
    st.builds(roll_over, POUCHES, late=st.booleans()),
    st.builds(change_limit, POUCHES, st.none() | st.integers(0, 200)),
    st.builds(reset, POUCHES),
    st.builds(adjust, POUCHES, st.integers(-60, 60)),
    st.builds(move, POUCHES, st.none() | POUCHES),
    st.builds(revoke, KEYS),
    st.builds(keep_setting, st.text(max_size=3)),
    st.builds(recover),
)
BATCHES: Final = st.lists(
    st.lists(st.one_of(*MOVEMENTS, *MOVEMENTS, *ADMINISTRATION), min_size=1, max_size=16),
    min_size=1,
    max_size=4,
)
