"""python -m auth {serve,migrate,check,keys FILE,delete-accounts}

`delete-accounts` reads the ids of people, one a line, and deletes their accounts for good.
"""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from auth.adapters.tokens import make_key_file
from auth.bootstrap import delete_accounts, serve
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
        case ["delete-accounts"]:
            settings = load(Settings)
            configure("auth", settings)
            sys.exit(not asyncio.run(delete_accounts(settings, ids_of(sys.stdin.read()))))
        case ["serve"]:
            settings = load(Settings)
            configure("auth", settings)
            main(serve(settings))
        case _:
            sys.exit(__doc__)


def ids_of(lines: str) -> list[UUID]:
    """One a line; with one that is none, nothing is begun."""
    ids = []
    for line in lines.split():
        try:
            ids.append(UUID(line))
        except ValueError:
            sys.exit(f"{line}: this is no id of a person; nothing was deleted")
    return ids


if __name__ == "__main__":
    _main(sys.argv[1:])
