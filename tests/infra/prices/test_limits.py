"""What the package knows about how much a model takes and gives."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import msgspec

from pouch.infra.prices.limits import UNKNOWN, Limit, Limits, shipped_limits

ROOT = Path(__file__).parents[3]
SIZE_BYTES_MAX = 60_000
TABLE = Limits({"openai": {"gpt-4o": (16_384, 128_000), "open-ended": (None, 32_000)}})


def test_a_model_is_found_by_its_vendor_and_name() -> None:
    assert TABLE.find("openai", "gpt-4o") == Limit(16_384, 128_000)
    assert TABLE.find("openai", "GPT-4o-2024-08-06") == Limit(16_384, 128_000)
    assert TABLE.find("openai", "open-ended") == Limit(None, 32_000)


def test_an_unknown_vendor_or_model_has_no_limits() -> None:
    assert TABLE.find(None, "gpt-4o") == UNKNOWN
    assert TABLE.find("groq", "gpt-4o") == UNKNOWN
    assert TABLE.find("openai", "gpt-4o-turbo") == UNKNOWN


def test_the_shipped_table_knows_the_well_known_models() -> None:
    limits = shipped_limits()
    assert limits.find("openai", "gpt-4o-mini") == Limit(16_384, 128_000)
    assert limits.find("openai", "gpt-4.1").context_window == 1_047_576
    assert limits.find("anthropic", "claude-sonnet-4-5-20250929").max_output_tokens == 64_000
    assert limits.find("google", "gemini-2.5-pro").max_output_tokens == 65_536
    assert limits.find("groq", "llama-3.3-70b-versatile").max_output_tokens == 32_768


def test_the_shipped_table_is_small_and_sane() -> None:
    content = files("pouch.infra.prices").joinpath("data", "limits.json").read_bytes()
    assert len(content) < SIZE_BYTES_MAX
    table = msgspec.json.decode(content, type=dict[str, dict[str, tuple[int | None, int]]])
    for models in table.values():
        for name, (output, window) in models.items():
            assert name == name.lower()
            assert 0 < window <= 20_000_000
            assert output is None or 0 < output < window


def test_the_price_data_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, pouch.infra.prices.book, pouch.infra.prices.vendors as vendors;"
        "vendors.vendor_of('http://localhost:8000/v1');"
        "sys.exit('genai_prices' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
