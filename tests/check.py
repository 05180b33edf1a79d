"""`make check`: the fast checks, each on one line; what a failing one said follows it.

With names as arguments only those run.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
FOLDERS = ("libs", "services", "deploy", "proto/tests", "bench", "tests")
PYTHON = [sys.executable, "-m"]
CODE = ["conftest.py", *(path for path in FOLDERS if any((ROOT / path).rglob("*.py")))]

CHECKS = {
    "style": [*PYTHON, "ruff", "check", "--quiet", "."],
    "format": [*PYTHON, "ruff", "format", "--quiet", "--check", "."],
    "types": [*PYTHON, "mypy", *CODE],
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
    failed = [name for name in names or CHECKS if not _passes(name)]
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


def _passes(name: str) -> bool:
    begun = time.monotonic()
    done = subprocess.run(
        CHECKS[name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    verdict = "failed" if done.returncode else "ok"
    sys.stdout.write(f"  {verdict:7} {name:9} {time.monotonic() - begun:5.1f} s\n")
    if done.returncode:
        sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
