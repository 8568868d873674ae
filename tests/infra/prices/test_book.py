"""Which source prices a model, and what is added to a price that is no rate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from pouch.domain.pricing import Price, PriceBook, Rates
from pouch.infra.prices.book import CACHE_ENTRIES_MAX, PriceTable, PriceTables
from pouch.infra.prices.limits import Limits
from tests.fakes.clock import FakeClock

LIMITS = Limits({"openai": {"known": (4_000, 32_000)}})


def price(source: str, **rest: int | None) -> Price:
    return replace(Price(Rates(input=1, output=2), source), **rest)  # type: ignore[arg-type]


@dataclass
class Published:
    """A source that knows one model of one vendor, and remembers what it was asked."""

    answer: Price = field(default_factory=lambda: price("published"))
    asked: list[tuple[str, str, date]] = field(default_factory=list)

    def __call__(self, vendor: str, model: str, today: date) -> Price | None:
        self.asked.append((vendor, model, today))
        return self.answer if (vendor, model) == ("openai", "known") else None


def book(
    *tables: PriceTable, published: Published | None = None, clock: FakeClock | None = None
) -> PriceBook:
    return PriceTables(
        tables,
        vendors={"openai": "openai", "vllm": None},
        clock=clock or FakeClock(),
        limits=LIMITS,
        encoding_of=lambda model: "o200k_base" if model == "known" else None,
        hidden_reasoning_of=lambda model: model.startswith("o"),
        published=published or Published(),
    )


def source_of(prices: PriceBook, provider: str, model: str) -> str | None:
    found = prices.find(provider, model)
    return found.source if found else None


def test_an_exact_name_wins_over_globs_and_a_long_glob_over_a_short_one() -> None:
    names: Sequence[str] = ("*", "gpt-*", "gpt-4*", "gpt-4o")
    prices = book({"openai": {name: price(name) for name in names}})
    assert source_of(prices, "openai", "gpt-4o") == "gpt-4o"
    assert source_of(prices, "openai", "gpt-4.1") == "gpt-4*"
    assert source_of(prices, "openai", "gpt-5") == "gpt-*"
    assert source_of(prices, "openai", "o3") == "*"


def test_the_first_table_that_has_the_model_wins_even_by_a_glob() -> None:
    first: PriceTable = {"openai": {"gpt-*": price("first")}}
    second: PriceTable = {"openai": {"gpt-5": price("second"), "o3": price("second")}}
    prices = book(first, second)
    assert source_of(prices, "openai", "gpt-5") == "first"
    assert source_of(prices, "openai", "o3") == "second"


def test_a_table_prices_its_own_provider_only() -> None:
    prices = book({"openai": {"*": price("table")}})
    assert source_of(prices, "vllm", "gpt-5") is None


def test_a_glob_is_matched_with_case() -> None:
    prices = book({"vllm": {"Llama-*": price("table")}})
    assert source_of(prices, "vllm", "Llama-3") == "table"
    assert source_of(prices, "vllm", "llama-3") is None


def test_the_operators_table_wins_over_the_published_price() -> None:
    published = Published()
    prices = book({"openai": {"known": price("table")}}, published=published)
    assert source_of(prices, "openai", "known") == "table"
    assert not published.asked


def test_the_published_price_is_that_of_the_providers_vendor() -> None:
    assert source_of(book(), "openai", "known") == "published"
    assert source_of(book(), "openai", "unknown") is None


def test_a_provider_without_a_vendor_gets_no_published_price() -> None:
    published = Published()
    prices = book(published=published)
    assert source_of(prices, "vllm", "known") is None
    assert source_of(prices, "not-configured", "known") is None
    assert not published.asked


def test_an_entry_wins_whole_and_takes_no_rate_from_elsewhere() -> None:
    rich = Published(replace(price("published"), rates=Rates(1, 2, cached_input=1, reasoning=3)))
    found = book({"openai": {"known": price("table")}}, published=rich).find("openai", "known")
    assert found is not None
    assert found.rates == Rates(1, 2)


def test_what_an_entry_leaves_out_beside_rates_is_filled_in() -> None:
    found = book({"openai": {"*": price("table")}}).find("openai", "known")
    assert found is not None
    assert (found.max_output_tokens, found.context_window) == (4_000, 32_000)
    assert found.encoding == "o200k_base"
    assert not found.hidden_reasoning


def test_what_an_entry_states_stays() -> None:
    stated = price("table", max_output_tokens=100, context_window=200)
    found = book({"openai": {"known": replace(stated, encoding="bytes")}}).find("openai", "known")
    assert found is not None
    assert (found.max_output_tokens, found.context_window) == (100, 200)
    assert found.encoding == "bytes"


def test_a_filled_in_output_limit_is_no_more_than_a_stated_context_window() -> None:
    stated = price("table", context_window=1_000)
    found = book({"openai": {"known": stated}}).find("openai", "known")
    assert found is not None
    assert found.max_output_tokens == 1_000


def test_hidden_reasoning_is_known_by_the_models_name() -> None:
    found = book({"vllm": {"*": price("table")}}).find("vllm", "o3")
    assert found is not None
    assert found.hidden_reasoning
    assert found.max_output_tokens is None


def test_of_two_published_context_windows_the_larger_is_a_bound() -> None:
    for window, expected in ((16_000, 32_000), (64_000, 64_000), (None, 32_000)):
        published = Published(price("published", context_window=window))
        found = book(published=published).find("openai", "known")
        assert found is not None
        assert found.context_window == expected


def test_a_price_and_a_miss_are_looked_up_once_a_day() -> None:
    published, clock = Published(), FakeClock(datetime(2026, 1, 15, 23, 0, tzinfo=UTC))
    prices = book(published=published, clock=clock)
    for _ in range(3):
        prices.find("openai", "known")
        prices.find("openai", "unknown")
    assert len(published.asked) == 2
    clock.advance(3600)
    prices.find("openai", "known")
    assert published.asked[-1] == ("openai", "known", date(2026, 1, 16))


def test_names_without_end_do_not_fill_the_memory() -> None:
    published = Published()
    prices = book(published=published)
    for number in range(CACHE_ENTRIES_MAX + 1):
        prices.find("openai", f"made-up-{number}")
    prices.find("openai", "made-up-0")
    assert len(published.asked) == CACHE_ENTRIES_MAX + 2
