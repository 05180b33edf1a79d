"""python -m auth {serve,migrate,check,keys FILE}"""

import sys
from pathlib import Path

from auth.adapters.tokens import make_key_file
from auth.bootstrap import serve
from auth.config import Settings
from kit.runtime import main
from kit.settings import load
from kit.telemetry import configure


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["keys", file]:
            make_key_file(Path(file))
        case ["check"]:
            load(Settings)
        case ["migrate"]:
            from kit.migrations import migrate  # ten megabytes that no running service needs

            migrate("auth", load(Settings).owner_url)
        case ["serve"]:
            settings = load(Settings)
            configure("auth", settings)
            main(serve(settings))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    _main(sys.argv[1:])
