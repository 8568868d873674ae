"""What the dashboard's first page shows, as statements."""

from collections.abc import Sequence
from typing import Any, Final

from pouch.domain.key_report import PouchView
from pouch.domain.money import Money
from pouch.domain.usage_report import FullPouch, Totals
from pouch.infra.sqlite.key_lists import POUCH_COUNTS
from pouch.infra.sqlite.rows import POUCH_COLUMNS, moment, pouch_of
from pouch.infra.sqlite.usage_queries import SUMS, sums_of

FULLEST_MAX: Final = 8
# The first hour to sum up, and its moment in microseconds.
TOTALS: Final = (
    f"SELECT ?2, {SUMS}, (SELECT coalesce(sum(amount_nanos), 0) FROM refunds "  # noqa: S608
    "WHERE created_at >= ?2) FROM usage_models WHERE hour >= ?1"
)
RESERVED: Final = (
    "SELECT count(*), coalesce(sum(amount_nanos), 0) FROM reservations "
    "INDEXED BY reservations_open WHERE state = 'reserved'"
)
COUNTS: Final = (
    "SELECT (SELECT count(*) FROM keys WHERE revoked_at IS NULL), "
    "EXISTS (SELECT 1 FROM usage_models)"
)
# A pouch of a revoked key is nobody's concern any more.
FULLEST: Final = (
    f"SELECT p.*, {POUCH_COUNTS}, keys.id, keys.name FROM (SELECT {POUCH_COLUMNS}, "  # noqa: S608
    "CASE WHEN limit_nanos = 0 THEN 100.0 ELSE (reserved_nanos + "
    "CASE WHEN resets_at <= ?1 THEN 0 ELSE spent_nanos END) * 100.0 / limit_nanos END AS used "
    "FROM pouches WHERE limit_nanos IS NOT NULL AND NOT EXISTS (SELECT 1 FROM keys "
    "WHERE pouch_id = pouches.id AND revoked_at IS NOT NULL) "
    "ORDER BY used DESC, id DESC LIMIT ?2) AS p LEFT JOIN keys ON keys.pouch_id = p.id "
    "ORDER BY used DESC, p.id DESC"
)


def totals_of(row: Sequence[Any]) -> Totals:
    """Totals from ``TOTALS``."""
    return Totals(moment(row[0]), sums_of(row[1:8]), Money(row[8]))


def full_pouch(row: Sequence[Any]) -> FullPouch:
    """A pouch from ``FULLEST``."""
    used, keys, children, key_id, key_name = row[-5:]
    key = None if key_id is None else (key_id, key_name)
    return FullPouch(PouchView(pouch_of(row), keys, children), key, used)
