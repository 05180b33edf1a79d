"""A backup on disk: a folder of files, and a manifest that says what they must be.

manifest.json         when, of which PostgreSQL and schema; size and hash of every file
postgres/             what pg_basebackup wrote: the cluster, the WAL it needs, its own manifest
keys/password         of the cluster's superuser
keys/secrets/         passwords of the roles, auth's signing and sealing keys
keys/stamps/          what had been done to the databases
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local.secrets import write_private

FORMAT = 1
MANIFEST = "manifest.json"
CLUSTER = "postgres"
PASSWORD = "keys/password"
SECRETS = "keys/secrets"
STAMPS = "keys/stamps"


class Unusable(Exception):
    """Nothing can be restored from this; the message says what is wrong."""


@dataclass(frozen=True)
class File:
    """What a file of the backup must be."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself; `schema` is the newest migration in each database."""

    made_at: str
    postgresql: str
    schema: Mapping[str, str]
    files: Mapping[str, File]
    format: int = FORMAT


def seal(folder: Path, *, made_at: str, postgresql: str, schema: Mapping[str, str]) -> Manifest:
    """Write the manifest of what lies in a folder."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = {name: _file(folder / name) for name in names}
    manifest = Manifest(made_at=made_at, postgresql=postgresql, schema=schema, files=files)
    write_private(folder / MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


def read(folder: Path) -> Manifest:
    """The manifest. Raises Unusable."""
    if not folder.is_dir():
        raise Unusable(f"there is no folder {folder}")
    try:
        written = json.loads((folder / MANIFEST).read_text())
        if written["format"] != FORMAT:
            raise Unusable(f"{folder} is a backup of another format: {written['format']}")
        files = {name: File(**file) for name, file in written.pop("files").items()}
        return Manifest(files=files, **written)
    except FileNotFoundError:
        raise Unusable(f"{folder} is no backup: it has no {MANIFEST}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unusable(f"{folder / MANIFEST} is damaged") from None


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare every file with the manifest. Raises Unusable."""
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise Unusable(f"{path} is missing")
        if _file(path) != file:
            raise Unusable(f"{path} is damaged: it is not what {MANIFEST} says")


def _file(path: Path) -> File:
    with path.open("rb") as content:
        return File(path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())
