"""What notify is told from outside."""

from typing import ClassVar

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import LOCAL_PAGE_TOKEN_KEY, DatabaseSettings


class Settings(DatabaseSettings):
    """Environment variables with the prefix NOTIFY_; the defaults are for local development."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_", extra="ignore", frozen=True)

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
    smtp_starttls: bool = False
