"""Settling what the dead have left open: at the start, and while siblings live on."""

import asyncio
import logging
from typing import Final

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import Ledger

# How often each process looks for siblings that have died.
RECOVER_EVERY_S: Final = 5.0

_log = logging.getLogger("pouch.recovery")


async def recover(ledger: Ledger) -> None:
    """Charge the reservations of processes that died, in full.

    Raises:
        StoreUnavailableError: the store cannot be written.
    """
    if recovered := await ledger.recover():
        _log.warning("%d reservations of the dead were charged in full", len(recovered))


async def watch_siblings(ledger: Ledger) -> None:
    """Recover for ever."""
    while True:
        await asyncio.sleep(RECOVER_EVERY_S)
        try:
            await recover(ledger)
        except (StoreUnavailableError, OSError) as error:
            _log.warning("what others have left open is looked for later: %s", error)
