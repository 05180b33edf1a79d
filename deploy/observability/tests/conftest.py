"""Makes the folder `deploy`, no distribution, importable; and promtool, fetched where it is not."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from local.promtool import provide


@pytest.fixture(scope="session")
def promtool() -> Path:
    """As the servers of the tests: a setting, our own tools, the machine's, else fetched."""
    return provide(lambda _line: None)
