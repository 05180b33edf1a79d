"""docs/settings.md has every setting with its default, and no service is told what it knows not."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from kit.settings import ServiceSettings
from local.environment import environment
from local.plan import Plan
from tests.architecture.test_rules import SERVICES, sources

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/settings.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)
OF_THE_MACHINE = re.compile(r"\bFF_[A-Z_]+\b")
# Each process has a port of its own, and these secrets are refused in production.
IN_WORDS = {"listen", "internal_listen", "page_token_key", "sealing_keys"}
# Handed from one process of ours to another.
INNER = {"FF_LOAD"}


def settings_of(service: str) -> type[ServiceSettings]:
    found: type[ServiceSettings] = import_module(f"{service}.config").Settings
    return found


def default_of(kind: type[ServiceSettings], name: str) -> str:
    """As the page writes it."""
    default = kind.model_fields[name].default
    if default is PydanticUndefined or default is None:
        return "–"
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    said = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{said}`" if said else "nothing"


def told_of(service: str) -> dict[str, str]:
    """What the page says of a service: of all of them, then of it alone."""
    rows = dict(ROW.findall(PAGE))
    prefix = f"{service.upper()}_"
    of_all = {name.removeprefix("X_"): said for name, said in rows.items() if name[:2] == "X_"}
    own = {
        name.removeprefix(prefix): said for name, said in rows.items() if name.startswith(prefix)
    }
    return {name.lower(): said for name, said in {**of_all, **own}.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_has_every_setting_with_its_default(service: str) -> None:
    kind, told = settings_of(service), told_of(service)
    defaults = {name: default_of(kind, name) for name in kind.model_fields}
    assert defaults.keys() - told.keys() == set()
    wrong = {name: told[name] for name in defaults if told[name] != defaults[name]}
    assert wrong.keys() <= IN_WORDS, {name: defaults[name] for name in wrong}
    own = {name for name in told if f"`{service.upper()}_{name.upper()}`" in PAGE}
    assert own <= defaults.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_on_one_machine_a_service_is_told_settings_of_its_own(service: str, tmp_path: Path) -> None:
    kind = settings_of(service)
    plan, prefix = Plan(tmp_path, 18_000), f"{service.upper()}_"
    told = {name for name in environment(plan, service) if name.startswith(prefix)}
    assert told
    assert told - {kind.env_name(field) for field in kind.model_fields} == set()


def test_the_page_has_what_this_machine_may_be_told() -> None:
    texts = [source.text for source in sources()]
    asked = {name for text in texts for name in OF_THE_MACHINE.findall(text)} - INNER
    assert {name for name, _ in ROW.findall(PAGE) if name.startswith("FF_")} == asked
