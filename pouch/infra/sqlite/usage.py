"""Sums of requests by the hour, kept in the transactions that log the requests.

A batch of settlements is summed in memory and written once at the end of its transaction, which
costs a fraction of what a trigger on each request would.
"""

import sqlite3
from typing import Any, Final

from pouch.domain.ledger import RequestOutcome

HOUR_US: Final = 3_600_000_000
FAILED_FROM: Final = 400

_ADDED: Final = (
    "requests = requests + excluded.requests, errors = errors + excluded.errors, "
    "input_tokens = input_tokens + excluded.input_tokens, "
    "cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens, "
    "output_tokens = output_tokens + excluded.output_tokens, "
    "reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, "
    "cost_nanos = cost_nanos + excluded.cost_nanos"
)
_ADD_HOUR: Final = (
    "INSERT INTO usage_hours VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
    f"ON CONFLICT (key_id, hour, model, provider) DO UPDATE SET {_ADDED}"
)
_ADD_MODEL: Final = (
    "INSERT INTO usage_models VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
    f"ON CONFLICT (hour, model, provider) DO UPDATE SET {_ADDED}"
)
# A request may be logged after others that began in later hours.
_ADD_COST: Final = (
    "UPDATE usage_costs SET cost_nanos = cost_nanos + ?3 WHERE key_id = ?1 AND hour >= ?2 "
    "RETURNING hour = ?2"
)
_FIRST_COST: Final = (
    "INSERT INTO usage_costs SELECT ?1, ?2, ?3 + coalesce((SELECT cost_nanos FROM usage_costs "
    "WHERE key_id = ?1 AND hour < ?2 ORDER BY hour DESC LIMIT 1), 0)"
)


class UsageTally:
    """What the transaction at hand has logged, by key, hour, model and provider."""

    def __init__(self) -> None:
        self._hours: dict[tuple[str, int, str, str], list[int]] = {}

    def begin(self) -> None:
        """Forget what an earlier transaction, which was rolled back, had logged."""
        self._hours.clear()

    def add(self, facts: tuple[Any, ...], outcome: RequestOutcome, cost: int) -> None:
        """Count one request.

        ``facts`` is ``(request_id, key_id, model, provider, endpoint, stream, started_at, ...)``,
        ``cost`` in nano-dollars.
        """
        where = (facts[1], facts[6] // HOUR_US, facts[2], facts[3])
        sums = self._hours.get(where)
        if sums is None:
            sums = self._hours[where] = [0] * 7
        sums[0] += 1
        sums[1] += outcome.status >= FAILED_FROM
        usage = outcome.usage
        if usage is not None:
            sums[2] += usage.input_tokens
            sums[3] += usage.cached_input_tokens
            sums[4] += usage.output_tokens
            sums[5] += usage.reasoning_tokens
        sums[6] += cost

    def write(self, connection: sqlite3.Connection) -> None:
        """Add what was counted to the tables, in the transaction that logged it."""
        models: dict[tuple[int, str, str], list[int]] = {}
        costs: dict[tuple[str, int], int] = {}
        # Sorted, for rows that lie together are on one page.
        for where, sums in sorted(self._hours.items()):
            connection.execute(_ADD_HOUR, (*where, *sums))
            key_id, hour, model, provider = where
            costs[key_id, hour] = costs.get((key_id, hour), 0) + sums[-1]
            found = models.get((hour, model, provider))
            models[hour, model, provider] = (
                sums if found is None else [a + b for a, b in zip(found, sums, strict=True)]
            )
        for place, sums in models.items():
            connection.execute(_ADD_MODEL, (*place, *sums))
        for (key_id, hour), cost in costs.items():
            later = connection.execute(_ADD_COST, (key_id, hour, cost)).fetchall()
            if (1,) not in later:
                connection.execute(_FIRST_COST, (key_id, hour, cost))
        self._hours.clear()
