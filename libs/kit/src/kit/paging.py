"""Page tokens: where the last page ended, opaque and signed.

A token is a bookmark and never a right: every page asks for its rows under the caller's own.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from kit.errors import DomainError, ErrorKind, InvalidInput

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
_SIGNATURE_BYTES = 16


class PageTokenInvalid(DomainError):
    """The token was not made here, or not for this list with this filter."""

    kind, reason = ErrorKind.INVALID, "PAGE_TOKEN_INVALID"


def page_size(requested: int) -> int:
    """What a list gives: 50 unless told, never more than 200. Raises InvalidInput below zero."""
    if requested < 0:
        raise InvalidInput("page_size is negative.", fields={"page_size": "It must not be < 0."})
    return min(requested or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


class PageTokens:
    """Issues and reads page tokens. Holds sort keys of text, numbers, booleans, ids and instants.

    `fingerprint` names the list with its filter and order, the workspace included; a token of
    another one is refused.
    """

    def __init__(self, key: str) -> None:
        self._key = hashlib.blake2b(key.encode()).digest()  # its own length is its limit

    def issue(self, sort_key: tuple[Any, ...], fingerprint: str) -> str:
        """The token for the page that begins behind `sort_key`."""
        body = orjson.dumps([_packed(value) for value in sort_key])
        return base64.urlsafe_b64encode(self._sign(body, fingerprint) + body).rstrip(b"=").decode()

    def read(self, token: str, fingerprint: str) -> tuple[Any, ...]:
        """The sort key it was issued for. Raises PageTokenInvalid."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body, fingerprint)):
            said = "This page token does not belong to this list."
            raise PageTokenInvalid(said, fields={"cursor": said})
        return tuple(_unpacked(value) for value in orjson.loads(body))

    def _sign(self, body: bytes, fingerprint: str) -> bytes:
        # The lengths keep body and fingerprint apart: moving bytes between them changes both.
        message = b"%d:%b%b" % (len(body), body, fingerprint.encode())
        # Keyed BLAKE2 (RFC 7693): OpenSSL's HMAC takes ten times as long to get going.
        return hashlib.blake2b(message, key=self._key, digest_size=_SIGNATURE_BYTES).digest()


def _packed(value: Any) -> Any:
    match value:
        case UUID():
            return {"u": value.hex}
        case datetime():
            return {"t": value.isoformat()}
        case None | str() | bool() | int() | float():
            return value
    raise TypeError(f"{type(value).__name__} cannot be a sort key")


def _unpacked(value: Any) -> Any:
    match value:
        case {"u": text}:
            return UUID(hex=text)
        case {"t": text}:
            return datetime.fromisoformat(text)
    return value
