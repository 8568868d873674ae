"""Whether the books balance: balances against entries, reservations against their ends."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import Audit, Discrepancy

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
    "pouch {0}: {1} nano-USD spent and reserved exceed its limit of {2} by more than {3}": (
        "SELECT id, spent_nanos + reserved_nanos, limit_nanos, excess_nanos FROM pouches "
        "WHERE spent_nanos + reserved_nanos > limit_nanos + excess_nanos"
    ),
    "table {0}: row {1} points into {2}, where there is nothing": "PRAGMA foreign_key_check",
}


def audit(path: Path) -> Audit:
    """Read the database at ``path`` at one moment, beside whoever is writing it.

    Raises:
        StoreUnavailableError: it cannot be opened.
    """
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreUnavailableError(f"The store cannot be read: {error}") from error
    try:
        return _audit(connection)
    except sqlite3.DatabaseError as error:
        return Audit(0, 0, 0, 0, [Discrepancy(f"the database cannot be read: {error}")])
    finally:
        connection.close()


def _audit(connection: sqlite3.Connection) -> Audit:
    connection.execute("BEGIN")
    found = [
        Discrepancy(f"the database file is damaged: {line}")
        for (line,) in connection.execute("PRAGMA integrity_check")
        if line != "ok"
    ]
    found += _discrepancies(connection)

    def count(what: str) -> int:
        return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])  # noqa: S608

    return Audit(
        pouches=count("pouches"),
        entries=count("entries"),
        reservations=count("reservations"),
        open_reservations=count("reservations WHERE state = 'reserved'"),
        discrepancies=found,
    )


def _discrepancies(connection: sqlite3.Connection) -> Iterator[Discrepancy]:
    for what, query in _CHECKS.items():
        for row in connection.execute(query):
            yield Discrepancy(what.format(*row))
