"""Which key a secret belongs to, remembered for a few seconds.

Nothing that was read before a change is remembered after it: a change begins a new generation,
and what an older generation still reads is handed to those who waited for it, but not kept.
"""

import asyncio
from typing import Final, TypeVar

from pouch.domain.key import Key
from pouch.domain.ports import Clock, KeyStore

KEYS_MAX: Final = 10_000
UNKNOWN_MAX: Final = 10_000
# After so long an entry is read again: a secret's grace ends without any change to notice.
RECHECK_S: Final = 3.0

V = TypeVar("V")


class KeyCache:
    """Keys by the hash of a secret; hashes that no key has are remembered apart, so that garbage
    cannot push good keys out.
    """

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[Key, float]] = {}
        self._unknown: dict[str, float] = {}
        self._reads: dict[str, asyncio.Task[Key | None]] = {}

    def peek(self, secret_hash: str) -> Key | None:
        """The key, if it is remembered; never waits."""
        entry = self._known.get(secret_hash)
        if entry is None or self._clock.monotonic() >= entry[1]:
            return None
        return entry[0]

    async def find(self, secret_hash: str) -> Key | None:
        """The key, remembered or read; however many ask at once, the store is asked once."""
        key = self.peek(secret_hash)
        if key is not None:
            return key
        until = self._unknown.get(secret_hash)
        if until is not None and self._clock.monotonic() < until:
            return None
        read = self._reads.get(secret_hash)
        if read is None:
            reads = self._reads
            read = asyncio.create_task(self._read(secret_hash, reads), name="read of a key")
            reads[secret_hash] = read
            read.add_done_callback(_note_failure)
        # Shielded: one caller that goes away must not take the answer from the others.
        return await asyncio.shield(read)

    def clear(self) -> None:
        """Forget everything, and whatever is being read just now."""
        self._known.clear()
        self._unknown.clear()
        self._reads = {}

    async def _read(
        self, secret_hash: str, generation: dict[str, asyncio.Task[Key | None]]
    ) -> Key | None:
        try:
            key = await self._store.find(secret_hash)
            if generation is self._reads:
                self._keep(secret_hash, key)
            return key
        finally:
            generation.pop(secret_hash, None)

    def _keep(self, secret_hash: str, key: Key | None) -> None:
        until = self._clock.monotonic() + RECHECK_S
        if key is None:
            self._known.pop(secret_hash, None)
            _put(self._unknown, secret_hash, until, UNKNOWN_MAX)
        else:
            _put(self._known, secret_hash, (key, until), KEYS_MAX)


def _note_failure(read: "asyncio.Task[Key | None]") -> None:
    """Mark a failure as seen: whoever still waits for the read has it from there."""
    if not read.cancelled():
        read.exception()


def _put(entries: dict[str, V], name: str, value: V, entries_max: int) -> None:
    """Set an entry as the newest; the one that was set longest ago makes room."""
    entries.pop(name, None)
    if len(entries) >= entries_max:
        del entries[next(iter(entries))]
    entries[name] = value
