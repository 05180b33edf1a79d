"""What crm is told from outside."""

from typing import ClassVar

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import LOCAL_PAGE_TOKEN_KEY, DatabaseSettings


class Settings(DatabaseSettings):
    """Environment variables with the prefix CRM_; the defaults are for local development."""

    model_config = SettingsConfigDict(env_prefix="CRM_", extra="ignore", frozen=True)

    local_only: ClassVar[frozenset[str]] = frozenset({"page_token_key"})

    listen: str = "127.0.0.1:8721"
    internal_listen: str = "127.0.0.1:8731"
    auth_address: str = "127.0.0.1:8720"
    broker_url: SecretStr = SecretStr("redis://127.0.0.1:8713/0")
    max_import_bytes: int = 50_000_000
    page_token_key: SecretStr = SecretStr(LOCAL_PAGE_TOKEN_KEY)
