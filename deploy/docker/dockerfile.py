"""The Dockerfile and .dockerignore, read: for the policy test and for the rehearsal."""

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    """One line of a stage: `COPY`, with its flags and the rest."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The JSON form if it is one, else the words without flags."""
        if self.rest.startswith("["):
            words: list[str] = json.loads(self.rest)
            return words
        return [word for word in self.rest.split() if not word.startswith("--")]

    def flag(self, name: str) -> str | None:
        """The value of `--name=value`."""
        found = re.search(rf"--{name}=(\S+)", self.rest)
        return found.group(1) if found else None


@dataclass(frozen=True)
class Stage:
    """FROM base AS name, and what follows."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        """The instructions of one name, in order."""
        return [instruction for instruction in self.instructions if instruction.name == name]


@dataclass(frozen=True)
class Dockerfile:
    """The arguments before the first stage, and the stages by name."""

    arguments: dict[str, str]
    stages: dict[str, Stage]

    def chain(self, target: str) -> list[Stage]:
        """The stages a target is built on, the base first, itself last."""
        stage = self.stages[target]
        below = self.chain(stage.base) if stage.base in self.stages else []
        return [*below, stage]


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile; a construct that is not understood here is an error."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    lines = re.sub(r"\\\n", " ", text).splitlines()
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition(" ")
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            if not alias:
                raise ValueError(f"a stage without a name: {line}")
            stage = stages[alias] = Stage(alias, base)
        elif stage is None and name == "ARG":
            key, _, value = rest.partition("=")
            arguments[key] = value
        elif stage is not None:
            stage.instructions.append(Instruction(name, rest.strip()))
        else:
            raise ValueError(f"not expected before the first stage: {line}")
    return Dockerfile(arguments, stages)


def ignored(path: PurePosixPath, patterns: list[str]) -> bool:
    """Does .dockerignore keep a path from the engine? The last pattern that fits decides."""
    verdict = False
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        if any(_fits(part, plain) for part in (path, *path.parents)):
            verdict = not pattern.startswith("!")
    return verdict


def ignore_patterns(text: str) -> list[str]:
    """The patterns of a .dockerignore."""
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def _fits(path: PurePosixPath, pattern: str) -> bool:
    """`*` stays within one part of a path, `**/` is any number of parts."""
    if pattern.startswith("**/"):
        return fnmatchcase(path.name, pattern[3:])
    parts = pattern.split("/")
    return len(parts) == len(path.parts) and all(map(fnmatchcase, path.parts, parts))
