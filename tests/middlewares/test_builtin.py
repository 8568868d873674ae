"""The list of built-in middlewares."""

from pathlib import Path

import pouch.middlewares
from pouch.middlewares import BUILTIN


def test_every_middleware_in_the_folder_is_listed_once_in_order_under_its_files_name() -> None:
    folder = Path(pouch.middlewares.__file__).parent
    files = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    assert [plugin.name for plugin in BUILTIN] == files


def test_every_field_that_can_be_configured_says_what_it_is() -> None:
    for plugin in BUILTIN:
        for name, field in plugin.config.model_fields.items():
            assert field.description, f"{plugin.name}.{name}"


def test_only_usage_tracking_reserves_and_no_step_spends_by_itself() -> None:
    assert [plugin.name for plugin in BUILTIN if plugin.reserves] == ["usage_tracking"]
    assert not any(plugin.calls_upstream for plugin in BUILTIN)
