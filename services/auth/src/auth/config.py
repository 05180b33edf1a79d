"""What auth is told from outside."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from kit.settings import LOCAL_PAGE_TOKEN_KEY, DatabaseSettings

SHORTEST_KEY = 32
LOCAL_SEALING_KEYS = "local:local-sealing-key-nobody-else-may-use"
GOOGLE = "https://accounts.google.com"


class Settings(DatabaseSettings):
    """Environment variables with the prefix AUTH_; the defaults are for local development."""

    model_config = SettingsConfigDict(env_prefix="AUTH_", extra="ignore", frozen=True)

    local_only: ClassVar[frozenset[str]] = frozenset({"page_token_key", "sealing_keys"})
    forbidden_in_production: ClassVar[dict[str, tuple[Any, str]]] = {
        "email_verification": (False, "production does not let people in without a proven address")
    }

    listen: str = "127.0.0.1:8720"
    internal_listen: str = "127.0.0.1:8730"
    page_token_key: SecretStr = SecretStr(LOCAL_PAGE_TOKEN_KEY)
    sealing_keys: SecretStr = SecretStr(LOCAL_SEALING_KEYS)  # id:secret, the present one first
    signing_key_file: Path
    email_verification: bool = True
    closed_days: int = Field(default=14, ge=0)  # before a workspace that was deleted is erased
    google_issuer: str = GOOGLE
    google_client_id: str = ""  # without one, nobody signs in with Google
    google_client_secret: SecretStr = SecretStr("")
    google_program_ids: str = ""  # client ids of programs, separated by commas

    @field_validator("sealing_keys", mode="after")
    @classmethod
    def _have_ids(cls, value: SecretStr) -> SecretStr:
        for part in value.get_secret_value().split(","):
            key_id, _, secret = part.partition(":")
            if not key_id or len(secret) < SHORTEST_KEY:
                said = "id:secret, separated by commas; each secret of {length} characters or more"
                raise PydanticCustomError("keys", said, {"length": SHORTEST_KEY})
        return value

    @field_validator("google_client_secret", mode="after")
    @classmethod
    def _goes_with_its_id(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if bool(info.data.get("google_client_id")) != bool(value.get_secret_value()):
            raise PydanticCustomError("half", "the client id and the client secret go together")
        return value

    @field_validator("google_issuer", mode="after")
    @classmethod
    def _is_google(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("profile") == "production" and value != GOOGLE:
            raise PydanticCustomError("issuer", "production asks Google itself")
        return value
