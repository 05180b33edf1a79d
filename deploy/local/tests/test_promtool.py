"""Where promtool is taken from: a setting, our own tools, the machine, Debian's package."""

from pathlib import Path

import pytest

from local import binaries, promtool
from local.binaries import BinaryMissing

SAYS_ITS_VERSION = "#!/bin/sh\necho 'promtool, version 2.42.0'\n"
# Makes a package of what is to be in it, and unpacks such a one.
DOWNLOADS = '#!/bin/sh\n[ "$1" = download ] && touch prometheus_1.deb\n'
UPDATED_FIRST = """#!/bin/sh
case $1 in
    update) touch {list} ;;
    download) [ -e {list} ] && touch prometheus_1.deb ;;
    *) exit 100 ;;
esac
"""
UNPACKS = """#!/bin/sh
mkdir -p "$3/usr/bin"
printf '#!/bin/sh\\necho promtool, version 2.53.0\\n' > "$3/usr/bin/promtool"
chmod 755 "$3/usr/bin/promtool"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH but for the usual small tools; without any promtool."""
    path, tools = tmp_path / "bin", tmp_path / "tools"
    path.mkdir()
    for name in ("mkdir", "touch", "chmod", "sh"):
        (path / name).symlink_to(Path("/bin") / name)
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.delenv("FF_PROMTOOL_BIN", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    for module in (binaries, promtool):
        monkeypatch.setattr(module, "TOOLS", tools)
    monkeypatch.setattr(promtool, "UNPACKED", tools / promtool.PACKAGE)
    return path


def install(path: Path, script: str) -> Path:
    path.write_text(script)
    path.chmod(0o755)
    return path


def test_one_that_is_there_is_taken(machine: Path) -> None:
    there = install(machine / "promtool", SAYS_ITS_VERSION)
    assert promtool.provide(lambda _: None) == there


def test_debians_package_is_unpacked_once_and_without_root(machine: Path) -> None:
    install(machine / "apt-get", DOWNLOADS)
    install(machine / "dpkg", UNPACKS)
    said: list[str] = []
    fetched = promtool.provide(said.append)
    assert fetched == promtool.UNPACKED / "usr/bin/promtool"
    assert said == ["no promtool here, trying apt-get download …"]
    assert promtool.provide(said.append) == fetched
    assert len(said) == 1


def test_where_there_is_none_one_line_says_what_to_do(machine: Path) -> None:
    with pytest.raises(promtool.NoPrometheus, match=r"not a Debian system.*set FF_PROMTOOL_BIN"):
        promtool.provide(lambda _: None)


def test_a_setting_that_leads_nowhere_is_not_passed_over(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(machine / "promtool", SAYS_ITS_VERSION)
    monkeypatch.setenv("FF_PROMTOOL_BIN", "/nowhere")
    with pytest.raises(BinaryMissing, match="FF_PROMTOOL_BIN=/nowhere"):
        promtool.provide(lambda _: None)


def test_root_has_the_list_of_packages_made_anew(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh machine has none. Nothing is installed: Debian's package would start a server."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    install(machine / "apt-get", UPDATED_FIRST.format(list=machine / "list"))
    install(machine / "dpkg", UNPACKS)
    said: list[str] = []
    assert promtool.provide(said.append) == promtool.UNPACKED / "usr/bin/promtool"
    assert said[-1] == "no promtool here, trying apt-get update …"
