"""Refuse a key that asks more often than it may.

In no window of ``per_s`` seconds, wherever it begins, are more than ``requests`` let through. The
count is this process's own: with several workers each one counts for itself.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from pouch.domain.errors import RateLimitError
from pouch.domain.key import RateLimit as Limit
from pouch.domain.pipeline import Handler, Ports, Request, Response
from pouch.domain.plugin import MiddlewarePlugin

# A window is remembered as at most about this many groups of requests.
GROUPS_MAX: Final = 128
# Keys that are known before those that have been idle for a window are looked for.
KEYS_BEFORE_SWEEP: Final = 1024

HEADER_LIMIT: Final = "x-ratelimit-limit-requests"
HEADER_REMAINING: Final = "x-ratelimit-remaining-requests"
HEADER_RESET: Final = "x-ratelimit-reset-requests"
_HEADERS: Final = frozenset({HEADER_LIMIT, HEADER_REMAINING, HEADER_RESET})


class Config(BaseModel):
    """``{use: rate_limit, requests: 60, per_s: 60}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    requests: int = Field(gt=0, description="Requests allowed per window, by each key.")
    per_s: float = Field(
        default=60, gt=0, allow_inf_nan=False, description="Length of the window, in seconds."
    )


@dataclass(slots=True)
class _Group:
    """Requests that are forgotten together, when the last of them leaves the window."""

    first: float
    last: float
    count: int


@dataclass(slots=True)
class Window:
    """The requests that one key made lately, in groups.

    A limit of up to ``GROUPS_MAX`` is counted to the moment. Above it, requests that are close
    together, by a small part of the window, form a group, so that memory does not grow with the
    limit; a request is then remembered a little longer than it must be, never shorter.
    """

    count: int = 0
    expires: float = 0
    _groups: deque[_Group] = field(default_factory=deque)

    def admit(self, limit: Limit, now: float) -> None:
        """Count a request.

        Raises:
            RateLimitError: it would be one too many.
        """
        groups = self._groups
        while groups and groups[0].last + limit.per_s <= now:
            self.count -= groups.popleft().count
        if self.count >= limit.requests:
            wait_s = self._wait_s(limit, now)
            raise RateLimitError(limit=limit.requests, per_s=limit.per_s, retry_after_s=wait_s)
        width = 0.0 if limit.requests <= GROUPS_MAX else limit.per_s / GROUPS_MAX
        if groups and now - groups[-1].first <= width:
            groups[-1].last = now
            groups[-1].count += 1
        else:
            groups.append(_Group(now, now, 1))
        self.count += 1
        self.expires = now + limit.per_s

    def _wait_s(self, limit: Limit, now: float) -> float:
        """Seconds until enough has left the window for one more request."""
        count = self.count
        for group in self._groups:
            count -= group.count
            if count < limit.requests:
                return group.last + limit.per_s - now
        return limit.per_s


class RateLimit:
    """A sliding window per key, in memory; the key's own limit wins over the step's.

    A minted key's requests count in the windows of those that it descends from, too.
    """

    def __init__(self, config: Config, ports: Ports) -> None:
        self._limit = Limit(config.requests, config.per_s)
        self._clock = ports.clock
        self._windows: dict[str, Window] = {}
        self._sweep_at = KEYS_BEFORE_SWEEP

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        limit = request.key.rate_limit or self._limit
        window = self._window(request.key.id)
        now = self._clock.monotonic()
        window.admit(limit, now)
        # Keys that a key minted share its limit, or it could mint more of them to ask more often.
        for parent in request.key.parents:
            self._window(parent.id).admit(parent.rate_limit or self._limit, now)
        remaining = limit.requests - window.count
        response = await call_next(request)
        # A provider's own headers of these names tell of the operator's account, not of the key.
        response.headers[:] = [header for header in response.headers if header[0] not in _HEADERS]
        response.headers += [
            (HEADER_LIMIT, str(limit.requests)),
            (HEADER_REMAINING, str(remaining)),
            # All is forgotten a window after this request, if no other follows.
            (HEADER_RESET, duration(limit.per_s)),
        ]
        return response

    def _window(self, key_id: str) -> Window:
        window = self._windows.get(key_id)
        if window is None:
            if len(self._windows) >= self._sweep_at:
                self._forget_idle()
            window = self._windows[key_id] = Window()
        return window

    def _forget_idle(self) -> None:
        now = self._clock.monotonic()
        self._windows = {key: seen for key, seen in self._windows.items() if seen.expires > now}
        self._sweep_at = max(2 * len(self._windows), KEYS_BEFORE_SWEEP)


@lru_cache(maxsize=1024)
def duration(seconds: float) -> str:
    """As OpenAI's headers write it: ``250ms``, ``1s``, ``6m0s``, ``1h0m0s``; rounded up."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


PLUGIN = MiddlewarePlugin("rate_limit", Config, RateLimit)
