"""What notify is told from outside."""

from typing import ClassVar

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
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
    smtp_tls: bool = False  # from the first byte, as on port 465
    smtp_starttls: bool = False  # as on port 587

    @field_validator("smtp_starttls", mode="after")
    @classmethod
    def _is_not_both(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("smtp_tls"):
            raise PydanticCustomError("both", "what begins with TLS has none to start")
        return value
