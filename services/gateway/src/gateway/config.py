"""What the gateway is told from outside."""

from typing import Any, ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings

MEBIBYTE = 1024 * 1024


class Settings(ServiceSettings):
    """Environment variables with the prefix GATEWAY_; the defaults are for local development."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", extra="ignore", frozen=True)

    local_only: ClassVar[frozenset[str]] = frozenset({"public_url"})
    forbidden_in_production: ClassVar[dict[str, tuple[Any, str]]] = {
        "rate_limit": (False, "production keeps its limits")
    }

    listen: str = "127.0.0.1:8700"
    internal_listen: str = "127.0.0.1:8734"
    public_url: str = "http://localhost:8700"
    auth_address: str = "127.0.0.1:8720"
    crm_address: str = "127.0.0.1:8721"
    analytics_address: str = "127.0.0.1:8722"
    notify_address: str = "127.0.0.1:8723"
    nats_url: SecretStr = SecretStr("nats://127.0.0.1:8711")
    valkey_url: SecretStr = SecretStr("redis://127.0.0.1:8713/2")
    google_sign_in: bool = False  # offered on the pages; auth is told with which client
    trusted_proxies: str = ""  # addresses, separated by commas, whose X-Forwarded-For is believed
    api_docs: bool = True
    rate_limit: bool = True
    requests_per_minute: int = Field(default=1200, ge=1)  # of one person
    sign_ins_per_minute: int = Field(default=30, ge=1)  # from one address
    body_limit: int = Field(default=MEBIBYTE, ge=1024)
    import_limit: int = Field(default=50 * MEBIBYTE, ge=1024)

    @property
    def secure(self) -> bool:
        """Whether the public address is HTTPS, so that cookies get their strictest form."""
        return self.public_url.startswith("https://")
