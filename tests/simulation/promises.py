"""What must hold after every step, read from the database file beside the gateway.

Each check knows nothing of the gateway's own arithmetic: it has the prices in its own words, what
the provider was sent and has billed, and the file.
"""

import logging
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pouch.domain.ledger import Evidence
from pouch.infra.logging import JsonLines
from pouch.infra.sqlite.verify import audit
from tests.simulation.gateway import Http, price_of
from tests.simulation.provider import Answer, Behaviour

_OPEN = "SELECT id, amount_nanos, chain FROM reservations WHERE request_id = ? AND state = ?"
_POUCHES = "SELECT id, name, spent_nanos, reserved_nanos, limit_nanos FROM pouches"
_OVERRUNS = "SELECT chain, cost_nanos - amount_nanos FROM reservations WHERE evidence = 'overrun'"
_ENDED_TWICE = (
    "SELECT reservation_id, pouch_id FROM entries WHERE kind IN ('settle', 'release') "
    "GROUP BY reservation_id, pouch_id HAVING count(*) > 1"
)
_REQUESTS = "SELECT id, evidence, cost_nanos, reserved_nanos, error FROM requests"


class BrokenPromiseError(AssertionError):
    """The gateway did what it promises not to do."""


def hold(condition: object, what: str) -> None:
    """Raises ``BrokenPromiseError`` saying ``what``, unless ``condition`` holds."""
    if not condition:
        raise BrokenPromiseError(what)


@dataclass(slots=True)
class Attempt:
    """A request of a client, with what is planned for it.

    ``store_failed`` numbers the failure of the store during which it was asked, if any.
    """

    http: Http
    model: str
    answer: Answer
    asked_for: int | None
    max_cost: int | None
    store_failed: int | None
    died: bool = False
    stopped: bool = False


class LogCapture(logging.Handler):
    """Keeps the lines as they would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass(slots=True)
class Promises:
    """The checks, and what they have seen so far."""

    path: Path
    log: LogCapture
    attempts: dict[str, Attempt] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    lowered: Counter[str] = field(default_factory=Counter)
    """By pouch: by how much lowered limits stand below what was used, in nano-dollars."""
    store_fails: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    _lines_read: int = 0

    def when_called(self, user: str, answer: Answer, document: dict[str, Any]) -> None:
        """Promises 1, 5 and 6, at the moment at which the provider is called."""
        attempt = self.attempts[user]
        self.counts["calls that reached the provider"] += 1
        hold(answer.sent == 1, f"{user} was sent twice")
        hold(attempt.model in {"cheap", "dear", "free"}, f"{user}: an unpriced model was called")
        [*rows] = self._rows(_OPEN, (attempt.http.request_id, "reserved"))
        if attempt.model == "free":
            hold(not rows, f"{user}: a free model touched a budget")
            return
        failing = attempt.store_failed is not None and attempt.store_failed == self.store_fails
        hold(not failing, f"{user} was sent although the store fails")
        hold(len(rows) == 1, f"{user} was sent with {len(rows)} open reservations")
        bound, wanted = answer.output_bound, attempt.asked_for
        hold(bound is not None, f"{user} was sent without an output limit")
        assert bound is not None
        hold(wanted is None or bound <= wanted, f"{user}: the client's limit was raised")
        most = price_of(attempt.model, answer.input_tokens, bound * answer.choices)
        _, amount, _ = rows[0]
        hold(most <= amount, f"{user} can cost {most} and {amount} is reserved")
        ceiling = attempt.max_cost
        hold(ceiling is None or amount <= ceiling, f"{user} may cost {ceiling}, not {amount}")
        hold(document["model"] == attempt.model, f"{user} was sent to another model")

    def check(self) -> None:
        """Promises 2, 3, 4 and 7, between two steps."""
        self.counts["checks"] += 1
        self._within_limits()
        twice = self._rows(_ENDED_TWICE)
        hold(not twice, f"ended more than once: {twice}")
        found = audit(self.path).discrepancies
        hold(not found, f"the books do not balance: {found}")
        for row in self._rows(_REQUESTS):
            self._check_request(row)
        self._no_secret_is_out()

    def check_end(self) -> None:
        """Nothing is left open, and whatever the provider saw has been accounted for."""
        self.check()
        left = self._rows("SELECT id FROM reservations WHERE state = 'reserved'")
        hold(not left, f"still open in the end: {left}")
        for user, attempt in self.attempts.items():
            self.counts[f"client got {attempt.http.outcome}"] += 1
            settled = attempt.http.request_id in self._seen
            if attempt.answer.sent and attempt.model != "free":
                hold(settled, f"{user} was sent, and never settled")
            if attempt.http.status == 200 and not attempt.died:
                hold(settled, f"{user} was answered, and never logged")

    def is_settled(self, attempt: Attempt) -> bool:
        """Its end is in the file, whatever becomes of the process."""
        known = "SELECT 1 FROM requests WHERE id = ?"
        return bool(self._rows(known, (attempt.http.request_id,)))

    def _within_limits(self) -> None:
        allowed = Counter(self.lowered)
        for chain, excess in self._rows(_OVERRUNS):
            for pouch_id in chain.split(" "):
                allowed[pouch_id] += excess
        for pouch_id, name, spent, reserved, limit in self._rows(_POUCHES):
            hold(spent >= 0 <= reserved, f"{name}: spent {spent}, reserved {reserved}")
            over = 0 if limit is None else spent + reserved - limit
            hold(over <= allowed[pouch_id], f"{name} is {over} over its limit of {limit}")

    def _check_request(self, row: tuple[Any, ...]) -> None:
        request_id = row[0]
        before = self._seen.setdefault(request_id, row)
        hold(before == row, f"a settled request changed: {before} -> {row}")
        if before is not row:
            return
        [(user, attempt)] = [
            (user, attempt)
            for user, attempt in self.attempts.items()
            if attempt.http.request_id == request_id
        ]
        _, evidence, cost, reserved, error = row
        self.counts[evidence] += 1
        right = _is_right(attempt, Evidence(evidence), cost, reserved, error)
        hold(right, f"{user} ({attempt.answer}) was settled as {row}")

    def _no_secret_is_out(self) -> None:
        lines, self._lines_read = self.log.lines[self._lines_read :], len(self.log.lines)
        for secret in self.secrets:
            hold(not any(secret in line for line in lines), f"a log line holds {secret!r}")
            told = [a for a in self.attempts.values() if secret.encode() in a.http.received]
            hold(not told, f"a client was told {secret!r}")

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path.as_uri() + "?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


def _is_right(
    attempt: Attempt, evidence: Evidence, cost: int, reserved: int | None, error: str | None
) -> bool:
    """Whether a request was charged what it must be, as far as anybody can know."""
    answer = attempt.answer
    if error == "gateway_stopped":
        return attempt.died and evidence is Evidence.HELD_FULL and cost == reserved
    # Of a request that was stopped nobody waited to learn that its provider cannot be reached.
    unknown = attempt.stopped and answer.behaviour is Behaviour.UNREACHABLE
    if not answer.sent and (evidence is Evidence.NOT_SENT or not unknown):
        return evidence is Evidence.NOT_SENT and cost == 0
    if attempt.model == "free":
        return evidence is Evidence.FREE and cost == 0 and reserved is None
    assert reserved is not None
    if answer.refused:
        return evidence is Evidence.REFUSED and cost == 0
    if answer.billed is not None:
        bill = price_of(attempt.model, *answer.billed)
        expected = Evidence.OVERRUN if bill > reserved else Evidence.PROVIDER_USAGE
        may_exceed = answer.behaviour is Behaviour.OVERRUN
        return evidence is expected and cost == bill and (bill <= reserved or may_exceed)
    return evidence in {Evidence.COUNTED, Evidence.HELD_FULL} and 0 < cost <= reserved
