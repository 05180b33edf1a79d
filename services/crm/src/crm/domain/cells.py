"""Cells on their way out: no formulas to a spreadsheet, and to an import what they were."""

import re

# As OWASP ASVS 1.2.10 names them, and their full-width twins.
FORMULA_BEGINNINGS = "=+-@\t\r＝＋－＠"
# A cell begins at its beginning, and for a program that separates by something else than commas
# also behind that, quoted or not.
_BEGINS = r'(?P<begins>(?:^|[;\t\r\n])"*)'
_RUNS = rf"(?='*[{re.escape(FORMULA_BEGINNINGS)}])"
_HARMFUL = re.compile(_BEGINS + _RUNS)
_MADE_HARMLESS = re.compile(_BEGINS + "'" + _RUNS)


def harmless(text: str) -> str:
    """With an apostrophe before what a spreadsheet would run; imports take it off again."""
    return _HARMFUL.sub(r"\g<begins>'", text)


def as_written(cell: str) -> str:
    """Without blanks around it, and without the apostrophes that `harmless` puts there."""
    cell = cell.strip()
    return _MADE_HARMLESS.sub(r"\g<begins>", cell) if "'" in cell else cell
