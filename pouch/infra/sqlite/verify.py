"""Whether the books balance: balances against entries, reservations against their ends, the sums
of usage against the requests.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from pouch.domain.ledger import Audit, Discrepancy
from pouch.infra.sqlite.writer import unavailable

_OFF: Final = (
    "HAVING sum(requests) <> 0 OR sum(errors) <> 0 OR sum(input_tokens) <> 0 "
    "OR sum(cached_input_tokens) <> 0 OR sum(output_tokens) <> 0 OR sum(reasoning_tokens) <> 0 "
    "OR sum(cost_nanos) <> 0"
)
_CHECKS: Final = {
    "pouch {0}: spent {1} and reserved {2} nano-USD, but its entries sum to {3} and {4}": (
        "SELECT p.id, p.spent_nanos, p.reserved_nanos, coalesce(sum(e.spent_delta), 0) AS s, "
        "coalesce(sum(e.reserved_delta), 0) AS r FROM pouches p "
        "LEFT JOIN entries e ON e.pouch_id = p.id GROUP BY p.id "
        "HAVING p.spent_nanos <> s OR p.reserved_nanos <> r"
    ),
    "pouch {0}: {1} nano-USD are reserved, but its open reservations sum to {2}": (
        "SELECT p.id, p.reserved_nanos, coalesce(o.held, 0) FROM pouches p LEFT JOIN ("
        "SELECT e.pouch_id, sum(e.reserved_delta) AS held FROM reservations r "
        "JOIN entries e ON e.reservation_id = r.id AND e.kind = 'reserve' "
        "WHERE r.state = 'reserved' GROUP BY e.pouch_id) o ON o.pouch_id = p.id "
        "WHERE p.reserved_nanos <> coalesce(o.held, 0)"
    ),
    "reservation {0} ({1}): {2} beginnings and {3} ends in its pouches, {4} nano-USD still held": (
        "SELECT r.id, r.state, sum(e.kind = 'reserve') AS begun, "
        "sum(e.kind IN ('settle', 'release')) AS ended, sum(e.reserved_delta) AS held "
        "FROM reservations r LEFT JOIN entries e ON e.reservation_id = r.id GROUP BY r.id "
        "HAVING begun IS NOT (length(r.chain) - length(replace(r.chain, ' ', '')) + 1) "
        "OR ended IS NOT (CASE r.state WHEN 'reserved' THEN 0 ELSE begun END) "
        "OR held IS NOT (CASE r.state WHEN 'reserved' THEN begun * r.amount_nanos ELSE 0 END)"
    ),
    "reservation {0}: charged {1} nano-USD, but pouch {2} was charged {3}": (
        "SELECT r.id, coalesce(r.cost_nanos, 0), e.pouch_id, e.spent_delta FROM reservations r "
        "JOIN entries e ON e.reservation_id = r.id AND e.kind IN ('settle', 'release') "
        "WHERE e.spent_delta <> coalesce(r.cost_nanos, 0)"
    ),
    "entry {0}: a {1} in pouch {2}, where nothing of reservation {3} was set aside": (
        "SELECT e.id, e.kind, e.pouch_id, e.reservation_id FROM entries e "
        "JOIN reservations r ON r.id = e.reservation_id "
        "WHERE instr(' ' || r.chain || ' ', ' ' || e.pouch_id || ' ') = 0"
    ),
    "reservation {0}: charged {1} of {2} nano-USD on the evidence {3}": (
        "SELECT id, cost_nanos, amount_nanos, evidence FROM reservations "
        "WHERE cost_nanos > amount_nanos AND evidence <> 'overrun'"
    ),
    "reservation {0}: charged {1} nano-USD, of which {2} were given back": (
        "SELECT r.id, coalesce(r.cost_nanos, 0), sum(f.amount_nanos) AS given FROM refunds f "
        "JOIN reservations r ON r.id = f.reservation_id GROUP BY r.id "
        "HAVING given > coalesce(r.cost_nanos, 0)"
    ),
    "reservation {0}: pouch {1} has {2} entries of its {3} refunds, of {4} to {5} nano-USD": (
        "SELECT r.id, p.id, sum(e.kind IS 'refund') AS entries, f.refunds, "
        "coalesce(min(e.spent_delta), 0) AS least, coalesce(max(e.spent_delta), 0) AS most "
        "FROM (SELECT reservation_id, count(*) AS refunds, max(amount_nanos) AS largest "
        "FROM refunds GROUP BY reservation_id) f JOIN reservations r ON r.id = f.reservation_id "
        "JOIN pouches p ON instr(' ' || r.chain || ' ', ' ' || p.id || ' ') "
        "LEFT JOIN entries e ON e.pouch_id = p.id AND e.reservation_id = r.id "
        "AND e.kind = 'refund' GROUP BY r.id, p.id "
        "HAVING entries <> f.refunds OR most > 0 OR least < -f.largest"
    ),
    "entry {0}: a refund in pouch {1} of reservation {2}, of which nothing was given back": (
        "SELECT id, pouch_id, reservation_id FROM entries WHERE kind = 'refund' "
        "AND reservation_id IS NOT NULL AND reservation_id NOT IN "
        "(SELECT reservation_id FROM refunds)"
    ),
    "pouch {0}: {1} nano-USD spent and reserved exceed its limit of {2} by more than {3}": (
        "SELECT id, spent_nanos + reserved_nanos, limit_nanos, excess_nanos FROM pouches "
        "WHERE spent_nanos + reserved_nanos > limit_nanos + excess_nanos"
    ),
    "usage of key {0} in hour {1}, {2} at {3}: off its requests by {4}, and {5} nano-USD": (
        "SELECT key_id, hour, model, provider, sum(requests), sum(cost_nanos) FROM ("  # noqa: S608
        "SELECT * FROM usage_hours UNION ALL SELECT key_id, started_at / 3600000000, model, "
        "provider, -1, -(status >= 400), -coalesce(input_tokens, 0), "
        "-coalesce(cached_input_tokens, 0), -coalesce(output_tokens, 0), "
        f"-coalesce(reasoning_tokens, 0), -cost_nanos FROM requests) GROUP BY 1, 2, 3, 4 {_OFF}"
    ),
    "usage in hour {0}, {1} at {2}: off that of the keys by {3} requests, and {4} nano-USD": (
        "SELECT hour, model, provider, sum(requests), sum(cost_nanos) FROM ("  # noqa: S608
        "SELECT * FROM usage_models UNION ALL SELECT hour, model, provider, -requests, -errors, "
        "-input_tokens, -cached_input_tokens, -output_tokens, -reasoning_tokens, -cost_nanos "
        f"FROM usage_hours) GROUP BY 1, 2, 3 {_OFF}"
    ),
    "usage of key {0} in hour {1}: the cost so far is off by {2} nano-USD": (
        "SELECT key_id, hour, sum(cost) AS off FROM (SELECT key_id, hour, 1 AS costs, 0 AS hours, "
        "cost_nanos - lag(cost_nanos, 1, 0) OVER (PARTITION BY key_id ORDER BY hour) AS cost "
        "FROM usage_costs UNION ALL SELECT key_id, hour, 0, 1, -cost_nanos FROM usage_hours) "
        "GROUP BY key_id, hour HAVING off <> 0 OR sum(costs) <> 1 OR sum(hours) = 0"
    ),
    "table {0}: row {1} points into {2}, where there is nothing": "PRAGMA foreign_key_check",
}


# An error's code without what refines it.
_PRIMARY: Final = 0xFF
# The store is there, but cannot be read now; that says nothing about its books.
_UNREADABLE: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM}
)


def audit(path: Path) -> Audit:
    """Read the database at ``path`` at one moment, beside whoever is writing it.

    Raises:
        StoreUnavailableError: it cannot be read now.
    """
    found: list[Discrepancy] = []
    try:
        with closing(
            sqlite3.connect(path.as_uri() + "?mode=ro", uri=True, isolation_level=None)
        ) as connection:
            # Text that is damaged is to be reported, which takes reading it.
            connection.text_factory = _legible
            connection.execute("BEGIN")
            return _audit(connection, found)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & _PRIMARY in _UNREADABLE:
            raise unavailable(error) from error
        return Audit(0, 0, 0, 0, [*found, Discrepancy(f"the database cannot be read: {error}")])


def _legible(text: bytes) -> str:
    return text.decode(errors="backslashreplace")


def _audit(connection: sqlite3.Connection, found: list[Discrepancy]) -> Audit:
    """Counts, and in ``found`` what is wrong, as far as it could be read."""
    found.extend(
        Discrepancy(f"the database file is damaged: {line}")
        for (line,) in connection.execute("PRAGMA integrity_check")
        if line != "ok"
    )
    for what, query in _CHECKS.items():
        found.extend(Discrepancy(what.format(*row)) for row in connection.execute(query))

    def count(what: str) -> int:
        return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])  # noqa: S608

    return Audit(
        pouches=count("pouches"),
        entries=count("entries"),
        reservations=count("reservations"),
        open_reservations=count("reservations WHERE state = 'reserved'"),
        discrepancies=found,
    )
