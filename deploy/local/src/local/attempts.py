"""Commands that may well fail, and what they said then."""

import os
import subprocess
from pathlib import Path


def attempt(command: list[str], *, seconds: float, folder: str | Path | None = None) -> str:
    """Answers what went wrong, in one line; nothing when nothing did. It is asked nothing."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"no end after {seconds:.0f} s"
    if done.returncode == 0:
        return ""
    lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
    # apt begins its errors with a letter, others with the word.
    wrong = (line for line in lines if line.startswith("E:") or "rror" in line)
    return next(wrong, lines[-1]).strip()[:160]
