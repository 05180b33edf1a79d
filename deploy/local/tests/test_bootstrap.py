"""What setting up says when it cannot: one line where the reason is not ours."""

import importlib.util
import sys
from types import ModuleType

import pytest

from local.paths import ROOT


@pytest.fixture
def bootstrap() -> ModuleType:
    """It is a script beside the packages: nothing is installed when it runs."""
    found = importlib.util.spec_from_file_location("bootstrap", ROOT / "deploy/local/bootstrap.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "said",
    [
        "WARNING: Retrying: Failed to establish a new connection: [Errno 111] Connection refused",
        "WARNING: Retrying: Failed to resolve 'pypi.org'\nERROR: No matching distribution found",
        "WARNING: Retrying: Connection to pypi.org timed out. (connect timeout=15)",
        "error: Request failed\n  cause: client error (Connect)\n  cause: dns error",
    ],
)
def test_a_registry_that_does_not_answer_is_said_in_one_line(
    bootstrap: ModuleType, said: str
) -> None:
    command = [sys.executable, "-c", f"print({said!r}); raise SystemExit(1)"]
    with pytest.raises(bootstrap.SetupFailed) as failure:
        bootstrap._run(command, "uv could not be installed")
    (line,) = str(failure.value).splitlines()
    assert line.startswith("uv could not be installed: the package registry does not answer")


def test_another_reason_is_passed_on(bootstrap: ModuleType) -> None:
    command = [sys.executable, "-c", "print('hashes differ'); raise SystemExit(1)"]
    with pytest.raises(bootstrap.SetupFailed, match=r"not installed:\n    hashes differ"):
        bootstrap._run(command, "not installed")


def test_a_place_that_cannot_be_written_is_said_in_one_line(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def setup(*, dev: bool) -> None:
        raise PermissionError(13, "Permission denied", "/nowhere/.ff")

    monkeypatch.setattr(bootstrap, "setup", setup)
    assert bootstrap.main(["setup"]) == 1
    assert capsys.readouterr().err == "setup: /nowhere/.ff: Permission denied\n"
