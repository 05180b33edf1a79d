"""python -m notify {serve,migrate,check}"""

import sys

from kit.runtime import main
from kit.settings import load, refuse
from kit.telemetry import configure
from notify.bootstrap import serve
from notify.config import Settings


def _migrate(settings: Settings) -> None:
    from kit.migrations import migrate  # ten megabytes that no running service needs

    if settings.database_url_owner is None:
        refuse(["NOTIFY_DATABASE_URL_OWNER: needed to migrate"])
    migrate("notify", settings.database_url_owner.get_secret_value())


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["check"]:
            load(Settings)
        case ["migrate"]:
            _migrate(load(Settings))
        case ["serve"]:
            settings = load(Settings)
            configure("notify", settings)
            main(serve(settings))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    _main(sys.argv[1:])
