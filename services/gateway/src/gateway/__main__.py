"""python -m gateway {serve,check}"""

import sys

from gateway.bootstrap import serve
from gateway.config import Settings
from kit.runtime import main
from kit.settings import load
from kit.telemetry import configure


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["check"]:
            load(Settings)
        case ["serve"]:
            settings = load(Settings)
            configure("gateway", settings)
            main(serve(settings))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    _main(sys.argv[1:])
