"""Access tokens: signed here, verified by every service itself."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from auth.domain.grant import Grant
from auth.domain.session import ACCESS_TOKEN_LIFE
from kit.ids import new_id
from kit.rpc.identity import KeyScope
from kit.rpc.tokens import ALGORITHM, ALGORITHMS, AUDIENCE, ISSUER, TYPE


class TokenSigner:
    """Signs with the first key of the set; the others are on their way in or out."""

    def __init__(self, keys: KeySet) -> None:
        if not keys.keys:
            raise ValueError("the key file holds no key")
        self._keys = keys

    @classmethod
    def from_file(cls, path: Path) -> "TokenSigner":
        """Raises OSError or ValueError when the file holds no key set."""
        return cls(KeySet.import_key_set(json.loads(path.read_text(encoding="utf-8"))))

    def sign(
        self,
        grant: Grant,
        *,
        session_id: UUID,
        now: datetime,
        until: datetime | None = None,
        key: KeyScope | None = None,
    ) -> str:
        """An at+jwt of ten minutes, or less, that carries who, where and what is allowed.

        With `key` it stands for an API key that reaches so far.
        """
        signing = self._keys.keys[0]
        issued = int(now.timestamp())
        allowed = grant.permissions
        if key is KeyScope.READ:
            allowed = frozenset(name for name in allowed if name.endswith(".read"))
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(grant.user_id),
            "ws": str(grant.workspace_id or ""),  # empty for none, which no older service takes
            "sid": str(session_id),
            "role": grant.role,
            "sees": grant.sight.claim,
            "scope": " ".join(sorted(allowed)),
            "iat": issued,
            "exp": int((until or now + ACCESS_TOKEN_LIFE).timestamp()),
            "jti": str(new_id()),
        }
        if key is not None:
            claims["key"] = key.value
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": signing.kid}
        return jwt.encode(header, claims, signing, registry=ALGORITHMS)

    def public_keys(self) -> Mapping[str, Any]:
        """The JWK set that verifiers fetch."""
        return self._keys.as_dict(private=False)


def make_key_file(path: Path) -> None:
    """A new Ed25519 key as a JWK set, readable by its owner only."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(json.dumps({"keys": [key.as_dict(private=True)]}), encoding="utf-8")
