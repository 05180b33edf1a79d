"""`make check`: the fast checks, each on one line; what a failing one said follows it.

Two run at a time, the longest first. With names as arguments only those run.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
FOLDERS = ("libs", "services", "deploy", "proto/tests", "bench", "tests")
PYTHON = [sys.executable, "-m"]
CODE = ["conftest.py", *(path for path in FOLDERS if any((ROOT / path).rglob("*.py")))]

CHECKS = {
    "types": [*PYTHON, "mypy", *CODE],
    "style": [*PYTHON, "ruff", "check", "--quiet", "."],
    "format": [*PYTHON, "ruff", "format", "--quiet", "--check", "."],
    "imports": [str(BIN / "lint-imports"), "--no-logo"],
    "rules": [*PYTHON, "pytest", "-q", "-m", "not isolation", "tests/architecture"],
    "proto": [str(BIN / "buf"), "lint", "proto"],
    "breaking": [str(BIN / "buf"), "breaking", "proto", "--against", "proto/baseline.binpb"],
    "stubs": ["sh", "proto/generate.sh", "--check"],
    "assets": ["sh", "services/gateway/frontend/build.sh", "--check"],
}


def main(names: list[str]) -> int:
    """Run the named checks, all without names; a failure does not hide the next."""
    unknown = set(names) - set(CHECKS)
    if unknown:
        sys.stderr.write(f"no check named {', '.join(sorted(unknown))}: {', '.join(CHECKS)}\n")
        return 2
    chosen = list(names or CHECKS)
    with ThreadPoolExecutor(2) as pool:
        passed = pool.map(_passes, chosen)
    failed = [name for name, is_passed in zip(chosen, passed, strict=True) if not is_passed]
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


def _passes(name: str) -> bool:
    begun = time.monotonic()
    done = subprocess.run(
        CHECKS[name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    verdict = "failed" if done.returncode else "ok"
    said = done.stdout if done.returncode else ""
    sys.stdout.write(f"  {verdict:7} {name:9} {time.monotonic() - begun:5.1f} s\n{said}")
    sys.stdout.flush()
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
