"""What notify is told from outside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.settings import LOCAL_PAGE_TOKEN_KEY, DatabaseSettings, SecretStr


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """Environment variables with the prefix NOTIFY_; the defaults are for local development."""

    prefix: ClassVar[str] = "NOTIFY_"

    local_only: ClassVar[frozenset[str]] = frozenset({"page_token_key", "mail_from", "public_url"})

    listen: str = "127.0.0.1:8723"
    internal_listen: str = "127.0.0.1:8733"
    auth_address: str = "127.0.0.1:8720"
    page_token_key: SecretStr = SecretStr(LOCAL_PAGE_TOKEN_KEY)
    public_url: str = "http://localhost:8700"
    mail_from: str = "FreelanceFlow <notify@freelanceflow.example>"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 8702
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: bool = False  # from the first byte, as on port 465
    smtp_starttls: bool = False  # as on port 587

    @classmethod
    def problems_of(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What no other service asks for."""
        yield from super().problems_of(values)
        if values.get("smtp_tls") and values.get("smtp_starttls"):
            yield "smtp_starttls", "what begins with TLS has none to start"
