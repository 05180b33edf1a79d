"""What auth is told from outside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from kit.settings import LOCAL_PAGE_TOKEN_KEY, DatabaseSettings, SecretStr, number

SHORTEST_KEY = 32
LOCAL_SEALING_KEYS = "local:local-sealing-key-nobody-else-may-use"
GOOGLE = "https://accounts.google.com"


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """Environment variables with the prefix AUTH_; the defaults are for local development."""

    prefix: ClassVar[str] = "AUTH_"

    local_only: ClassVar[frozenset[str]] = frozenset({"page_token_key", "sealing_keys"})
    forbidden_in_production: ClassVar[Mapping[str, tuple[Any, str]]] = {
        "email_verification": (False, "production does not let people in without a proven address")
    }

    listen: str = "127.0.0.1:8720"
    internal_listen: str = "127.0.0.1:8730"
    page_token_key: SecretStr = SecretStr(LOCAL_PAGE_TOKEN_KEY)
    sealing_keys: SecretStr = SecretStr(LOCAL_SEALING_KEYS)  # id:secret, the present one first
    signing_key_file: Path
    email_verification: bool = True
    closed_days: int = number(14, least=0)  # before a workspace that was deleted is erased
    google_issuer: str = GOOGLE
    google_client_id: str = ""  # without one, nobody signs in with Google
    google_client_secret: SecretStr = SecretStr("")
    google_program_ids: str = ""  # client ids of programs, separated by commas

    @classmethod
    def problems_of(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What no other service asks for."""
        yield from super().problems_of(values)
        if not _have_ids(values["sealing_keys"]):
            said = f"each secret of {SHORTEST_KEY} characters or more"
            yield "sealing_keys", f"id:secret, separated by commas; {said}"
        if bool(values["google_client_id"]) != bool(
            values["google_client_secret"].get_secret_value()
        ):
            yield "google_client_secret", "the client id and the client secret go together"
        if values.get("profile") == "production" and values["google_issuer"] != GOOGLE:
            yield "google_issuer", "production asks Google itself"


def _have_ids(keys: SecretStr) -> bool:
    parts = (part.partition(":") for part in keys.get_secret_value().split(","))
    return all(key_id and len(secret) >= SHORTEST_KEY for key_id, _, secret in parts)
