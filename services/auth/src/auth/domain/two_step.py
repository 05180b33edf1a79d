"""Codes of an application (TOTP, RFC 6238) and codes on paper."""

import hmac
import secrets
from datetime import datetime

import pyotp

STEP = 30  # seconds
DRIFT = 1  # steps that a phone's clock may be wrong
RECOVERY_CODES = 10
ISSUER = "FreelanceFlow"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
_GROUPS, _GROUP = 4, 4  # 79 bits


def new_seed() -> str:
    """160 bits in Base32."""
    return pyotp.random_base32()


def uri_of(seed: str, email: str) -> str:
    """What an application reads from a QR code."""
    return pyotp.TOTP(seed).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(seed: str, code: str, at: datetime, *, after: int) -> int | None:
    """The step that a code is of, if it is a right one: of now or beside, and of none before.

    `after` is the step that let somebody in last: what was seen over a shoulder is of no use.
    """
    now = int(at.timestamp()) // STEP
    totp = pyotp.TOTP(seed)
    right = [
        step
        for step in range(now - DRIFT, now + DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
    ]
    return next((step for step in right if step > after), None)


def new_recovery_codes() -> list[str]:
    """Ten, each for one use."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def normal_code(text: str) -> str:
    """As it was made: people add blanks and capitals."""
    return "".join(text.split()).casefold()[:100]
