"""Log lines are JSON, one a line, and none is lost at the end of the process."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from pouch.infra.logging import JsonLines

WRITE = """
import logging
from pouch.infra.logging import configure

configure()
configure()
for i in range(1000):
    logging.getLogger("pouch.test").info("line %d", i)
logging.getLogger("pouch.test").debug("unseen")
logging.getLogger("sanic.server").info("unseen")
logging.getLogger("sanic.error").warning("seen")
"""


def test_every_line_is_written_once_before_the_process_ends() -> None:
    done = subprocess.run([sys.executable, "-c", WRITE], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    messages = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert messages == [*(f"line {i}" for i in range(1000)), "seen"]


def test_fields_become_members_and_an_error_its_traceback() -> None:
    record = logging.LogRecord("pouch.x", logging.INFO, "f.py", 1, "an %s", ("event",), None)
    record.fields = {"id": "req_1", "cost_usd": "0.01", "text": "two\nlines"}
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line) == {
        "time": json.loads(line)["time"],
        "level": "info",
        "logger": "pouch.x",
        "message": "an event",
        "id": "req_1",
        "cost_usd": "0.01",
        "text": "two\nlines",
    }
    error = ValueError("a bug")
    record.exc_info = (type(error), error, None)
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "ValueError: a bug" in json.loads(line)["exception"]


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.25, 0.1749995, 0.9989996, 0.9999996])
def test_a_line_has_its_time_as_datetime_writes_it(fraction: float) -> None:
    record = logging.makeLogRecord({"created": 1_788_384_953 + fraction, "msg": "x"})
    written = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    assert json.loads(JsonLines().format(record))["time"] == written
