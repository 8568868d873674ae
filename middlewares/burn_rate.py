"""Freeze a key that spends too fast, or asks the same again and again.

What a key spends is read from the store, reservations included, so that all workers see the same
within ``REFRESH_S`` and a restart changes nothing; its window is the calendar's. Repeated prompts
are counted by each process for itself, by the monotonic clock. A freeze is stored with the key and
holds until it is over or an administrator ends it; what was before its end is not counted again.
"""

import asyncio
import hashlib
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pouch.domain.errors import KeyFrozenError
from pouch.domain.key import Freeze, Key
from pouch.domain.money import Money
from pouch.domain.pipeline import Handler, Ports, Request, Response
from pouch.domain.plugin import MiddlewarePlugin

# How old a reading of what a key has spent may be; it is shared by all requests meanwhile.
REFRESH_S: Final = 0.25
KEYS_MAX: Final = 10_000
PROMPTS_MAX: Final = 10_000
# Over all prompts; one takes about forty bytes.
MOMENTS_MAX: Final = 1_000_000
WINDOW_S_MAX: Final = 31 * 86_400


class Config(BaseModel):
    """``{use: burn_rate, spend_usd: "5.00", per_s: 600, repeats: 20, cool_down_s: 3600}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    spend_usd: str | None = Field(
        default=None, description='USD that a key may spend per window, such as "5.00".'
    )
    repeats: int | None = Field(
        default=None,
        gt=0,
        le=10_000,
        description="How often a key may send the same messages per window.",
    )
    per_s: float = Field(
        default=600,
        gt=0,
        le=WINDOW_S_MAX,
        allow_inf_nan=False,
        description="Length of the window, in seconds.",
    )
    cool_down_s: float | None = Field(
        default=None,
        gt=0,
        le=366 * 86_400,
        allow_inf_nan=False,
        description="After so long a frozen key thaws; without it an administrator must thaw it.",
    )

    @field_validator("spend_usd")
    @classmethod
    def _is_an_amount(cls, value: str | None) -> str | None:
        if value is not None and Money.usd(value).nanos <= 0:
            raise ValueError("must be greater than 0")
        return value

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        if self.spend_usd is None and self.repeats is None:
            raise ValueError("needs spend_usd, repeats, or both")
        return self


class BurnRate:
    """Refuses a key that is frozen, and freezes one that goes over a limit."""

    def __init__(self, config: Config, ports: Ports) -> None:
        self._config = config
        self._clock = ports.clock
        self._freezing = ports.freezing
        self._spending = None
        if config.spend_usd is not None:
            self._spending = Spending(ports, Money.usd(config.spend_usd), config.per_s)
        self._repeats = None
        if config.repeats is not None:
            self._repeats = Repeats(config.repeats, config.per_s)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        key = request.key
        freeze = key.frozen(self._clock.now())
        if freeze is None and (reason := await self._excess(request)):
            freeze = await self._freezing.freeze(key, reason=reason, until=self._end())
        if freeze is not None:
            raise KeyFrozenError(key.name, reason=freeze.reason, until=freeze.until)
        return await call_next(request)

    async def _excess(self, request: Request) -> str | None:
        """What the key does too much of, if anything."""
        if self._repeats and (said := self._repeats.excess(request, self._clock.monotonic())):
            return said
        return await self._spending.excess(request.key) if self._spending else None

    def _end(self) -> datetime | None:
        if self._config.cool_down_s is None:
            return None
        return self._clock.now() + timedelta(seconds=self._config.cool_down_s)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a key has spent, as it is being read or was; ``after`` is the freeze that it follows."""

    begun: float
    after: Freeze | None
    spent: "asyncio.Task[Money]"


class Spending:
    """What keys have spent in the window, read at most every ``REFRESH_S`` for each."""

    def __init__(self, ports: Ports, limit: Money, per_s: float) -> None:
        self._clock = ports.clock
        self._freezing = ports.freezing
        self._limit = limit
        self._per_s = per_s
        self._readings: OrderedDict[str, _Reading] = OrderedDict()

    async def excess(self, key: Key) -> str | None:
        """More than the limit was spent.

        Raises:
            StoreUnavailableError: what was spent cannot be read.
        """
        reading = self._readings.get(key.id)
        now = self._clock.monotonic()
        if reading is None or now - reading.begun >= REFRESH_S or reading.after != key.freeze:
            task = asyncio.create_task(self._read(key), name="read of what a key has spent")
            task.add_done_callback(_note_failure)
            reading = self._readings[key.id] = _Reading(now, key.freeze, task)
            self._readings.move_to_end(key.id)
            if len(self._readings) > KEYS_MAX:
                self._readings.popitem(last=False)
        # Shielded: one caller that goes away must not take the answer from the others.
        spent = await asyncio.shield(reading.spent)
        if spent <= self._limit:
            return None
        return f"{spent} USD spent or reserved in {self._per_s:g} s, more than {self._limit}"

    async def _read(self, key: Key) -> Money:
        since = self._clock.now() - timedelta(seconds=self._per_s)
        if key.freeze is not None and key.freeze.until is not None:
            since = max(since, key.freeze.until)
        return await self._freezing.spent_since(key, since)


def _note_failure(read: "asyncio.Task[Money]") -> None:
    """Mark a failure as seen: whoever still waits for the read has it from there."""
    if not read.cancelled():
        read.exception()


@dataclass(slots=True)
class _Prompt:
    """When a key sent the same messages lately; ``after`` is the freeze that this follows."""

    after: Freeze | None
    moments: deque[float]


class Repeats:
    """How often each key has sent the same messages; the prompt seen longest ago makes room."""

    def __init__(self, limit: int, per_s: float) -> None:
        self._limit = limit
        self._per_s = per_s
        self._prompts_max = min(PROMPTS_MAX, MOMENTS_MAX // limit)
        self._prompts: OrderedDict[tuple[str, bytes], _Prompt] = OrderedDict()

    def excess(self, request: Request, now: float) -> str | None:
        """Count a request; the limit is passed."""
        key = request.key
        prompt = self._prompt(key, _digest(request))
        full = len(prompt.moments) == self._limit
        if full and now - prompt.moments[0] < self._per_s:
            return f"the same messages sent more than {self._limit} times in {self._per_s:g} s"
        prompt.moments.append(now)
        return None

    def _prompt(self, key: Key, digest: bytes) -> _Prompt:
        name = (key.id, digest)
        prompt = self._prompts.get(name)
        if prompt is None or prompt.after != key.freeze:
            prompt = self._prompts[name] = _Prompt(key.freeze, deque(maxlen=self._limit))
        self._prompts.move_to_end(name)
        if len(self._prompts) > self._prompts_max:
            self._prompts.popitem(last=False)
        return prompt


def _digest(request: Request) -> bytes:
    """The same for the same messages, however the JSON was written."""
    content = msgspec.json.encode(request.body.messages, order="deterministic")
    return hashlib.blake2b(content, digest_size=16).digest()


PLUGIN = MiddlewarePlugin("burn_rate", Config, BurnRate, quotes=False)
