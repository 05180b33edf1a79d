"""python -m crm {serve,migrate,check,worker}"""

import sys

from crm.config import Settings
from kit.runtime import main
from kit.settings import load
from kit.telemetry import configure


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["check"]:
            load(Settings)
        case ["migrate"]:
            from kit.migrations import migrate  # ten megabytes that no running service needs

            migrate("crm", load(Settings).owner_url)
        case ["serve"]:
            from crm.bootstrap.serving import serve

            settings = load(Settings)
            configure("crm", settings)
            main(serve(settings))
        case ["worker"]:
            from crm.bootstrap.working import work

            work(load(Settings))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    _main(sys.argv[1:])
