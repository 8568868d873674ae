"""The system's clocks."""

import time
from datetime import UTC, datetime


class SystemClock:
    """See ``pouch.domain.ports.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
