"""The process with the science, as its worker sees it: gone when it ended, and replaced."""

import os
import sys
from functools import partial

from analytics.adapters.science_process import ScienceProcess
from kit.testing.background import until

ONE_ANSWER = """
import json, os, sys
json.loads(sys.stdin.readline())
print(json.dumps({"result": {"pid": os.getpid()}}), flush=True)
"""


async def is_gone(pid: int) -> bool:
    """A zombie still takes signals."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_one_that_ended_is_no_zombie_and_is_replaced() -> None:
    science = ScienceProcess([sys.executable, "-c", ONE_ANSWER], environment=dict(os.environ))
    pids = []
    for _ in range(2):
        pid = (await science.ask({}, deadline=30))["pid"]
        await until(partial(is_gone, pid))
        pids.append(pid)
    assert pids[0] != pids[1]
    science.kill()


async def test_one_that_was_killed_is_gone() -> None:
    waits = (
        "import sys; sys.stdin.readline(); print('{\"result\": {}}', flush=True); sys.stdin.read()"
    )
    science = ScienceProcess([sys.executable, "-c", waits], environment=dict(os.environ))
    await science.ask({}, deadline=30)
    process = science._process
    assert process is not None
    science.kill()
    assert await is_gone(process.pid)
