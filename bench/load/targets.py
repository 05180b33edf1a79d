"""What is asked: the platform, and floors, each with its scenario."""

import json
from pathlib import Path
from typing import Any

from bench.load.runner import Runner
from bench.platform import EMAIL, PASSWORD, Platform

SCENARIOS = Path(__file__).parents[1] / "scenarios"
OURS = "platform"


def platform_runner(platform: Platform, email: str = EMAIL) -> Runner:
    """Asks the platform in the workspace of this person."""
    return Runner(
        OURS,
        platform.base,
        scenario("platform"),
        variables={"email": email, "password": PASSWORD},
        processes=platform.groups,
    )


def scenario(name: str) -> Any:
    """As its file says."""
    return json.loads((SCENARIOS / f"{name}.json").read_text())
