"""The check of the chain against the rule that it stands for, over every kind of chain."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pouch.config import ConfigError
from tests.config.loading import load_text

STEP = st.tuples(st.sampled_from(["reserve", "retry", "router"]), st.booleans())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chains")


def loses_money(kinds: list[str], *, paid: bool, allowed: bool) -> bool:
    """``kinds`` are the enabled steps, outermost first."""
    if kinds.count("reserve") > 1:
        return True
    outside = kinds[: kinds.index("reserve")] if "reserve" in kinds else ["retry"]
    return paid and not allowed and "retry" in outside


def written(steps: list[tuple[str, bool]], *, paid: bool, allowed: bool) -> str:
    document = {
        "server": {"allow_unmetered": allowed},
        "providers": {"shop": {"use": "paid", "api_key": "key" if paid else ""}},
        "models": {"m": "shop/m"},
        "middlewares": [
            {"use": use, "name": f"step{i}", "enabled": enabled}
            for i, (use, enabled) in enumerate(steps)
        ],
    }
    return yaml.safe_dump(document)


@given(steps=st.lists(STEP, max_size=5), paid=st.booleans(), allowed=st.booleans())
def test_a_chain_starts_if_and_only_if_it_cannot_lose_money(
    steps: list[tuple[str, bool]], paid: bool, allowed: bool, folder: Path
) -> None:
    text = written(steps, paid=paid, allowed=allowed)
    kinds = [use for use, enabled in steps if enabled]
    try:
        load_text(text, folder)
    except ConfigError:
        started = False
    else:
        started = True
    assert started is not loses_money(kinds, paid=paid, allowed=allowed)
