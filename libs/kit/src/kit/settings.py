"""Settings: read once from the environment and refused with every problem named at once."""

import sys
from typing import Any, ClassVar, Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

EX_CONFIG = 78  # sysexits.h: a supervisor need not try again
LOCAL_PAGE_TOKEN_KEY = "local-page-token-key-nobody-else-may-use"

_NOTHING = object()

Profile = Literal["local", "test", "production"]


class ServiceSettings(BaseSettings):
    """What every service is told. A service subclasses it with its own prefix and fields.

    `local_only` names the fields whose default is for a laptop: production must be given another
    value. `forbidden_in_production` names values that production refuses, with the reason.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    local_only: ClassVar[frozenset[str]] = frozenset()
    forbidden_in_production: ClassVar[dict[str, tuple[Any, str]]] = {}

    profile: Profile = "local"
    listen: str = "127.0.0.1:0"
    internal_listen: str = "127.0.0.1:0"
    otlp_endpoint: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("*", mode="after")
    @classmethod
    def _fit_for_production(cls, value: Any, info: ValidationInfo) -> Any:
        """Per field, so that these problems are listed together with all others."""
        name = info.field_name or ""
        if info.data.get("profile") != "production":
            return value
        if name in cls.local_only and value == cls.model_fields[name].default:
            raise PydanticCustomError("local_only", "production needs a value of its own")
        refused, why = cls.forbidden_in_production.get(name, (_NOTHING, ""))
        if value == refused:
            raise PydanticCustomError("forbidden", "{why}", {"why": why})
        return value

    @classmethod
    def env_name(cls, field: str) -> str:
        """The environment variable a field is read from."""
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()


class DatabaseSettings(ServiceSettings):
    """For a service with a database of its own."""

    database_url_app: SecretStr
    database_url_system: SecretStr
    database_url_owner: SecretStr | None = None
    database_pool_size: int = Field(default=8, ge=1, le=64)
    nats_url: SecretStr = SecretStr("nats://127.0.0.1:8711")

    @property
    def owner_url(self) -> str:
        """Whom migrations run as. Without one, say so on stderr and exit 78."""
        if self.database_url_owner is None:
            _refuse([f"{self.env_name('database_url_owner')}: needed to migrate"])
        return self.database_url_owner.get_secret_value()


S = TypeVar("S", bound=ServiceSettings)


def load(settings: type[S]) -> S:
    """Read the environment, or name every problem on stderr and exit 78."""
    try:
        return settings()
    except ValidationError as error:
        _refuse(_problems(settings, error))


def _refuse(problems: list[str]) -> NoReturn:
    """Say what is wrong with the configuration and exit 78."""
    sys.stderr.write("The configuration cannot be used:\n")
    sys.stderr.writelines(f"  {problem}\n" for problem in problems)
    raise SystemExit(EX_CONFIG)


def _problems(settings: type[ServiceSettings], error: ValidationError) -> list[str]:
    """One line each; values are left out, a secret may be among them."""
    return [
        f"{settings.env_name(str(problem['loc'][0]))}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
