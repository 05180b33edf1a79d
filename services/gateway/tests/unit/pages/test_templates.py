"""Rules that every template keeps, so that the strict content policy has nothing to report."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

TEMPLATES = Path(str(files("gateway").joinpath("templates")))
ALL = sorted(TEMPLATES.rglob("*.html"))
# What the CSP build of Alpine takes: names, calls, !x, a ternary, literals.
ALPINE = re.compile(r"^[\w.$]+(\([\w\s.,'$]*\))?$|^!?[\w.$]+$|^\w+\s*=\s*!?[\w']+$")
FORBIDDEN_NAMES = re.compile(r"^(style|hx-on.*|x-html|srcdoc|on\w+)$", re.IGNORECASE)


def source(path: Path) -> str:
    """The markup, with what Jinja says of itself left out."""
    return re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)


class Attributes(HTMLParser):
    """Collects every attribute of a template; Jinja's own braces are text to it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.scripts: list[dict[str, str | None]] = []
        self.styles = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append(dict(attrs))
        if tag == "style":
            self.styles += 1


def attributes_of(path: Path) -> Attributes:
    parser = Attributes()
    parser.feed(re.sub(r"\{%.*?%\}", "", source(path), flags=re.DOTALL))
    return parser


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_needs_no_unsafe_policy(path: Path) -> None:
    parsed = attributes_of(path)
    forbidden = [name for _, name, _ in parsed.found if FORBIDDEN_NAMES.match(name)]
    assert not forbidden
    assert not parsed.styles
    for script in parsed.scripts:
        assert script.get("src"), "an inline script"
        assert "view.nonce" in (script.get("nonce") or "")


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_expressions_run_without_eval(path: Path) -> None:
    for _, name, value in attributes_of(path).found:
        if name.startswith(("x-", "@", ":")) and name != "x-cloak":
            assert ALPINE.match(value), f"{name}={value}"
        if name.startswith("hx-"):
            assert not value.lstrip().startswith(("js:", "javascript:"))
        if name == "hx-trigger":
            assert "[" not in value, "trigger filters are evaluated"
        if name in ("href", "action", "src", "formaction"):
            assert not value.lower().lstrip().startswith(("javascript:", "data:"))


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_nothing_is_marked_as_safe(path: Path) -> None:
    text = source(path)
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", text)


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_class_names_are_whole(path: Path) -> None:
    # Tailwind reads the sources: a name put together at run time would be missing in the CSS.
    # Whole names behind a blank may come and go; pieces of names may not.
    for value in re.findall(r'class="([^"]*)"', source(path)):
        assert not re.search(r"[\w-]\{\{(?!\s*' )|\}\}[\w-]", value), value


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_mutation_is_a_plain_form_first(path: Path) -> None:
    for tag, name, value in attributes_of(path).found:
        if name in ("hx-post", "hx-put", "hx-patch", "hx-delete"):
            assert tag == "form", f"{name}={value} works with scripts only"
    assert not re.search(r"<form(?![^>]*\baction=)", source(path))


MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\(")
IMPORTED = re.compile(r'\{%-?\s*from\s+"([^"]+)"\s+import\s+([^%]+?)(?:\s+with context)?\s*-?%\}')


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_imports_only_what_it_uses(path: Path) -> None:
    text = source(path)
    code = IMPORTED.sub("", text)
    for of, names in IMPORTED.findall(text):
        macros = MACRO.findall(source(TEMPLATES / of))
        for name in names.split(","):
            there, _, here = name.strip().partition(" as ")
            call = r"\(" if there in macros else r"\b"  # other names are values
            assert re.search(rf"\b{here or there}{call}", code), f"{of}: {name} is not used"


def test_every_macro_is_called() -> None:
    texts = [source(path) for path in ALL]
    renamed = {
        name.strip().partition(" as ")[0]
        for text in texts
        for _, names in IMPORTED.findall(text)
        for name in names.split(",")
        if " as " in name
    }
    called = {name for text in texts for name in re.findall(r"(?<!macro )\b(\w+)\(", text)}
    macros = {name for text in texts for name in MACRO.findall(text)}
    assert not macros - called - renamed
