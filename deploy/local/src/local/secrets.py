"""Passwords and other private files, made once and readable by us alone."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def secret(path: Path, size: int = 24) -> str:
    """The password kept in a file, made at the first call; whoever asks at once gets the same."""
    if not path.exists():
        private_folder(path.parent)
        fresh = _temporary(path, secrets.token_hex(size))
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write whole or not at all."""
    private_folder(path.parent)
    _temporary(path, text).replace(path)


def private_folder(folder: Path) -> None:
    """Make a folder that only we may enter."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _temporary(path: Path, text: str) -> Path:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    return Path(file.name)
