"""What a model costs: integer rates, the exact cost of a usage, and the most a request can cost.

A rate is nano-dollars per million tokens. A cost is summed exactly over all token kinds and
divided by a million once, rounding up. Every token is billed once, so that whatever usage stays
within the numbers of a bound costs no more than the bound. A gap in a table never under-bills:
reasoning, images and cached input without a rate of their own are what they are for the vendors
who name none, plain tokens; cache writes and audio are billed at the dearest rate of their side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final, Protocol

from pouch.domain.money import Money
from pouch.domain.usage import Usage

TOKENS_PER_RATE: Final = 1_000_000

# What vendors call their standard service, and the tiers that no vendor bills above it.
STANDARD_TIERS: Final = frozenset({"default", "standard", "standard_only", "on_demand"})
CHEAPER_TIERS: Final = frozenset({"flex", "batch"})


@dataclass(frozen=True, slots=True)
class Rates:
    """Nano-dollars per million tokens, by kind; ``None`` where the table has no such rate.

    The dearest rate that a text token, or any token, of either side can be billed at follows from
    them, and is worked out once: every request asks for it.
    """

    input: int
    output: int
    cached_input: int | None = None
    cache_write: int | None = None
    audio_input: int | None = None
    image_input: int | None = None
    reasoning: int | None = None
    audio_output: int | None = None
    dearest_text_input: int = field(init=False, repr=False, compare=False)
    dearest_input: int = field(init=False, repr=False, compare=False)
    dearest_text_output: int = field(init=False, repr=False, compare=False)
    dearest_output: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text_input = max(self.input, self.cached_input or 0, self.cache_write or 0)
        text_output = max(self.output, self.reasoning or 0)
        dearest = {
            "dearest_text_input": text_input,
            "dearest_input": max(text_input, self.audio_input or 0, self.image_input or 0),
            "dearest_text_output": text_output,
            "dearest_output": max(text_output, self.audio_output or 0),
        }
        for name, rate in dearest.items():
            object.__setattr__(self, name, rate)

    @property
    def is_free(self) -> bool:
        """No token of any kind costs anything."""
        return self.dearest_input == 0 and self.dearest_output == 0

    def cost(self, usage: Usage) -> Money:
        """The exact cost of ``usage``, rounded up once to a whole nano-dollar."""
        if not usage.has_kinds:
            weight = usage.input_tokens * self.input + usage.output_tokens * self.output
            return Money(-(-weight // TOKENS_PER_RATE))
        cache_write = self.dearest_text_input if self.cache_write is None else self.cache_write
        audio_input = self.dearest_input if self.audio_input is None else self.audio_input
        audio_output = self.dearest_output if self.audio_output is None else self.audio_output
        inputs = _weigh(
            input_total(usage),
            self.input,
            (usage.cached_input_tokens, self.cached_input),
            (usage.cache_write_tokens, cache_write),
            (usage.audio_input_tokens, audio_input),
            (usage.image_input_tokens, self.image_input),
        )
        outputs = _weigh(
            output_total(usage),
            self.output,
            (usage.reasoning_tokens, self.reasoning),
            (usage.audio_output_tokens, audio_output),
        )
        return Money(-(-(inputs + outputs) // TOKENS_PER_RATE))


RATE_KINDS: Final = tuple(each.name for each in fields(Rates) if each.init)
"""The kinds of tokens that a table can have rates for."""


def input_total(usage: Usage) -> int:
    """All input tokens. A total below the parts that cannot overlap is taken to be their sum."""
    return max(
        usage.input_tokens,
        usage.cached_input_tokens + usage.cache_write_tokens,
        usage.audio_input_tokens + usage.image_input_tokens,
    )


def output_total(usage: Usage) -> int:
    """All output tokens. A total below one of its parts is taken to be that part."""
    return max(usage.output_tokens, usage.reasoning_tokens, usage.audio_output_tokens)


def _weigh(total: int, plain: int, *kinds: tuple[int, int | None]) -> int:
    """The sum of ``total`` tokens times their rates; what is of no kind has the ``plain`` rate.

    Each kind is ``(tokens, its rate)``; without a rate its tokens are plain ones. Kinds can overlap
    (cached audio is both) and nothing says by how much, so where they do not fit into ``total``
    side by side, the cheapest give way.
    """
    weight = 0
    rated = [(rate, tokens) for tokens, rate in kinds if tokens and rate is not None]
    for rate, tokens in sorted(rated, reverse=True):
        taken = min(tokens, total)
        weight += taken * rate
        total -= taken
    return weight + total * plain


@dataclass(frozen=True, slots=True)
class Price:
    """A model's rates and limits, with where they come from.

    ``tiers`` are ``(more than this many input tokens, rates)``, ascending: a request whose input
    exceeds the threshold is billed at that tier's rates as a whole. ``service_tiers`` holds the
    prices of tiers that a request can ask for ("priority", "flex"); ``asked`` is the one that it
    does ask for, ``None`` if it leaves the choice to the provider. ``encoding`` names the
    vocabulary that counts this model's text exactly; ``None`` where it is not published, so that
    only the UTF-8 byte bound is true. ``hidden_reasoning`` says that the model bills output that
    it does not show, so that a broken stream cannot be counted from what was relayed.
    """

    rates: Rates
    source: str
    max_output_tokens: int | None = None
    context_window: int | None = None
    encoding: str | None = None
    hidden_reasoning: bool = False
    tiers: tuple[tuple[int, Rates], ...] = ()
    service_tiers: Mapping[str, "Price"] = field(default_factory=dict)
    asked: str | None = None
    is_free: bool = field(init=False, repr=False, compare=False)
    """Nothing that this price can bill costs anything."""

    def __post_init__(self) -> None:
        free = (
            self.rates.is_free
            and all(rates.is_free for _, rates in self.tiers)
            and all(price.is_free for price in self.service_tiers.values())
        )
        object.__setattr__(self, "is_free", free)

    def cost(self, usage: Usage) -> Money:
        """The exact cost of ``usage``, at the tiers that its size and the provider select.

        Where the provider does not say which service tier it used, the dearer of the standard one
        and the one that was asked for is billed.
        """
        used = usage.service_tier
        if not self.service_tiers or used in STANDARD_TIERS:
            rates = self._for_size(usage) if self.tiers else self.rates
            return rates.cost(usage)
        named = self.service_tiers.get(used or "")
        if named is not None:
            return named._for_size(usage).cost(usage)
        asked = self.service_tiers.get(self.asked or "", self)
        return max(price._for_size(usage).cost(usage) for price in (self, asked))

    def bound(self, *, input_tokens: int, output_tokens: int, any_kind: bool) -> Money:
        """The most that so many tokens can cost.

        ``any_kind`` says that audio or images can be among them, on either side; otherwise only
        text rates apply. Every tier that the input can reach, and every service tier that the
        provider may choose, is considered.
        """
        most = max(
            [
                input_tokens * rate_in + output_tokens * rate_out
                for rate_in, rate_out in self._dearest_rates(input_tokens, any_kind=any_kind)
            ]
        )
        return Money(-(-most // TOKENS_PER_RATE))

    def largest_output(self, money: Money, *, input_tokens: int, any_kind: bool) -> int | None:
        """The most output tokens whose ``bound`` fits ``money``; ``None`` if any number does.

        Below zero, not even the input fits.
        """
        largest: int | None = None
        for rate_in, rate_out in self._dearest_rates(input_tokens, any_kind=any_kind):
            left = money.nanos * TOKENS_PER_RATE - input_tokens * rate_in
            if rate_out:
                fits = left // rate_out
            elif left < 0:
                fits = -1
            else:
                continue
            largest = fits if largest is None else min(largest, fits)
        return largest

    def for_service_tier(self, tier: str | None) -> "Price | None":
        """The price of a request that asks for ``tier``; ``None`` if the tier has no price.

        A request that names none, or "auto", leaves the choice to the provider; its bound covers
        every tier that has a price. "flex" and "batch" without a price of their own are billed at
        the standard one, which is never less.
        """
        if tier is None or tier == "auto":
            return self
        if tier in self.service_tiers:
            return replace(self, asked=tier)
        if tier in STANDARD_TIERS or tier in CHEAPER_TIERS:
            return replace(self, asked="default")
        return None

    def _for_size(self, usage: Usage) -> Rates:
        total = input_total(usage)
        rates = self.rates
        for threshold, tier in self.tiers:
            if total > threshold:
                rates = tier
        return rates

    def _dearest_rates(self, input_tokens: int, *, any_kind: bool) -> list[tuple[int, int]]:
        """The dearest input and output rate under each of the rates that may come to apply."""
        if not self.tiers and not self.service_tiers:
            rates = self.rates
            if any_kind:
                return [(rates.dearest_input, rates.dearest_output)]
            return [(rates.dearest_text_input, rates.dearest_text_output)]
        chosen = [price for tier, price in self.service_tiers.items() if self.asked in {None, tier}]
        reachable = [
            rates
            for price in (self, *chosen)
            for over, rates in ((-1, price.rates), *price.tiers)
            if input_tokens > over
        ]
        if any_kind:
            return [(rates.dearest_input, rates.dearest_output) for rates in reachable]
        return [(rates.dearest_text_input, rates.dearest_text_output) for rates in reachable]


class PriceBook(Protocol):
    """Where prices are looked up. Built once, at start-up; a lookup never waits."""

    def find(self, provider: str, model: str) -> Price | None:
        """The price of ``model`` at ``provider``; ``None`` if no source has one."""
        ...
