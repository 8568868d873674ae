"""The system's clocks."""

import time
from datetime import UTC, datetime


class SystemClock:
    """See ``pouch.domain.ports.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    # The function itself: a request asks some fifteen times.
    monotonic = staticmethod(time.monotonic)
