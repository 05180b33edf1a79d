"""What every test of the repository shares: the platform's fixtures."""

import os

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's business and never a failure.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

pytest_plugins = ["kit.testing.plugin"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With BROWSER=none what needs a browser is left out, and counted as such."""
    if os.environ.get("BROWSER") != "none":
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if not item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=left_out)
