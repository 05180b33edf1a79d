"""`make test`: checks, tests and journeys side by side, then one page with what came out.

Each waits for others much of its time, so together they keep the cores busy. Every line says whose
it is.
With --long the long forms run too. BROWSER=none leaves out what needs a browser, PROMTOOL=none what
needs promtool, and both say so.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import promtool
from local.binaries import BinaryMissing
from local.browser import NoBrowser, provide
from tests.check import CHECKS
from tests.report import COVERAGE, Phase, write_report

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "reports"
WORKERS = max(2, min(4, os.cpu_count() or 1))
PYTHON = [sys.executable, "-u", "-m"]  # unbuffered: a line is seen when it is written


def main(arguments: list[str]) -> int:
    """Run everything, whatever fails on the way; anything that failed makes the exit code 1."""
    if arguments not in ([], ["--long"]):
        sys.stderr.write("usage: python -m tests.run [--long]\n")
        return 2
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir()
    _browser()
    _promtool()
    length = "" if "--long" in arguments else " and not slow"
    spread = ("-n", str(WORKERS), "--dist", "loadfile")
    # Journeys run our code in processes of its own, where it is not measured.
    measured = ("--cov", "--cov-report=")
    parts = {
        # The rules are tests, and run with them.
        "checks": [*PYTHON, "tests.check", *(name for name in CHECKS if name != "rules")],
        "tests": _pytest("tests", f"not e2e{length}", *spread, *measured),
        "journeys": _pytest("journeys", f"e2e{length}", "tests/e2e"),
    }
    with ThreadPoolExecutor(len(parts)) as side_by_side:
        phases = list(side_by_side.map(_run, parts, parts.values()))
    problems = write_report(REPORTS, phases)
    for phase in phases:
        _say(f"{'ok' if phase.code == 0 else 'FAILED':7} {phase.name:9} {phase.seconds:6.0f} s")
    for problem in problems:
        _say(f"FAILED  {problem}")
    _say(f"report: {REPORTS / 'index.html'}")
    return 1 if problems or any(phase.code for phase in phases) else 0


def _browser() -> None:
    """Have a browser before anything runs: without one the run would be for nothing."""
    if os.environ.get("BROWSER") == "none":
        _say("BROWSER=none: what needs a browser is left out")
        return
    try:
        os.environ["FF_CHROMIUM"] = str(provide(_say))
    except NoBrowser as problem:
        sys.exit(str(problem))


def _promtool() -> None:
    """The same for the tests of alerts."""
    if os.environ.get("PROMTOOL") == "none":
        _say("PROMTOOL=none: whether alerts fire is left out")
        return
    try:
        os.environ[promtool.PROMTOOL.setting] = str(promtool.provide(_say))
    except (BinaryMissing, promtool.NoPrometheus) as problem:
        sys.exit(f"{problem}; or run with PROMTOOL=none, without the tests of alerts")


def _pytest(name: str, marks: str, *arguments: str) -> list[str]:
    junit = f"--junitxml={REPORTS / name}.xml"
    return [*PYTHON, "pytest", "-q", "-m", marks, junit, *arguments]


def _run(name: str, command: Sequence[str]) -> Phase:
    """One part; what it says goes on, line by line, with its name in front."""
    told = {
        "COVERAGE_FILE": str(REPORTS / f"{COVERAGE}{name}"),
        # Where this is set, each of many processes would compile all that it imports anew.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    begun = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            _say(f"{name:8} | {line.rstrip()}")
    return Phase(name, process.returncode, time.monotonic() - begun)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
