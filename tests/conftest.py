"""What every test shares: no wall-clock limits on examples, for the machines are noisy."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

END_TO_END = Path(__file__).parent / "e2e"

settings.register_profile(
    "pouch", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("pouch")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser's tests to a run of their own: once Playwright has begun, an event loop
    runs in the process to its end, in which no other can.
    """
    apart = [item for item in items if END_TO_END in item.path.parents]
    if apart and len(apart) < len(items):
        items[:] = [item for item in items if END_TO_END not in item.path.parents]
        config.hook.pytest_deselected(items=apart)
