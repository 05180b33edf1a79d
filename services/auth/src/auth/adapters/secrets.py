"""Opaque secrets for links and refresh tokens: random, kept as a hash only."""

import hashlib
import hmac
import os
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def new_secret() -> str:
    """256 bits that fit into a URL."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is kept of it. The entropy is the secret's own, so a quick hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def same(one: str, other: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())


def seal(content: str, secret: str) -> bytes:
    """Readable only with `secret`, which is not kept: a dump of the database is not enough."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key(secret)).encrypt(nonce, content.encode(), None)


def unseal(sealed: bytes, secret: str) -> str:
    """Raises cryptography's InvalidTag for another secret."""
    nonce, box = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(_key(secret)).decrypt(nonce, box, None).decode()


def _key(secret: str) -> bytes:
    # Apart from `digest`, which is kept.
    return hashlib.sha256(b"seal " + secret.encode()).digest()
