"""`python -m analytics COMMAND`: find the command, import only what it needs, run it."""

import asyncio
import importlib
import sys
from collections.abc import Sequence
from uuid import UUID

SERVICE = {
    "serve": "Answer calls and keep facts of what happens, until told to stop.",
    "migrate": "Bring the database to the newest schema.",
    "worker": "Work on jobs, until told to stop.",
    "science": "Compute what a worker asks for; started by it.",
    "check": "Check the settings.",
}
"""Commands of the running service; all but `science` load none of it."""

REBUILD = "rebuild"

COMMANDS = {
    "evaluate": ("analytics.evaluate.cli", "Back-test the science on a file of your own."),
    "accuracy": ("analytics.evaluate.accuracy", "Back-test on the shared sets, write the report."),
    "studio": ("analytics.evaluate.studio_files", "Write a simulated studio's years as files."),
    "learn-scales": ("analytics.evaluate.learn_scales", "Learn the forecast's interval scales."),
}
"""Command -> (module with `main(arguments) -> exit code`, what it is for)."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; 2 for a command that does not exist."""
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0 if arguments else 2
    command, *rest = arguments
    if command in SERVICE and not rest:
        _service(command)
        return 0
    if command == REBUILD and rest:
        return _rebuild(rest)
    if command not in COMMANDS:
        sys.stderr.write(f"analytics: there is no command {command!r}\n\n{_usage()}")
        return 2
    module = importlib.import_module(COMMANDS[command][0])
    return int(module.main(rest))


def _service(command: str) -> None:
    from analytics.config import Settings
    from kit import runtime
    from kit.settings import load
    from kit.telemetry import configure

    settings = load(Settings)
    if command == "migrate":
        from kit.migrations import migrate  # ten megabytes that no running service needs

        migrate("analytics", settings.owner_url)
    if command == "serve":
        from analytics.bootstrap.serving import serve

        configure("analytics", settings)
        runtime.main(serve(settings))
    if command == "worker":
        from analytics.bootstrap.working import work

        work(settings)
    if command == "science":
        from analytics.bootstrap.computing import compute

        configure("analytics", settings)
        runtime.main(compute(settings))


def _rebuild(arguments: Sequence[str]) -> int:
    """The number of workspaces that could not be built, as far as an exit code can tell."""
    from analytics.bootstrap.rebuilding import rebuild
    from analytics.config import Settings
    from kit.settings import load
    from kit.telemetry import configure

    try:
        chosen = [] if arguments == ["--all"] else [UUID(text) for text in arguments]
    except ValueError:
        sys.stderr.write("analytics: name workspaces by their ids, or say --all\n")
        return 2
    settings = load(Settings)
    configure("analytics", settings)
    return min(asyncio.run(rebuild(settings, chosen)), 1)


def _usage() -> str:
    anew = {REBUILD: "Build facts anew from what crm told; ids of workspaces, or --all."}
    purposes = SERVICE | anew | {name: purpose for name, (_, purpose) in COMMANDS.items()}
    width = max(map(len, purposes))
    lines = [f"  {name:<{width}}  {purpose}" for name, purpose in purposes.items()]
    return "usage: python -m analytics COMMAND\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
