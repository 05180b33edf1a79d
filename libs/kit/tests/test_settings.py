"""Settings: everything that is wrong at once, and nothing of a laptop in production."""

from typing import ClassVar, Protocol

import pytest
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import LOCAL_PAGE_TOKEN_KEY, DatabaseSettings, load


class Settings(DatabaseSettings):
    model_config = SettingsConfigDict(env_prefix="SAMPLE_", extra="ignore", frozen=True)
    local_only: ClassVar[frozenset[str]] = frozenset({"page_token_key"})
    forbidden_in_production: ClassVar = {"verification": (False, "people must prove addresses")}

    page_token_key: SecretStr = SecretStr(LOCAL_PAGE_TOKEN_KEY)
    verification: bool = False
    workers: int = 1


class Environment(Protocol):
    def __call__(self, **values: str) -> None: ...


GOOD = {
    "SAMPLE_DATABASE_URL_APP": "postgresql://app:pw@db/sample",
    "SAMPLE_DATABASE_URL_SYSTEM": "postgresql://system:pw@db/sample",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    def set_to(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_to


def problems(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as exit_:
        load(Settings)
    assert exit_.value.code == 78
    head, *lines = capsys.readouterr().err.splitlines()
    assert head == "The configuration cannot be used:"
    return sorted(line.strip() for line in lines)


def test_the_local_profile_needs_little(environment: Environment) -> None:
    environment(**GOOD)
    settings = load(Settings)
    assert (settings.profile, settings.verification) == ("local", False)
    assert settings.database_url_app.get_secret_value() == GOOD["SAMPLE_DATABASE_URL_APP"]


def test_every_problem_is_named_at_once(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(SAMPLE_WORKERS="many", SAMPLE_LOG_LEVEL="LOUD", SAMPLE_DATABASE_POOL_SIZE="0")
    named = [line.partition(":")[0] for line in problems(capsys)]
    assert named == [
        "SAMPLE_DATABASE_POOL_SIZE",
        "SAMPLE_DATABASE_URL_APP",
        "SAMPLE_DATABASE_URL_SYSTEM",
        "SAMPLE_LOG_LEVEL",
        "SAMPLE_WORKERS",
    ]


def test_production_refuses_what_is_for_a_laptop_together_with_all_else(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(SAMPLE_PROFILE="production", SAMPLE_WORKERS="many")
    assert problems(capsys) == [
        "SAMPLE_DATABASE_URL_APP: Field required",
        "SAMPLE_DATABASE_URL_SYSTEM: Field required",
        "SAMPLE_PAGE_TOKEN_KEY: production needs a value of its own",
        "SAMPLE_VERIFICATION: people must prove addresses",
        "SAMPLE_WORKERS: Input should be a valid integer, unable to parse string as an integer",
    ]


def test_production_takes_values_of_its_own(environment: Environment) -> None:
    environment(
        **GOOD,
        SAMPLE_PROFILE="production",
        SAMPLE_PAGE_TOKEN_KEY="a-key-of-production-and-of-nobody-else",
        SAMPLE_VERIFICATION="true",
    )
    assert load(Settings).profile == "production"


def test_a_wrong_secret_is_not_shown(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(SAMPLE_DATABASE_POOL_SIZE="hunter2")
    assert "hunter2" not in "".join(problems(capsys))


def test_who_migrates_needs_the_owner(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(**GOOD)
    with pytest.raises(SystemExit) as exit_:
        _ = load(Settings).owner_url
    assert exit_.value.code == 78
    assert "SAMPLE_DATABASE_URL_OWNER: needed to migrate" in capsys.readouterr().err
    environment(SAMPLE_DATABASE_URL_OWNER="postgresql://owner:pw@db/sample")
    assert load(Settings).owner_url == "postgresql://owner:pw@db/sample"
