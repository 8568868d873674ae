"""The administrator's token: in the environment, else as a hash in the store, where it is rotated.

Every process looks for another token, so that one that was rotated away stops working everywhere
within a second.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from pouch.domain.errors import ConflictError, StoreUnavailableError
from pouch.domain.key import hash_of, new_admin_token
from pouch.domain.ports import SettingStore

ADMIN_TOKEN_HASH: Final = "admin_token_hash"  # noqa: S105 - the name of a setting
WATCH_EVERY_S: Final = 0.5

_log = logging.getLogger("pouch.admin")


class AdminTokens:
    """``environment`` is the hash of the token that the environment sets, which nothing changes."""

    def __init__(self, store: SettingStore, *, environment: str | None) -> None:
        self._store = store
        self._environment = environment
        self._rotations = 0

    @property
    def is_in_environment(self) -> bool:
        """The environment sets the token, not the store."""
        return self._environment is not None

    async def current(self) -> str:
        """The hash of the token that is good.

        Raises:
            StoreUnavailableError: there is none, or the store could not be asked.
        """
        if self._environment is not None:
            return self._environment
        stored = await self._store.get_setting(ADMIN_TOKEN_HASH)
        if stored is None:
            raise StoreUnavailableError("no admin token has been made yet")
        return stored

    async def newer_than(self, known_hash: str | None) -> str | None:
        """The hash of the token that is good, if it is not the one with ``known_hash``.

        Raises:
            StoreUnavailableError: the store could not be asked.
        """
        current = await self.current()
        return None if current == known_hash else current

    async def rotate(self, known_hash: str) -> str:
        """A new token in the place of the one with ``known_hash``; the only time it is shown.

        Raises:
            ConflictError: the environment sets the token, or another rotation came first.
            StoreUnavailableError: it could not be written.
        """
        if self.is_in_environment:
            raise ConflictError(
                "The admin token comes from the environment of the server (POUCH_ADMIN_TOKEN): "
                "change it there and restart."
            )
        token = new_admin_token()
        if not await self._store.replace_setting(ADMIN_TOKEN_HASH, known_hash, hash_of(token)):
            raise ConflictError("The admin token has just been rotated by another request.")
        self._rotations += 1
        return token

    async def watch(self, renew: Callable[[str | None], None]) -> None:
        """Tell ``renew`` for ever which token is good; ``None`` while the store cannot tell."""
        while True:
            seen = self._rotations
            token_hash: str | None = None
            try:
                token_hash = await self.current()
            except StoreUnavailableError as error:
                _log.warning("the admin token cannot be checked for changes: %s", error.why)
            # What was read before a rotation of this process's own says nothing after it.
            if seen == self._rotations:
                renew(token_hash)
            await asyncio.sleep(WATCH_EVERY_S)
