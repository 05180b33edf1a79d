"""How a process is started."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local.processes import BACKGROUND, Command, spawn

MOST = 19  # no process gives way further
SESSION = Path("/proc/self/autogroup")  # how far its session does, where there is such a thing
# Both of itself, then of what it starts in a group. Not by its output: where a library that minds
# forks is loaded, as gRPC is beside these tests, it may speak up in there as well.
TELL = f"""
import os, subprocess, sys
from pathlib import Path
session = Path("{SESSION}")
with open(sys.argv[1], "a") as said:
    print(os.nice(0), session.read_text().split()[-1] if session.exists() else "-", file=said)
if len(sys.argv) > 2:
    started = [sys.executable, "-c", sys.argv[2], sys.argv[1]]
    subprocess.run(started, process_group=0, check=True)
"""


@pytest.mark.parametrize("background", [False, True])
def test_background_gives_way_with_all_it_starts(tmp_path: Path, background: bool) -> None:
    said = tmp_path / "said"
    command = Command(argv=[sys.executable, "-c", TELL, str(said), TELL], cwd=tmp_path)
    with (tmp_path / "log").open("wb") as log:
        process = spawn(replace(command, background=background), log)
        assert process.wait() == 0
    own = int(subprocess.run(["nice"], capture_output=True, check=True, text=True).stdout)
    more = BACKGROUND if background else 0
    expected = f"{min(own + more, MOST)} {more if SESSION.exists() else '-'}\n"
    assert said.read_text() == expected * 2
