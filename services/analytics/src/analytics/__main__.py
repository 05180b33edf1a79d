"""`python -m analytics COMMAND`: find the command, import only what it needs, run it."""

import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "evaluate": ("analytics.evaluate.cli", "Back-test the science on a file of your own."),
    "accuracy": ("analytics.evaluate.accuracy", "Back-test on the shared sets, write the report."),
    "learn-scales": ("analytics.evaluate.learn_scales", "Learn the forecast's interval scales."),
}
"""Command -> (module with `main(arguments) -> exit code`, what it is for)."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; 2 for a command that does not exist."""
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0 if arguments else 2
    command, *rest = arguments
    if command not in COMMANDS:
        sys.stderr.write(f"analytics: there is no command {command!r}\n\n{_usage()}")
        return 2
    module = importlib.import_module(COMMANDS[command][0])
    return int(module.main(rest))


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {purpose}" for name, (_, purpose) in COMMANDS.items()]
    return "usage: python -m analytics COMMAND\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
