"""Work that a store which is busy or gone must not end."""

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
            log.warning("%s waits for the store: %s", what, error.why)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MOST_S)


async def again_and_again(
    work: Callable[[], Awaitable[object]], *, every_s: float, what: str, log: logging.Logger
) -> None:
    """Do ``work`` for ever, with ``every_s`` between; ``what`` says in ``log`` what was held up."""
    while True:
        try:
            await work()
        except StoreUnavailableError as error:
            log.warning("%s: %s", what, error.why)
        await asyncio.sleep(every_s)
