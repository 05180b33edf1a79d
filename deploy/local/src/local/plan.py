"""One platform on this machine: its folder, its ports, its addresses, its secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import servers
from local.paths import home
from local.secrets import secret
from local.servers import LOOPBACK

DEFAULT_PORT = 8700
DEMO_EMAIL = "demo@freelanceflow.example"

# Distance of every listener from the base port.
_OFFSETS: Mapping[str, int] = {
    "gateway": 0,
    "mail": 1,
    "smtp": 2,
    "postgres": 10,
    "nats": 11,
    "nats-monitor": 12,
    "valkey": 13,
    "auth": 20,
    "crm": 21,
    "analytics": 22,
    "notify": 23,
    "auth-internal": 30,
    "crm-internal": 31,
    "analytics-internal": 32,
    "notify-internal": 33,
    "gateway-internal": 34,
    "crm-worker-internal": 35,
    "analytics-worker-internal": 36,
}
_HIGHEST_BASE = 65535 - max(_OFFSETS.values())


class BadSetting(ValueError):
    """A setting of the local platform is wrong; the message names it."""


@dataclass(frozen=True)
class Plan:
    """A folder and a base port; all else follows."""

    home: Path
    base: int

    def port(self, name: str) -> int:
        """The port of a listener."""
        return self.base + _OFFSETS[name]

    def address(self, name: str) -> str:
        """Where programs reach a listener."""
        return f"{LOOPBACK}:{self.port(name)}"

    def url(self, name: str) -> str:
        """Where people reach a page."""
        return f"http://localhost:{self.port(name)}"

    def secret(self, name: str) -> str:
        """A password of this platform, made at the first call."""
        return secret(self.home / "secrets" / name)

    @property
    def demo_password(self) -> str:
        """Short enough to be typed."""
        return secret(self.home / "secrets" / "demo", size=8)

    def database_url(self, service: str, role: str) -> str:
        """A service's own database, entered as one of its roles."""
        password = self.secret(f"{service}-{role}")
        return f"postgresql://{service}_{role}:{password}@{self.address('postgres')}/{service}"

    @property
    def admin_url(self) -> str:
        """The database server, entered as its superuser."""
        return servers.postgres_url(self.data("postgres"), self.port("postgres"))

    @property
    def nats_url(self) -> str:
        """The bus."""
        return servers.nats_url(self.data("nats"), self.port("nats"))

    def valkey_url(self, database: int) -> str:
        """One numbered database of Valkey: 0 Celery's broker, 1 its results, 2 limits and cache."""
        return f"{servers.valkey_url(self.data('valkey'), self.port('valkey'))}/{database}"

    @property
    def signing_keys(self) -> Path:
        """The file of auth's keys."""
        return self.home / "secrets" / "auth-signing-keys.json"

    def data(self, name: str) -> Path:
        """The folder of a server's data."""
        return self.home / "data" / name

    @property
    def ports(self) -> dict[str, int]:
        """All listeners."""
        return {name: self.port(name) for name in _OFFSETS}

    @property
    def facts(self) -> dict[str, Any]:
        """What a reader of local.json wants to know, beside the services."""
        demo = {"email": DEMO_EMAIL, "password": self.demo_password}
        return {"gateway": self.url("gateway"), "demo": demo, "mail": self.url("mail")}


def plan_from_environment() -> Plan:
    """The platform that FF_HOME and FF_PORT name."""
    wanted = os.environ.get("FF_PORT") or str(DEFAULT_PORT)
    if not wanted.isascii() or not wanted.isdecimal() or not 1024 <= int(wanted) <= _HIGHEST_BASE:
        raise BadSetting(f"FF_PORT={wanted}: a port from 1024 to {_HIGHEST_BASE} is needed")
    return Plan(home(), int(wanted))
