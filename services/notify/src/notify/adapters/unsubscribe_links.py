"""Links that end mails of a kind for one person, without signing in.

They are signed and not kept, so that they work for as long as somebody keeps the mail.
"""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple
from uuid import UUID

from notify.domain.errors import UnsubscribeLinkInvalid
from notify.domain.preferences import MAILS

_SIGNATURE_BYTES = 16


class Subscription(NamedTuple):
    """Mails of one kind to one member."""

    workspace_id: UUID
    user_id: UUID
    kind: str


class UnsubscribeLinks:
    """Makes and reads them; they begin at `public_url`."""

    def __init__(self, public_url: str, key: str) -> None:
        self._begin = f"{public_url.rstrip('/')}/unsubscribe?token="
        self._key = hmac.digest(key.encode(), b"links to unsubscribe", hashlib.sha256)

    def link(self, subscription: Subscription) -> str:
        """The address that its mail carries."""
        workspace_id, user_id, kind = subscription
        body = workspace_id.bytes + user_id.bytes + kind.encode()
        token = base64.urlsafe_b64encode(self._sign(body) + body).rstrip(b"=").decode()
        return self._begin + token

    def read(self, token: str) -> Subscription:
        """Raises UnsubscribeLinkInvalid."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        kind = body[32:].decode(errors="replace")
        if not hmac.compare_digest(signature, self._sign(body)) or kind not in MAILS:
            raise UnsubscribeLinkInvalid("This link does not work.")
        return Subscription(UUID(bytes=body[:16]), UUID(bytes=body[16:32]), kind)

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_SIGNATURE_BYTES]
