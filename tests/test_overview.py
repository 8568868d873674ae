from pathlib import Path

from pouch import overview
from tests.config.loading import MINIMAL, load_text

BY_PATH = "pouch.middlewares.usage_tracking:PLUGIN"


def test_a_step_shows_its_plugin_as_the_file_names_it(tmp_path: Path) -> None:
    steps = f"""middlewares:
      - {{use: "{BY_PATH}", name: book}}
      - {{use: limit, requests: 5}}
"""
    shown = overview.pipeline(load_text(MINIMAL + steps, tmp_path))
    assert [(step.name, step.use) for step in shown] == [
        ("book", BY_PATH),
        ("limit", "limit"),
    ]
