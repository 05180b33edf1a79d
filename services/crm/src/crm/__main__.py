"""python -m crm {serve,migrate,check,worker}"""

import sys

from crm.bootstrap import serve, work
from crm.config import Settings
from kit.runtime import main
from kit.settings import load, refuse
from kit.telemetry import configure


def _migrate(settings: Settings) -> None:
    from kit.migrations import migrate  # ten megabytes that no running service needs

    if settings.database_url_owner is None:
        refuse(["CRM_DATABASE_URL_OWNER: needed to migrate"])
    migrate("crm", settings.database_url_owner.get_secret_value())


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["check"]:
            load(Settings)
        case ["migrate"]:
            _migrate(load(Settings))
        case ["serve"]:
            settings = load(Settings)
            configure("crm", settings)
            main(serve(settings))
        case ["worker"]:
            work(load(Settings))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    _main(sys.argv[1:])
