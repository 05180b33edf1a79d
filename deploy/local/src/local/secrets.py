"""Passwords and other private files, made once and readable by us alone."""

import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def secret(path: Path) -> str:
    """The password kept in a file, made at the first call."""
    with suppress(FileNotFoundError):
        return path.read_text()
    write_private(path, secrets.token_hex(24))
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write whole or not at all."""
    private_folder(path.parent)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


def private_folder(folder: Path) -> None:
    """Make a folder that only we may enter."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
