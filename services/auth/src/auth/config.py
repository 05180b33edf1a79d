"""What auth is told from outside."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import LOCAL_PAGE_TOKEN_KEY, DatabaseSettings


class Settings(DatabaseSettings):
    """Environment variables with the prefix AUTH_; the defaults are for local development."""

    model_config = SettingsConfigDict(env_prefix="AUTH_", extra="ignore", frozen=True)

    local_only: ClassVar[frozenset[str]] = frozenset({"page_token_key"})
    forbidden_in_production: ClassVar[dict[str, tuple[Any, str]]] = {
        "email_verification": (False, "production does not let people in without a proven address")
    }

    listen: str = "127.0.0.1:8720"
    internal_listen: str = "127.0.0.1:8730"
    page_token_key: SecretStr = SecretStr(LOCAL_PAGE_TOKEN_KEY)
    signing_key_file: Path
    email_verification: bool = True
