"""Carry out the Dockerfile's steps for one target without an engine.

    python -m deploy.docker.rehearse crm FOLDER

Copies what .dockerignore lets through, runs the same commands with every path moved below
FOLDER, and ends with `python -m crm check` in what would be the image's environment; settings come
from our own environment. It shows that the locks, the wheels and the imports are whole; it does
not show the base image or the user.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from deploy.docker.dockerfile import ROOT, Instruction, ignore_patterns, ignored, parse


def main(arguments: list[str]) -> int:
    """Rehearse one target; the exit code is that of its check."""
    target, folder = arguments[0], Path(arguments[1]).absolute()
    return rehearse(target, folder, os.environ)


def rehearse(target: str, folder: Path, settings: Mapping[str, str]) -> int:
    """Build below `folder`, then start the service's own check with these settings."""
    dockerfile = parse((ROOT / "Dockerfile").read_text())
    environment = _environment(folder)
    here = folder
    for stage in dockerfile.chain(f"build-{target}"):
        for instruction in stage.instructions:
            if instruction.name == "COPY":
                _copy(instruction, folder)
            elif instruction.name == "WORKDIR":
                here = _moved(instruction.rest, folder)
            elif instruction.name == "RUN":
                command = [
                    str(_moved(word, folder)) if word[0] == "/" else word
                    for word in instruction.words
                ]
                subprocess.run(command, cwd=here, env=environment, check=True)
    return subprocess.run(
        [folder / "app/bin/python", "-I", "-m", target, "check"], env=settings, check=False
    ).returncode


def _environment(folder: Path) -> dict[str, str]:
    """The tools land in an environment of their own, first in PATH as in the image."""
    subprocess.run([sys.executable, "-m", "venv", folder / "tools"], check=True)
    path = f"{folder / 'tools/bin'}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}


def _copy(instruction: Instruction, folder: Path) -> None:
    """COPY from the context: what .dockerignore lets through, nothing else."""
    patterns = ignore_patterns((ROOT / ".dockerignore").read_text())
    *sources, target = instruction.words
    for source in sources:
        for file in _files(ROOT / source):
            name = file.relative_to(ROOT)
            if ignored(PurePosixPath(name), patterns):
                continue
            inside = (
                file.relative_to(ROOT / source) if (ROOT / source).is_dir() else Path(file.name)
            )
            goal = _moved(target, folder) / inside
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, goal)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file()]


def _moved(path: str, folder: Path) -> Path:
    return folder / path.removeprefix("/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
