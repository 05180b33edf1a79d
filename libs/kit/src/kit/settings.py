"""Settings: read once from the environment and refused with every problem named at once.

Settings are a frozen dataclass. What six processes read once is no reason to keep a library of
models in each of them (ADR 123).
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import (
    Any,
    ClassVar,
    Literal,
    NoReturn,
    Self,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

EX_CONFIG = 78  # sysexits.h: a supervisor need not try again
LOCAL_PAGE_TOKEN_KEY = "local-page-token-key-nobody-else-may-use"

Profile = Literal["local", "test", "production"]


@dataclass(frozen=True)
class SecretStr:
    """A text that no log and no error shows by accident."""

    _value: str = field(repr=False)

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._value


class SettingsRefused(ValueError):
    """They cannot be used; `problems` says why, by the name of the field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {said}" for name, said in problems.items()))
        self.problems = problems


def number(default: float, *, least: float, most: float = inf) -> Any:
    """A field with limits."""
    said = f"{least} or more is needed" if most == inf else f"{least} to {most} is needed"
    return field(default=default, metadata={"least": least, "most": most, "said": said})


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """What every service is told. A service subclasses it with its own prefix and fields.

    `local_only` names the fields whose default is for a laptop: production must be given another
    value. `forbidden_in_production` names values that production refuses, with the reason.
    """

    prefix: ClassVar[str] = ""
    local_only: ClassVar[frozenset[str]] = frozenset()
    forbidden_in_production: ClassVar[Mapping[str, tuple[Any, str]]] = {}

    profile: Profile = "local"
    listen: str = "127.0.0.1:0"
    internal_listen: str = "127.0.0.1:0"
    otlp_endpoint: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def __post_init__(self) -> None:
        """Raises SettingsRefused."""
        if problems := dict(self.problems_of(vars(self))):
            raise SettingsRefused(problems)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises SettingsRefused with every problem there is."""
        values, unread, types = dict[str, Any](), dict[str, str](), get_type_hints(cls)
        for setting in fields(cls):
            try:
                values[setting.name] = _value(
                    setting, types[setting.name], environment.get(cls.env_name(setting.name))
                )
            except ValueError as error:
                unread[setting.name] = str(error)
        if problems := unread | dict(cls.problems_of(values)):
            raise SettingsRefused(problems)
        return cls(**values)

    @classmethod
    def problems_of(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What is wrong with values, by field; those that could not be read are not among them."""
        in_production = values.get("profile") == "production"
        for setting in fields(cls):
            name = setting.name
            if name not in values:
                continue
            value, limits = values[name], setting.metadata
            refused, why = cls.forbidden_in_production.get(name, (MISSING, ""))
            if limits and not limits["least"] <= value <= limits["most"]:
                yield name, limits["said"]
            elif in_production and name in cls.local_only and value == setting.default:
                yield name, "production needs a value of its own"
            elif in_production and value == refused:
                yield name, why

    @classmethod
    def env_name(cls, field: str) -> str:
        """The environment variable a field is read from."""
        return f"{cls.prefix}{field}".upper()


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings(ServiceSettings):
    """For a service with a database of its own."""

    database_url_app: SecretStr
    database_url_system: SecretStr
    database_url_owner: SecretStr | None = None
    database_pool_size: int = number(8, least=1, most=64)
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
        return settings.read(os.environ)
    except SettingsRefused as refused:
        problems = refused.problems.items()
        _refuse([f"{settings.env_name(name)}: {said}" for name, said in problems])


def _refuse(problems: list[str]) -> NoReturn:
    """Say what is wrong with the configuration and exit 78."""
    sys.stderr.write("The configuration cannot be used:\n")
    sys.stderr.writelines(f"  {problem}\n" for problem in problems)
    raise SystemExit(EX_CONFIG)


def _value(setting: "Field[Any]", kind: Any, text: str | None) -> Any:
    """Of a field; raises ValueError, which says what is needed and never what was given."""
    if text is None:
        if setting.default is MISSING:
            raise ValueError("a value is needed")
        return setting.default
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise ValueError(f"one of {', '.join(get_args(kind))} is needed")
        return text
    [kind] = [one for one in get_args(kind) or [kind] if one is not type(None)]
    read, needed = _READERS[kind]
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ValueError(needed) from None


_FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
_READERS: Mapping[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, ""),
    SecretStr: (SecretStr, ""),
    Path: (Path, ""),
    bool: (lambda text: _FLAGS[text.lower()], "true or false is needed"),
    int: (int, "a whole number is needed"),
    float: (float, "a number is needed"),
}
