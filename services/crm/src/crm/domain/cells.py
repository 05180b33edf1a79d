"""Cells on their way out: spreadsheets must not take them for formulas."""

# As OWASP ASVS 1.2.10 names them, and their full-width twins.
FORMULA_BEGINNINGS = "=+-@\t\r＝＋－＠"


def harmless(text: str) -> str:
    """With an apostrophe before what a spreadsheet would run; imports take it off again."""
    return f"'{text}" if text[:1] in FORMULA_BEGINNINGS and text else text


def as_written(cell: str) -> str:
    """Without blanks around it, and without the apostrophe that `harmless` puts there."""
    cell = cell.strip()
    if cell[:1] == "'" and cell[1:2] and cell[1] in FORMULA_BEGINNINGS:
        return cell[1:]
    return cell
