"""python -m notify {serve,migrate,check}"""

import sys

from kit.runtime import main
from kit.settings import load
from kit.telemetry import configure
from notify.bootstrap import serve
from notify.config import Settings


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["check"]:
            load(Settings)
        case ["migrate"]:
            from kit.migrations import migrate  # ten megabytes that no running service needs

            migrate("notify", load(Settings).owner_url)
        case ["serve"]:
            settings = load(Settings)
            configure("notify", settings)
            main(serve(settings))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    _main(sys.argv[1:])
