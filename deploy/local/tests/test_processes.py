"""How a process is started."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local.processes import BACKGROUND, Command, spawn

# Its own niceness, that of its session where there is such a thing; then what it starts in a group.
TELL = """
import os, subprocess, sys
from pathlib import Path
session = Path("/proc/self/autogroup")
print(os.nice(0), session.read_text().split()[-1] if session.exists() else os.nice(0), flush=True)
if len(sys.argv) > 1:
    subprocess.run([sys.executable, "-c", sys.argv[1]], process_group=0, check=True)
"""


@pytest.mark.parametrize("background", [False, True])
def test_background_gives_way_with_all_it_starts(tmp_path: Path, background: bool) -> None:
    command = Command(argv=[sys.executable, "-c", TELL, TELL], cwd=tmp_path)
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = spawn(replace(command, background=background), output)
        assert process.wait() == 0
    own = int(subprocess.run(["nice"], capture_output=True, check=True, text=True).stdout)
    of_process, of_session = (BACKGROUND + own, BACKGROUND) if background else (own, 0)
    assert said.read_text() == f"{of_process} {of_session}\n" * 2
