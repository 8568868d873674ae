from pathlib import Path

import pytest

from pouch import bootstrap, commands
from pouch.api import dashboard

CONFIG = 'store: {url: "sqlite:///pouch.db"}\n' + commands.SMALLEST_CONFIG
BASE = "http://127.0.0.1:8080"


@pytest.mark.parametrize("built", [True, False])
async def test_a_start_says_in_one_line_that_there_is_no_dashboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: bool
) -> None:
    config = tmp_path / "pouch.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dashboard, "is_built", lambda: built)
    lines = await commands._prepare(bootstrap.load_config(config), BASE)
    told = [line for line in lines if "dashboard" in line]
    assert told == ([] if built else [f"the dashboard is not built; {BASE} says how to build it"])
