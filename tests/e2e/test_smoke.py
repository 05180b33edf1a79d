"""The check that follows every deployment passes on the platform as it is."""

import asyncio
import subprocess
import sys

from tests.e2e.support.platform import ROOT, Platform


async def test_the_running_platform_passes(platform: Platform) -> None:
    command = [sys.executable, str(ROOT / "deploy/bin/smoke"), platform.gateway]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
