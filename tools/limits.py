"""Makes the table of token limits that the package ships. For maintainers, never at install.

    PYTHONPATH=. python tools/limits.py

Takes the model data out of one pinned release of the PyPI package ``tokencostauto``, and of it the
chat models that the installed ``genai-prices`` data knows by the same name. A model's context
window is the larger of what both say. The most output tokens are left out where they are said to
fill the whole window: such figures say that there is no limit, or that nobody has looked.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pouch.infra.prices.genai import known_model

PACKAGE: Final = "tokencostauto==0.1.717"
MEMBER: Final = "tokencostauto/model_prices.json"
LICENCE: Final = "tokencostauto-0.1.717.dist-info/licenses/LICENSE"
DATA: Final = Path(__file__).parents[1] / "pouch" / "infra" / "prices" / "data"
SIZE_BYTES_MAX: Final = 60_000
MODES: Final = frozenset({"chat", "responses"})

# What the package calls a vendor, and the id in the price data.
VENDORS: Final = {
    "anthropic": "anthropic",
    "cerebras": "cerebras",
    "cohere_chat": "cohere",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "perplexity": "perplexity",
    "together_ai": "together",
    "xai": "x-ai",
}


def main() -> None:
    """Fetch, select and write."""
    wheel = fetch()
    with zipfile.ZipFile(wheel) as archive:
        models = json.loads(archive.read(MEMBER))
        licence = archive.read(LICENCE).decode()
    table: dict[str, dict[str, tuple[int | None, int]]] = {}
    for vendor, name, limit in sorted(known(models)):
        table.setdefault(vendor, {})[name] = limit
    content = rendered(table)
    if len(content) > SIZE_BYTES_MAX:
        raise SystemExit(f"{len(content)} bytes are more than a small table")
    (DATA / "limits.json").write_text(content)
    (DATA / "NOTICE").write_text(notice(licence))
    print(f"{sum(map(len, table.values()))} models, {len(content)} bytes")


def fetch() -> Path:
    """The package's wheel, in a folder that the system clears."""
    folder = tempfile.mkdtemp()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--only-binary=:all:", "--dest", folder, PACKAGE], check=True)
    return next(Path(folder).glob("*.whl"))


def known(models: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[int | None, int]]]:
    """Vendor, model and ``(most output tokens, context window)`` of what both data sets know."""
    for key, facts in models.items():
        vendor = VENDORS.get(facts.get("litellm_provider", ""))
        if vendor is None or facts.get("mode") not in MODES:
            continue
        name = key.removeprefix(facts["litellm_provider"] + "/").lower()
        priced = known_model(vendor, name)
        if priced is None:
            continue
        window = max(whole(facts.get("max_input_tokens")), priced.context_window or 0)
        output = whole(facts.get("max_output_tokens"))
        if window:
            yield vendor, name, (output if 0 < output < window else None, window)


def whole(number: object) -> int:
    """The number; 0 for what is none."""
    return number if isinstance(number, int) and number > 0 else 0


def rendered(table: Mapping[str, Mapping[str, tuple[int | None, int]]]) -> str:
    """JSON with a line for each model, so that a change can be read."""
    vendors = []
    for vendor, models in table.items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(models[name])}" for name in models)
        vendors.append(f"{json.dumps(vendor)}: {{\n{lines}\n}}")
    return "{\n" + ",\n".join(vendors) + "\n}\n"


def notice(licence: str) -> str:
    """Where the table is from, and the licence that goes with it."""
    return (
        f"limits.json holds token limits from the model data of {PACKAGE}, selected by\n"
        "tools/limits.py. That data is a copy of LiteLLM's (MIT, Copyright (c) 2023 Berri AI).\n"
        f"The package's licence follows.\n\n{licence.strip()}\n"
    )


if __name__ == "__main__":
    main()
