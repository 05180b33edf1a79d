"""python -m auth {serve,migrate,check,keys FILE}"""

import sys
from pathlib import Path

from auth.adapters.tokens import make_key_file
from auth.bootstrap import serve
from auth.config import Settings
from kit.runtime import main
from kit.settings import load, refuse
from kit.telemetry import configure


def _migrate(settings: Settings) -> None:
    from kit.migrations import migrate  # ten megabytes that no running service needs

    if settings.database_url_owner is None:
        refuse(["AUTH_DATABASE_URL_OWNER: needed to migrate"])
    migrate("auth", settings.database_url_owner.get_secret_value())


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["keys", file]:
            make_key_file(Path(file))
        case ["check"]:
            load(Settings)
        case ["migrate"]:
            _migrate(load(Settings))
        case ["serve"]:
            settings = load(Settings)
            configure("auth", settings)
            main(serve(settings))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    _main(sys.argv[1:])
