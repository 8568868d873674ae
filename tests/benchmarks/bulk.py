"""A ledger with a long past, made by SQL: what one request left behind, copied many times."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from pouch.domain.ledger import Evidence, RequestOutcome
from pouch.domain.usage import Usage
from pouch.infra.sqlite.usage import UsageTally

# Few enough that the gateway's own writes need not wait for long.
BATCH: Final = 50_000
# The ids of real rows are longer and greater, so that new rows come after these, as they would.
_NUMBER: Final = "printf('{prefix}_0%015d', numbers.n)"


def fill(database: Path, requests: int) -> None:
    """Copy the newest settled request so often: its reservation, two entries and its log line.

    The pouch's balance and the sums of usage are raised by as much, so that the books balance.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        row = connection.execute(
            "SELECT id, request_id, pouch_id, cost_nanos FROM reservations "
            "WHERE state = 'settled' ORDER BY id DESC LIMIT 1"
        ).fetchone()
        assert row is not None, "nothing was settled yet"
        reservation, request, pouch, cost = row
        tally = UsageTally()
        logged = _logged(connection, request)
        ids = {name: _NUMBER.format(prefix=name) for name in ("rsv", "req")}
        for start in range(0, requests, BATCH):
            count = min(BATCH, requests - start)
            connection.execute("BEGIN IMMEDIATE")
            for table, where, source, changed in (
                ("reservations", "id = ?3", reservation, {"id": "rsv", "request_id": "req"}),
                ("requests", "id = ?3", request, {"id": "req"}),
                ("entries", "reservation_id = ?3", reservation, {"reservation_id": "rsv"}),
            ):
                replaced = {column: ids[kind] for column, kind in changed.items()}
                _copy(connection, table, where, replaced, (start, count, source))
            connection.execute(
                "UPDATE pouches SET spent_nanos = spent_nanos + ? WHERE id = ?",
                (count * cost, pouch),
            )
            for _ in range(count):
                tally.add(*logged, cost)
            tally.write(connection)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _logged(
    connection: sqlite3.Connection, request: str
) -> tuple[tuple[object, ...], RequestOutcome]:
    """The facts of a logged request, and how it ended."""
    row = connection.execute(
        "SELECT id, key_id, model, provider, endpoint, stream, started_at, price_source, status, "
        "evidence, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens "
        "FROM requests WHERE id = ?",
        (request,),
    ).fetchone()
    *facts, status, evidence, given, said, cached, reasoned = row
    usage = Usage(given, said, cached_input_tokens=cached, reasoning_tokens=reasoned)
    return tuple(facts), RequestOutcome(status, 0, None, usage, Evidence(evidence))


def _copy(
    connection: sqlite3.Connection,
    table: str,
    where: str,
    replaced: dict[str, str],
    parameters: tuple[int, int, str],
) -> None:
    """Insert copies of the rows ``where``, numbered from the first parameter on."""
    columns = [
        name
        for _, name, kind, _, _, primary in connection.execute(f"PRAGMA table_info ({table})")
        if not (primary and kind == "INTEGER")
    ]
    values = ", ".join(replaced.get(name, f"source.{name}") for name in columns)
    connection.execute(
        "WITH RECURSIVE numbers (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers "
        f"WHERE n + 1 < ?1 + ?2) INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {values} FROM numbers CROSS JOIN {table} source WHERE source.{where}",
        parameters,
    )
