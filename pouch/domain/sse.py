"""Server-sent events as bytes: where in a block of them one begins and ends."""

import re
from typing import Final

# What ends an event: an empty line, whichever of the three line ends a server writes.
_ENDS: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def event_end(events: bytes, position: int) -> int:
    """Where the event around ``position`` ends, with the empty line after it."""
    end = _ENDS.search(events, position)
    return len(events) if end is None else end.end()


def event_start(events: bytes | bytearray, position: int, after: int = 0) -> int:
    """Where the event around ``position`` begins, which is where the one before it ends; ``after``
    if none ends between the two.
    """
    start = after
    for end in (b"\n\n", b"\r\n\r\n", b"\r\r"):
        found = events.rfind(end, start, position)
        if found >= 0:
            start = found + len(end)
    return start


def naming(member: bytes) -> re.Pattern[bytes]:
    """Finds ``member`` of a JSON object, in bytes, where its value is not null."""
    return re.compile(rb'"%s"\s*:\s*(?!\s|null)' % re.escape(member))
