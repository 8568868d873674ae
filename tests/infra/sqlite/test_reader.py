"""Queries beside each other, and the end of them."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pouch.domain.errors import StoreUnavailableError
from pouch.infra.sqlite.reader import Reader

SLOW = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 300000) "
SLOW += "SELECT count(*) FROM n"


async def test_who_waits_for_a_connection_when_the_store_is_closed_is_told_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    reader = await Reader.open(path, busy_timeout_s=1, at_once=2)
    asked = [asyncio.ensure_future(reader.rows(SLOW)) for _ in range(3)]
    await asyncio.sleep(0)
    await reader.close()
    first, second, third = await asyncio.gather(*asked, return_exceptions=True)
    assert first == second == [(300_000,)]
    assert isinstance(third, StoreUnavailableError)
    with pytest.raises(StoreUnavailableError):
        await reader.rows("SELECT 1")
