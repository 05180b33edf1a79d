"""What analytics is told from outside."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Environment variables with the prefix ANALYTICS_; the defaults are for local development."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_", extra="ignore", frozen=True)

    listen: str = "127.0.0.1:8722"
    internal_listen: str = "127.0.0.1:8732"
    auth_address: str = "127.0.0.1:8720"
    crm_address: str = "127.0.0.1:8721"
    broker_url: SecretStr = SecretStr("redis://127.0.0.1:8713/0")
    # Seconds without work after which the process with the science ends, and its memory is free.
    science_idle: float = Field(default=120.0, gt=0)

    @property
    def cache_url(self) -> str:
        """Where answers of reports are kept: beside the jobs, in the database for what may go."""
        return f"{self.broker_url.get_secret_value().rpartition('/')[0]}/2"
