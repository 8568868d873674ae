"""Ids: a prefix and 26 characters that sort by the time they were made.

The characters are a 48-bit number of milliseconds and 80 random bits, in base 32 without letters
that look like digits. Within a process each id is greater than the one before, even if the clock
stands still or goes back.
"""

import os
import threading
from functools import lru_cache
from typing import Final

RANDOM_BITS: Final = 80
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# Ten bits at a time: half the steps of one character at a time.
_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_TIME_SHIFTS: Final = tuple(range(40, -1, -10))
_RANDOM_BYTES: Final = RANDOM_BITS // 8
# Numbers that are drawn together.
_DRAWN: Final = 256


class _Sequence:
    """The process's last number; threads may share it.

    Random bytes come from the system many at a time: a call for each id would cost more than all
    the rest of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self.forget()

    def after(self, clock_ms: int) -> int:
        with self._lock:
            number = clock_ms << RANDOM_BITS | self._random()
            if number <= self._last:
                # A random step, so that the next id cannot be told from this one, and that two
                # processes which began with the same state part ways.
                number = self._last + 1 + (self._random() >> 16)
            self._last = number
        return number

    def forget(self) -> None:
        """Use none of the random bytes at hand, which a forked process has, too."""
        self._bytes = b""
        self._used = 0

    def _random(self) -> int:
        used = self._used
        if used >= len(self._bytes):
            self._bytes, used = os.urandom(_RANDOM_BYTES * _DRAWN), 0
        self._used = used + _RANDOM_BYTES
        return int.from_bytes(self._bytes[used : self._used])


_sequence: Final = _Sequence()
os.register_at_fork(after_in_child=_sequence.forget)


def new_id(prefix: str, clock_ms: int) -> str:
    """A fresh id such as ``key_01k4...``; ``clock_ms`` is the calendar's time since 1970."""
    number = _sequence.after(clock_ms)
    p = _PAIRS
    # In one piece: a loop takes a third longer, once per request.
    return (
        f"{prefix}_{_time(number >> RANDOM_BITS)}"
        f"{p[number >> 70 & 1023]}{p[number >> 60 & 1023]}{p[number >> 50 & 1023]}"
        f"{p[number >> 40 & 1023]}{p[number >> 30 & 1023]}{p[number >> 20 & 1023]}"
        f"{p[number >> 10 & 1023]}{p[number & 1023]}"
    )


@lru_cache(maxsize=16)
def _time(ms: int) -> str:
    """The first ten characters, which ids of one millisecond share."""
    return "".join([_PAIRS[ms >> shift & 1023] for shift in _TIME_SHIFTS])
