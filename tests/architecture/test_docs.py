"""What the documents name is there: pages, headings, paths, commands; and each page is led to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST = ROOT / "README.md"
PAGES = sorted([FIRST, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PLACE = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`|^(make .*)$", re.MULTILINE)
COMMAND = re.compile(r"\bmake ([a-z][a-z-]*)")
TOPS = "|".join(path.name.replace(".", r"\.") for path in ROOT.iterdir() if path.is_dir())
PATH = re.compile(rf"^(?:{TOPS})(?:/[\w.-]+)+/?$")
# Made by running: a fresh checkout has none of them. X stands for any service.
MADE = ("reports/", ".ff/", ".venv/", "deploy/k8s/components/secrets-generated/secrets")


def led_to(page: Path) -> Iterator[Path]:
    """Where a page's links lead; a folder shows its own page."""
    for target in LINK.findall(page.read_text()):
        if "://" not in target:
            path = (page.parent / target).resolve()
            yield path / "README.md" if path.is_dir() else path


def places(page: Path) -> set[str]:
    """Where in a page a link can lead, as GitHub names its headings."""
    headings = HEADING.findall(page.read_text())
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def lost(page: Path) -> Iterator[str]:
    """Links to a heading that its page has not."""
    for target, place in PLACE.findall(page.read_text()):
        path = page.parent / target if target else page
        if path.suffix == ".md" and path.exists() and place not in places(path):
            yield f"link to {place} in {path.name}"


def wrong(page: Path) -> Iterator[str]:
    """What a page names and is not there."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    yield from (f"link to {path}" for path in led_to(page) if not path.exists())
    yield from lost(page)
    for inline, line in CODE.findall(page.read_text()):
        said = inline or line
        yield from (f"make {name}" for name in COMMAND.findall(said) if name not in targets)
        concrete = PATH.match(said) and not said.startswith((*MADE, "services/X/"))
        if concrete and not (ROOT / said).exists():
            yield said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    assert list(wrong(page)) == []


def test_what_is_not_there_is_caught(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Here it is\n[x](gone.md#there) [y](#here-it-is) [z](page.md#nowhere)"
        " `make nothing` `libs/kit/gone.py` `libs/kit`\nmake no\n"
    )
    assert list(wrong(page)) == [
        f"link to {tmp_path / 'gone.md'}",
        "link to nowhere in page.md",
        *("make nothing", "libs/kit/gone.py", "make no"),
    ]


def test_every_page_is_led_to_from_the_first() -> None:
    found, look = {FIRST}, [FIRST]
    while look:
        more = {path for path in led_to(look.pop()) if path.suffix == ".md"} - found
        found |= more
        look += more
    guides = {page for page in PAGES if page.parent.name == "docs"}
    assert guides - found == set()


def test_every_decision_has_a_number_of_its_own_and_a_line() -> None:
    decisions = sorted(path for path in (ROOT / "docs/adr").glob("*.md") if path.name[0].isdigit())
    numbers = [int(path.name[:4]) for path in decisions]
    assert len(set(numbers)) == len(numbers)
    heads = [path.read_text().partition(". ")[0] for path in decisions]
    assert heads == [f"# {number}" for number in numbers]
    listed = LINK.findall((ROOT / "docs/adr/README.md").read_text())
    assert sorted(listed) == [path.name for path in decisions]
