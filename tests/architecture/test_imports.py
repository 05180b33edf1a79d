"""The import contracts can fail: each is broken on purpose in a skeleton of the layout."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("auth", "crm", "analytics", "notify", "gateway")
ROOMS = ("bootstrap", "entrypoints", "application", "adapters", "domain", "config", "__main__")

BREACHES = {
    "crm/config.py": "import crm.domain",
    "crm/utils.py": "",
    "auth/adapters/__init__.py": "import crm",
    "auth/domain/__init__.py": "import kit.database",
    "crm/application/__init__.py": "import sqlalchemy",
    "kit/money.py": "import freelanceflow.crm.v1.deal_service_pb2",
    "gateway/adapters/__init__.py": "import kit.database",
    "analytics/application/__init__.py": "import pandas",
}


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """Every package with its rooms, all within the rules."""
    for package in ("kit", "local", *SERVICES):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "kit" / "database.py").write_text("import sqlalchemy\n")
    for service in SERVICES:
        for room in ROOMS:
            _module(tmp_path / service, room)
    _module(tmp_path / "analytics", "science").write_text("import pandas, scipy\n")
    return tmp_path


def _module(package: Path, room: str) -> Path:
    if room in ("bootstrap", "config", "__main__"):
        path = package / f"{room}.py"
    else:
        path = package / room / "__init__.py"
        path.parent.mkdir()
    path.touch()
    return path


def verdicts(skeleton: Path) -> dict[str, str]:
    """Number of each contract → KEPT or BROKEN."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, sys.argv.pop());"
            "from importlinter.cli import lint_imports_command as run; run()",
            str(ROOT / "pyproject.toml"),
            "--no-cache",
            "--no-logo",
            str(skeleton),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )
    found = dict(re.findall(r"^(\d) .* (KEPT|BROKEN)", done.stdout, re.MULTILINE))
    assert sorted(found) == list("1234567"), done.stdout + done.stderr
    return found


def test_all_contracts_are_kept_by_the_layout(skeleton: Path) -> None:
    assert set(verdicts(skeleton).values()) == {"KEPT"}


def test_each_contract_is_broken_by_what_it_forbids(skeleton: Path) -> None:
    for path, line in BREACHES.items():
        (skeleton / path).write_text(f"{line}\n")
    assert set(verdicts(skeleton).values()) == {"BROKEN"}
