"""The log of requests: pages of it, one request's story, the steps of the newest."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.domain.reports import (
    Attempt,
    LoggedRequest,
    Movement,
    Refund,
    RequestFilter,
    StepFigures,
    StepReport,
    StepTime,
)
from pouch.domain.usage import Usage
from pouch.infra.sqlite.rows import (
    moment,
    optional_micros,
    optional_moment,
    optional_money,
    steps_of,
)
from pouch.infra.sqlite.usage import FAILED_FROM

COLUMNS: Final = (
    "id, key_id, model, provider, endpoint, stream, status, started_at, latency_ms, "
    "first_byte_ms, reserved_nanos, cost_nanos, input_tokens, cached_input_tokens, "
    "output_tokens, reasoning_tokens, evidence, price_source, error, "
    "(SELECT sum(amount_nanos) FROM refunds WHERE request_id = requests.id), "
    "(SELECT name FROM keys WHERE id = requests.key_id)"
)
STORY: Final = f"SELECT {COLUMNS}, reason, refused_by, steps FROM requests WHERE id = ?"  # noqa: S608
ATTEMPTS: Final = (
    "SELECT id, state, provider, model, amount_nanos, cost_nanos, evidence, price_source, "
    "started_at, ended_at, chain, ended_after_entry FROM reservations WHERE request_id = ? "
    "ORDER BY id"
)
REFUNDS: Final = (
    "SELECT amount_nanos, reason, created_at FROM refunds WHERE request_id = ? ORDER BY id"
)
_MOVEMENT: Final = (
    "e.id, e.pouch_id, p.name, e.kind, e.spent_delta, e.reserved_delta, e.reason, e.created_at "
    "FROM entries e {index} JOIN pouches p ON p.id = e.pouch_id WHERE e.reservation_id = ?1 AND "
)
# Entries have no index by reservation, which each settlement would pay for. The beginning lies a
# little before the end in the pouch's own entries, the end is what was written right after
# ``ended_after_entry``, and refunds are few.
BEGUN: Final = (
    "SELECT "
    + _MOVEMENT.format(index="INDEXED BY entries_by_pouch")
    + ("e.pouch_id = ?2 AND e.id <= ?3 AND e.kind = 'reserve' ORDER BY e.id DESC LIMIT 1")
)
ENDED: Final = "SELECT " + _MOVEMENT.format(index="") + "e.id > ?2 AND e.id <= ?3"
GIVEN_BACK: Final = "SELECT " + _MOVEMENT.format(index="") + "e.kind = 'refund'"
NEWEST_STEPS: Final = (
    "SELECT started_at, steps, refused_by FROM requests ORDER BY started_at DESC, id DESC LIMIT ?"
)
_OK: Final = 200


def requests_query(
    wanted: RequestFilter, *, cursor: str | None, limit: int
) -> tuple[str, list[object]]:
    """The statement that lists requests, newest first, and its values.

    ``cursor`` is the last request of the page before.
    """
    conditions, values = _conditions(wanted)
    if cursor is not None:
        conditions.append("(started_at, id) < (SELECT started_at, id FROM requests WHERE id = ?)")
        values.append(cursor)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = (
        f"SELECT {COLUMNS} FROM requests {where} "  # noqa: S608
        "ORDER BY started_at DESC, id DESC LIMIT ?"
    )
    return query, [*values, limit]


def _conditions(wanted: RequestFilter) -> tuple[list[str], list[object]]:
    evidence = wanted.evidence
    asked: dict[str, object] = {
        "key_id = ?": wanted.key_id,
        "model = ?": wanted.model,
        "provider = ?": wanted.provider,
        "status = ?": wanted.status,
        "started_at >= ?": optional_micros(wanted.since),
        "started_at < ?": optional_micros(wanted.until),
        "evidence = ?": None if evidence is None else evidence.value,
        "error = ?": wanted.error,
        "stream = ?": None if wanted.stream is None else int(wanted.stream),
    }
    named = {condition: value for condition, value in asked.items() if value is not None}
    conditions = list(named)
    if wanted.failed is not None:
        conditions.append(f"status {'>=' if wanted.failed else '<'} {FAILED_FROM}")
    # Only if the query says so can SQLite use an index that leaves out what is usual; that of a key
    # is better.
    if wanted.status not in {None, _OK} and wanted.key_id is None:
        conditions.append(f"status <> {_OK}")
    if evidence not in {None, Evidence.PROVIDER_USAGE}:
        conditions.append(f"evidence <> '{Evidence.PROVIDER_USAGE.value}'")
    return conditions, list(named.values())


def logged_request(row: Sequence[Any]) -> LoggedRequest:
    """A request from ``COLUMNS``."""
    usage = None
    if row[12] is not None:
        usage = Usage(
            input_tokens=row[12],
            cached_input_tokens=row[13],
            output_tokens=row[14],
            reasoning_tokens=row[15],
        )
    return LoggedRequest(
        id=row[0],
        key_id=row[1],
        model=row[2],
        provider=row[3],
        endpoint=row[4],
        stream=bool(row[5]),
        status=row[6],
        started_at=moment(row[7]),
        latency_ms=row[8],
        first_byte_ms=row[9],
        reserved=optional_money(row[10]),
        cost=Money(row[11]),
        usage=usage,
        evidence=Evidence(row[16]),
        price_source=row[17],
        error=row[18],
        refunded=Money(row[19] or 0),
        key_name=row[20],
    )


def attempt(row: Sequence[Any], movements: Sequence[Sequence[Any]]) -> Attempt:
    """An attempt from ``ATTEMPTS``, and the rows of what it moved."""
    return Attempt(
        reservation_id=row[0],
        state=row[1],
        provider=row[2],
        model=row[3],
        reserved=Money(row[4]),
        cost=optional_money(row[5]),
        evidence=None if row[6] is None else Evidence(row[6]),
        price_source=row[7],
        started_at=moment(row[8]),
        ended_at=optional_moment(row[9]),
        movements=[
            Movement(m[1], m[2], m[3], Money(m[4]), Money(m[5]), m[6], moment(m[7]))
            for m in sorted(movements, key=itemgetter(0))
        ],
    )


def refund(row: Sequence[Any]) -> Refund:
    """A refund from ``REFUNDS``."""
    return Refund(Money(row[0]), row[1], moment(row[2]))


def step_times(text: str | None) -> list[StepTime] | None:
    """Steps from ``requests.steps``, outermost first."""
    steps = steps_of(text)
    if steps is None:
        return None
    times: list[StepTime] = []
    inside_s = 0.0
    for name, seconds in steps:
        times.append(StepTime(name, seconds, max(seconds - inside_s, 0.0)))
        inside_s = seconds
    return times[::-1]


def step_report(rows: Sequence[Sequence[Any]]) -> StepReport:
    """Every step from the rows of ``NEWEST_STEPS``, in the order of the longest chain."""
    times: dict[str, list[StepTime]] = {}
    refusals: dict[str, int] = {}
    known = 0
    for _, text, refused_by in rows:
        chain = step_times(text)
        if chain is None:
            continue
        known += 1
        for step in chain:
            times.setdefault(step.name, []).append(step)
        if refused_by is not None:
            refusals[refused_by] = refusals.get(refused_by, 0) + 1
    # Steps nest, so that an outer one is never entered less often than one inside it.
    names = sorted(times, key=lambda name: -len(times[name]))
    return StepReport(
        requests=known,
        since=moment(rows[-1][0]) if rows else None,
        steps=[StepFigures(name, times[name], refusals.get(name, 0)) for name in names],
    )
