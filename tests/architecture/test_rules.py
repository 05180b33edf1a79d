"""Rules of the house that no import contract can state, read from the syntax trees.

Each rule is one function from a source file to its breaches, and is seen to catch one below.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("auth", "crm", "analytics", "notify", "gateway")
LONGEST_FILE = 400
IN_A_TRANSACTION = re.compile(r"\b(Transaction|SystemTransaction|UnitOfWork)\b")
EVENT_NAME = re.compile(r"[a-z_]+\.v\d+\.[a-z_]+")
EVENT_TYPE = re.compile(rf"({'|'.join(SERVICES)})\.{EVENT_NAME.pattern}")


@dataclass(frozen=True)
class Source:
    """A Python file of ours, and where it stands."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_test(self) -> bool:
        return "tests" in self.path.parts or "testing" in self.path.parts

    @property
    def service(self) -> str:
        return self.path.parts[1] if self.path.parts[0] == "services" else ""


Rule = Callable[[Source], Iterator[str]]


@cache
def sources() -> list[Source]:
    folders = ("libs", "services", "deploy", "tests", "bench")
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    ours = (path for path in paths if not {"node_modules", ".venv"} & set(path.parts))
    return [Source(path.relative_to(ROOT), path.read_text()) for path in sorted(ours)]


def files_are_short(source: Source) -> Iterator[str]:
    """Split by noun before it gets long."""
    lines = source.text.count("\n")
    if lines >= LONGEST_FILE:
        yield f"{lines} lines"


def time_comes_from_a_clock(source: Source) -> Iterator[str]:
    """What a test cannot set, a test cannot check."""
    if source.is_test or source.path.match("kit/clock.py"):
        return
    asked = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    for call in _calls(source.tree):
        if ast.unparse(call.func).removeprefix("datetime.datetime") in asked:
            yield f"line {call.lineno}: {ast.unparse(call)}"


def queries_know_their_workspace(source: Source) -> Iterator[str]:
    """Only a transaction (it was opened for a workspace) or a workspace itself reaches tables.

    What sweeps over all of them says so by taking the `system` role's pool.
    """
    if source.is_test or "adapters" not in source.path.parts or not _uses_sql(source.tree):
        return
    for function in _public_coroutines(source.tree):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        names = {argument.arg for argument in arguments}
        kinds = " ".join(ast.unparse(a.annotation) for a in arguments if a.annotation)
        if not names & {"workspace_id", "system"} and not IN_A_TRANSACTION.search(kinds):
            yield f"line {function.lineno}: {function.name}({', '.join(sorted(names))})"


def json_is_not_made_from_messages(source: Source) -> Iterator[str]:
    """json_format is pure Python and five times slower than our own way."""
    if not source.is_test and "json_format" in source.text:
        yield "json_format"


def calls_go_through_the_caller(source: Source) -> Iterator[str]:
    """The caller brings deadline, identity and trace; a bare channel or stub brings nothing.

    The benchmark's floors measure just that: what a bare one costs.
    """
    if source.is_test or source.path.parts[:4] == ("libs", "kit", "src", "kit"):
        return
    if source.path.parts[:2] == ("bench", "floors"):
        return
    for call in _calls(source.tree):
        target = ast.unparse(call.func)
        bare_stub = re.search(r"(?i:stubs?)\)?\.[A-Z]\w+$", target)
        if target.endswith("insecure_channel") or target.endswith("secure_channel") or bare_stub:
            yield f"line {call.lineno}: {target}"


def events_are_named_where_they_are_made(source: Source) -> Iterator[str]:
    """A subject has one producer, and one file of it knows its name."""
    if source.is_test or not source.service or source.path.match("adapters/events.py"):
        return
    for call in _calls(source.tree):
        if ast.unparse(call.func).endswith("event_row"):
            yield f"line {call.lineno}: events are made in adapters/events.py"


def events_carry_the_name_of_their_producer(source: Source) -> Iterator[str]:
    """crm may not publish as auth."""
    for call in _calls(source.tree) if source.path.match("adapters/events.py") else ():
        if ast.unparse(call.func).endswith("event_row"):
            said = ast.unparse(call.args[0])
            if said != repr(source.service):
                yield f"line {call.lineno}: published by {said}"


BREACHES: dict[Rule, tuple[str, str]] = {
    files_are_short: ("libs/kit/src/kit/long.py", "\n" * 400),
    time_comes_from_a_clock: ("services/crm/src/crm/domain/x.py", "now = datetime.now(UTC)"),
    queries_know_their_workspace: (
        "services/crm/src/crm/adapters/x.py",
        "import sqlalchemy\nasync def all_deals(pool: Pool) -> None: ...",
    ),
    json_is_not_made_from_messages: (
        "services/gateway/src/gateway/x.py",
        "from google.protobuf.json_format import MessageToDict",
    ),
    calls_go_through_the_caller: (
        "services/gateway/src/gateway/adapters/x.py",
        "async def f(self): return await self.stub.GetDeal(request)",
    ),
    events_are_named_where_they_are_made: (
        "services/crm/src/crm/application/x.py",
        "row = event_row('crm', workspace, fact, 'deal.v1.moved', message)",
    ),
    events_carry_the_name_of_their_producer: (
        "services/crm/src/crm/adapters/events.py",
        "row = event_row('auth', workspace, fact, 'deal.v1.moved', message)",
    ),
}
RULES = list(BREACHES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_is_kept(rule: Rule) -> None:
    assert [f"{s.path}: {breach}" for s in sources() for breach in rule(s)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_catches_a_breach(rule: Rule) -> None:
    path, text = BREACHES[rule]
    assert list(rule(Source(Path(path), text)))


def test_pages_styles_scripts_and_contracts_are_short() -> None:
    gateway = ROOT / "services/gateway"
    folders = [gateway / "frontend/css", gateway / "frontend/js", gateway / "src/gateway/templates"]
    kinds = {".css", ".js", ".html", ".proto"}
    found = {
        str(path.relative_to(ROOT)): path.read_text().count("\n")
        for folder in [*folders, ROOT / "proto/freelanceflow"]
        for path in folder.rglob("*")
        if path.suffix in kinds
    }
    assert len(found) > 100
    assert {path: lines for path, lines in found.items() if lines >= LONGEST_FILE} == {}


def test_every_event_that_is_consumed_is_produced() -> None:
    produced, consumed = set(), set()
    for source in sources():
        if source.service and not source.is_test:
            names = _strings(source.tree)
            consumed |= {name for name in names if EVENT_TYPE.fullmatch(name)}
            if source.path.match("adapters/events.py"):
                made = {name for name in names if EVENT_NAME.fullmatch(name)}
                produced |= {f"{source.service}.{name}" for name in made}
    assert produced
    assert consumed - produced == set()


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _strings(tree: ast.Module) -> set[str]:
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def _uses_sql(tree: ast.Module) -> bool:
    imports = (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    plain = (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import))
    return any("sqlalchemy" in text or "kit.database" in text for text in (*imports, *plain))


def _public_coroutines(tree: ast.Module) -> Iterator[ast.AsyncFunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
