"""What the database must not know and we must: sealed with keys that it does not hold."""

from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from auth.adapters import secrets


class Sealed(NamedTuple):
    """A content, and which key opens it."""

    key_id: str
    box: bytes


class Sealing:
    """`keys` are `id:secret`, separated by commas: the first seals, all of them open."""

    def __init__(self, keys: str) -> None:
        self._keys = dict(part.split(":", 1) for part in keys.split(","))
        self._present = next(iter(self._keys))

    def seal(self, content: str) -> Sealed:
        """With the present key."""
        return Sealed(self._present, secrets.seal(content, self._keys[self._present]))

    def open(self, sealed: Sealed) -> str:
        """Raises RuntimeError when the key is gone or another one."""
        try:
            return secrets.unseal(sealed.box, self._keys[sealed.key_id])
        except (KeyError, InvalidTag):
            raise RuntimeError(f"no sealing key {sealed.key_id!r} opens this") from None
