"""Which browser the tests are given."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local import browser

SHOWS, BREAKS = "echo '<html></html>'", "exit 127"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts programs on a PATH that has nothing else."""
    monkeypatch.delenv("FF_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(browser, "_MAC", tmp_path / "none")

    def installed(name: str, does: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
        return path

    return installed


def test_a_shell_without_windows_comes_first(install: Callable[[str, str], Path]) -> None:
    install("chromium", SHOWS)
    shell = install("chromium-headless-shell", SHOWS)
    assert browser.find() == shell


def test_one_that_does_not_start_is_passed_over(install: Callable[[str, str], Path]) -> None:
    install("chromium-headless-shell", BREAKS)
    whole = install("chromium", SHOWS)
    assert browser.find() == whole


def test_without_any_there_is_none(install: Callable[[str, str], Path]) -> None:
    install("chromium", BREAKS)
    assert browser.find() is None


def test_an_older_system_gets_the_whole_browser(
    install: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    install("apt-get", f'echo "$@" >> \'{asked}\'; case "$*" in *-shell) exit 100;; esac')
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert browser._apt_get() == ""
    wanted = [line.split()[-1] for line in asked.read_text().splitlines()[1:]]
    assert wanted == ["chromium-headless-shell", "chromium"]
