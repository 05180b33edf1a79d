"""What is shipped may be shipped under our licence."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = re.compile(
    r"\b(MIT(-0|-CMU)?|0?BSD(-\d-Clause)?|Apache(-2\.0)?|ISC|PSF(-2\.0)?|Python Software Foundation"
    r"|Zlib|CC0(-1\.0)?|Unlicense|MPL-2\.0|Mozilla Public License 2\.0)\b"
)
# Whoever ships them ships them unchanged and as parts that can be exchanged, as the LGPL asks.
LIBRARIES = {"psycopg", "psycopg-binary"}
STRICT = re.compile(r"\bA?GPL|Affero|SSPL|Business Source|Commons Clause|Proprietary", re.I)


def licence(name: str) -> str:
    """As a distribution says of itself, in whichever of three ways it does."""
    said = distribution(name).metadata
    classified = [line for line in said.get_all("Classifier", []) if line.startswith("License")]
    expression, plain = (said.get_all(key, [""])[0] for key in ("License-Expression", "License"))
    return str(expression or ", ".join(classified) or plain.partition("\n")[0])


def refused(name: str, text: str) -> bool:
    if name in LIBRARIES and "LGPL" in text:
        return False
    return not ALLOWED.search(text) or bool(STRICT.search(text.replace("LGPL", "")))


def test_everything_that_is_shipped_has_a_licence_that_lets_us() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    found = {}
    for name in (line.partition("==")[0] for line in lines if "==" in line):
        try:
            found[name] = licence(name)
        except PackageNotFoundError:
            continue  # for other systems
    assert len(found) > 100
    assert {name: text for name, text in found.items() if refused(name, text)} == {}


def test_others_are_refused() -> None:
    assert refused("some", "")
    assert refused("some", "AGPL-3.0-only")
    assert refused("some", "License :: OSI Approved :: GNU General Public License (GPL)")
    assert refused("some", "MIT AND GPL-3.0-only")
    assert refused("some", "LGPL-3.0-only")
    assert not refused("psycopg", "LGPL-3.0-only")
