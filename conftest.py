"""What every test of the repository shares: the platform's fixtures."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's business and never a failure.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

OFFICE = os.environ.get("FF_SOFFICE") or shutil.which("soffice")

pytest_plugins = ["kit.testing.plugin"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Left out is what needs a browser with BROWSER=none, what needs promtool with PROMTOOL=none,
    and what needs LibreOffice where there is none."""
    there = {
        "browser": os.environ.get("BROWSER") != "none",
        "promtool": os.environ.get("PROMTOOL") != "none",
        "office": bool(OFFICE),
    }
    lacking = [mark for mark, is_there in there.items() if not is_there]
    left_out = [item for item in items if any(map(item.get_closest_marker, lacking))]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A run without one of them must not look like a whole one."""
    if os.environ.get("PROMTOOL") == "none":
        terminalreporter.write_line("PROMTOOL=none: whether alerts fire was left out")
    if not OFFICE:
        terminalreporter.write_line("no soffice here: files were not opened in LibreOffice")
