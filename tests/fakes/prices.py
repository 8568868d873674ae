"""Hypothesis strategies for rates, prices, and usages that stay within a bound."""

from hypothesis import strategies as st

from pouch.domain.pricing import Price, Rates
from pouch.domain.usage import Usage

NANOS = st.integers(0, 200_000_000_000)
SOME_NANOS = st.none() | NANOS
SERVICE_TIERS = ("priority", "flex")


def rates() -> st.SearchStrategy[Rates]:
    """Any table of rates: discounts that are none, reasoning dearer than output, zeros, gaps."""
    return st.builds(
        Rates,
        input=NANOS,
        output=NANOS,
        cached_input=SOME_NANOS,
        cache_write=SOME_NANOS,
        audio_input=SOME_NANOS,
        image_input=SOME_NANOS,
        reasoning=SOME_NANOS,
        audio_output=SOME_NANOS,
    )


@st.composite
def prices(draw: st.DrawFn, *, service_tiers: bool = True) -> Price:
    """Any price, with up to two tiers by size and, if wanted, prices of service tiers."""
    thresholds = draw(st.lists(st.integers(0, 300_000), max_size=2, unique=True).map(sorted))
    asked = draw(st.lists(st.sampled_from(SERVICE_TIERS), unique=True)) if service_tiers else []
    return Price(
        rates=draw(rates()),
        source="any",
        tiers=tuple((threshold, draw(rates())) for threshold in thresholds),
        service_tiers={tier: draw(prices(service_tiers=False)) for tier in asked},
    )


@st.composite
def usages(draw: st.DrawFn, *, any_kind: bool = True) -> Usage:
    """Any usage whose parts are parts of its totals, with overlaps of every size."""
    total_in, total_out = draw(st.integers(0, 400_000)), draw(st.integers(0, 100_000))

    def part(total: int) -> int:
        return draw(st.sampled_from([0, total]) | st.integers(0, total))

    cached, audio = part(total_in), part(total_in) if any_kind else 0
    return Usage(
        input_tokens=total_in,
        output_tokens=total_out,
        cached_input_tokens=cached,
        cache_write_tokens=part(total_in - cached),
        audio_input_tokens=audio,
        image_input_tokens=part(total_in - audio) if any_kind else 0,
        reasoning_tokens=part(total_out),
        audio_output_tokens=part(total_out) if any_kind else 0,
    )
