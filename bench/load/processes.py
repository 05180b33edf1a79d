"""CPU time and memory of process trees, as the kernel counts them."""

import os
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def tree(root: int, children: dict[int, list[int]] | None = None) -> list[int]:
    """A process and all below it."""
    children = children if children is not None else _children()
    found, left = [], [root]
    while left:
        pid = left.pop()
        found.append(pid)
        left += children.get(pid, [])
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the trees, children that have ended included."""
    children, ticks = _children(), 0
    for pid in (pid for root in roots for pid in tree(root, children)):
        fields = _stat(pid)
        ticks += sum(map(int, fields[11:15])) if fields else 0
    return ticks / TICK


def pss_mb(roots: Iterable[int]) -> float:
    """Memory of the trees; what processes share is divided among them.

    Between `vfork` and `exec` a child runs in its parent's memory, which is listed twice then with
    the same numbers.
    """
    children, seen = _children(), set()
    for pid in (pid for root in roots for pid in tree(root, children)):
        try:
            seen.add((PROC / str(pid) / "smaps_rollup").read_text())
        except OSError:
            continue  # it has just ended
    lines = (line for rollup in seen for line in rollup.splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def busy_seconds() -> float:
    """CPU time that all processes of the machine have taken."""
    values = [int(value) for value in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(values) - values[3] - values[4]) / TICK


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for name in os.listdir(PROC):
        if name.isdigit() and (fields := _stat(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    return children


def _stat(pid: int) -> list[str]:
    """The fields behind the program's name, which may hold blanks; none if it has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
