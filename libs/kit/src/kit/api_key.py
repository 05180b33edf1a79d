"""How an API key looks: known by its beginning, and checked without asking anybody."""

import hashlib
import re
import secrets
import zlib

PREFIX = "ffk_"
_SECRET_BYTES = 32
_FORM = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * _SECRET_BYTES}}}[0-9a-f]{{8}}")


def new_api_key() -> str:
    """256 bits between a beginning that scanners find and a sum that finds typing errors."""
    body = PREFIX + secrets.token_hex(_SECRET_BYTES)
    return body + _checksum(body)


def is_api_key(text: str) -> bool:
    """Whether it may be one: another single character anywhere, and it is none."""
    return _FORM.fullmatch(text) is not None and _checksum(text[:-8]) == text[-8:]


def digest_of(key: str) -> bytes:
    """What is kept of it. The entropy is the key's own, so a quick hash is enough."""
    return hashlib.sha256(key.encode()).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
