"""What a provider says of somebody."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Claims:
    """Known by issuer and subject; an address may be another person's tomorrow."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
