"""Built files: sizes within the budgets of the design, and served as they were built."""

import gzip
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.entrypoints.pages.assets import FOREVER, Assets

STATIC = Path(str(files("gateway").joinpath("static")))
MANIFEST = json.loads((STATIC / "manifest.json").read_text())
KB = 1024


def size(*names: str) -> int:
    """Bytes on the wire, gzipped, of files with all that they import."""
    names_built = {MANIFEST["files"][name] for name in names}
    for name in names:
        names_built.update(MANIFEST["imports"].get(name, []))
    return sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names_built)


def test_scripts_stay_within_their_budget() -> None:
    assert size("app.js") <= 50 * KB
    assert size("entrance.js") <= 20 * KB
    assert size("app.js", "board.js") - size("app.js") <= 22 * KB


def test_styles_icons_and_fonts_stay_within_their_budget() -> None:
    assert size("styles.css") <= 16 * KB
    assert size("sprite.svg") <= 5 * KB
    fonts = [name for name in MANIFEST["files"] if name.endswith(".woff2")]
    assert sum((STATIC / MANIFEST["files"][name]).stat().st_size for name in fonts) <= 48 * KB


def test_all_that_is_built_is_in_the_manifest() -> None:
    known = {*MANIFEST["files"].values(), "manifest.json"}
    known.update(name for names in MANIFEST["imports"].values() for name in names)
    assert {path.name for path in STATIC.iterdir()} == known


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    sprite = (STATIC / MANIFEST["files"]["sprite.svg"]).read_text()
    there = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    templates = Path(str(files("gateway").joinpath("templates")))
    used = set()
    for path in templates.rglob("*.html"):
        used.update(re.findall(r'\bicon\("([\w-]+)"', path.read_text()))
        used.update(re.findall(r'icon_name="([\w-]+)"', path.read_text()))
    assert used <= there
    assert there  # the pattern still finds something


async def test_a_file_is_served_for_ever(site: Any) -> None:
    url = Assets().url("styles.css")
    answer = await site.get(url, accept_encoding="gzip")
    assert answer.status == 200
    assert answer.headers["cache-control"] == FOREVER
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/css")


async def test_an_unknown_file_is_not_there(site: Any) -> None:
    for name in ("nothing.js", "manifest.json", "..%2Fconfig.py"):
        assert (await site.get(f"/static/{name}")).status == 404
