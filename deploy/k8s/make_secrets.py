"""Random secrets for a cluster of one's own: `python -m deploy.k8s.make_secrets [FOLDER]`.

Writes the files that components/secrets-generated reads, once; git ignores them. To have new ones,
delete the folder first. Production brings Secrets of the same names and keys from its own store.
"""

import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.k8s.topology import load

FOLDER = Path(__file__).parent / "components" / "secrets-generated" / "secrets"
ROLES = ("owner", "app", "system")


def main(arguments: list[str]) -> int:
    """Make the folder whole or not at all."""
    folder = Path(arguments[0]) if arguments else FOLDER
    if folder.exists():
        sys.stderr.write(f"{folder} is there already and stays; delete it to have new secrets\n")
        return 1
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".secrets-"))
    try:
        for name, text in contents().items():
            (draft / name).touch(mode=0o600)
            (draft / name).write_text(text)
        _signing_key(draft / "keys.json")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return 0


def contents() -> dict[str, str]:
    """File name → content; the names of the Secrets are those of the files."""
    made = {"postgres-admin.env": _database("ff", "postgres", "postgres")}
    nats_passwords = {"admin": _password()}
    made["nats-admin.env"] = _nats("admin", nats_passwords["admin"])
    for service in load().services.values():
        nats_passwords[service.name] = _password()
        made[f"{service.name}-nats.env"] = _nats(service.name, nats_passwords[service.name])
        if "migrate" in service.processes:
            for role in ROLES:
                made[f"{service.name}-db-{role}.env"] = _database(
                    f"{service.name}_{role}", f"{service.name}-db-rw", service.name
                )
    made["nats-passwords.env"] = _env(
        {f"{name.upper()}_NATS_PASSWORD": password for name, password in nats_passwords.items()}
    )
    gateway, users = _password(), "user default off\n"
    for service_name in ("analytics", "crm"):
        password = _password()
        made[f"{service_name}-broker.env"] = _env(
            {"uri": f"redis://{service_name}:{password}@valkey:6379/0"}
        )
        users += f"user {service_name} on >{password} ~* &* +@all -@admin\n"
    made["gateway-valkey.env"] = _env({"uri": f"redis://gateway:{gateway}@valkey:6379/2"})
    made["users.acl"] = f"{users}user gateway on >{gateway} ~* &* +@all -@admin -@dangerous\n"
    made["auth-sealing.env"] = _env({"keys": f"first:{_password()}"})
    for service_name in ("auth", "crm", "notify"):
        made[f"{service_name}-page-tokens.env"] = _env({"key": _password()})
    return made


def _signing_key(file: Path) -> None:
    """auth makes its own key set: the format is nobody else's business."""
    subprocess.run([sys.executable, "-m", "auth", "keys", str(file)], check=True)


def _database(user: str, host: str, database: str) -> str:
    """The keys that CloudNativePG puts into the Secret of a role."""
    password = _password()
    return _env(
        {
            "username": user,
            "password": password,
            "host": host,
            "port": "5432",
            "dbname": database,
            "uri": f"postgresql://{user}:{password}@{host}:5432/{database}",
        }
    )


def _nats(user: str, password: str) -> str:
    return _env(
        {"username": user, "password": password, "uri": f"nats://{user}:{password}@nats:4222"}
    )


def _env(values: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _password() -> str:
    """A letter first: nats-server reads a value of digits as a number."""
    return "p" + secrets.token_hex(24)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
