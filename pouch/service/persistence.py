"""Writing what must not be lost to a store that is busy or gone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pouch.domain.errors import StoreUnavailableError

RETRY_FIRST_S: Final = 0.05
RETRY_MOST_S: Final = 5.0

T = TypeVar("T")


async def until_written(write: Callable[[], Awaitable[T]], *, what: str, log: logging.Logger) -> T:
    """What ``write`` returns once the store takes it; it is asked again for ever, ever less often.

    ``what`` names in ``log`` what waits.
    """
    pause_s = RETRY_FIRST_S
    while True:
        try:
            return await write()
        except StoreUnavailableError as error:
            log.warning("%s waits for the store: %s", what, error.__cause__ or error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MOST_S)
