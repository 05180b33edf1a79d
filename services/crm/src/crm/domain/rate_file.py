"""Files of rates: our own three columns, or the table that central banks publish."""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext

from crm.domain.entries import Entry
from crm.domain.errors import EntryRefused, Problem
from crm.domain.rates import MOST_IN_A_FILE, MOST_PROBLEMS, RateEntry, read_day, read_rate
from kit.money import is_currency

MAX_BYTES = 2_000_000
_OWN = {"date": ("date", "valid_from", "day"), "currency": ("currency",), "rate": ("rate",)}
_NOTHING = {"", "N/A", "-"}
_FINEST = Decimal("1e-12")
# The table says what one unit of this currency buys.
TABLE_OF = "EUR"


def entries_of(content: bytes, base: str) -> list[RateEntry]:
    """The rates in a file. Raises EntryRefused, which names rows and columns."""
    rows = _rows(content)
    header = [name.strip() for name in next(rows, [])]
    low = [name.lower() for name in header]
    places = {
        meaning: next((low.index(name) for name in names if name in low), None)
        for meaning, names in _OWN.items()
    }
    entry = Entry()
    if None not in places.values():
        found = _own(rows, {name: int(at or 0) for name, at in places.items()})
    elif low and low[0] == "date" and any(is_currency(name) for name in header):
        found = _table(entry, rows, header, base)
    else:
        raise _refused(
            "COLUMNS_UNKNOWN", "Name the columns date, currency and rate, or Date and currencies."
        )
    entry.done()
    if not found:
        raise _refused("FILE_EMPTY", "There are no rates in this file.")
    if len(found) > MOST_IN_A_FILE:
        raise _refused("RATES_TOO_MANY", f"At most {MOST_IN_A_FILE} rates at once.")
    return found


def _rows(content: bytes) -> Iterator[list[str]]:
    if len(content) > MAX_BYTES:
        raise _refused("FILE_TOO_LARGE", f"At most {MAX_BYTES} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused("FILE_NOT_TEXT", "Save the file as CSV in UTF-8.") from None
    lines = text.splitlines()
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    return (row for row in csv.reader(lines, delimiter=delimiter) if any(row))


def _own(rows: Iterator[list[str]], places: dict[str, int]) -> list[RateEntry]:
    return [
        RateEntry(*(_cell(row, places[name]) for name in ("currency", "date", "rate")))
        for row in rows
    ]


def _table(
    entry: Entry, rows: Iterator[list[str]], header: Sequence[str], base: str
) -> list[RateEntry]:
    """One unit of a currency buys as much as the table says that the base is more worth."""
    own = header.index(base) if base in header else None
    if own is None and base != TABLE_OF:
        raise _refused("COLUMNS_UNKNOWN", f"The table has no column {base}.")
    found: list[RateEntry] = []
    problems = 0
    for number, row in enumerate(rows, start=2):
        day = read_day(_cell(row, 0))
        base_worth = Decimal(1) if own is None else read_rate(_cell(row, own))
        every = [(name, _cell(row, at)) for at, name in enumerate(header) if is_currency(name)]
        wrong = [name for name, text in every if text not in _NOTHING and not read_rate(text)]
        cells = [(name, text) for name, text in every if name != base]
        if (day is None or wrong) and problems < MOST_PROBLEMS:
            problems += 1
            column = "Date" if day is None else wrong[0]
            entry.refuse(f"row {number}, {column}", "RATE_INVALID", "This cannot be read.")
        if day is None or base_worth is None:
            continue
        if own is not None:
            cells.append((TABLE_OF, "1"))
        found += [
            RateEntry(name, day.isoformat(), _quotient(base_worth, worth))
            for name, text in cells
            if (worth := read_rate(text))
        ]
    return found


def _quotient(of: Decimal, by: Decimal) -> str:
    with localcontext(prec=40):
        return format((of / by).quantize(_FINEST).normalize(), "f")


def _cell(row: Sequence[str], at: int) -> str:
    return row[at].strip() if at < len(row) else ""


def _refused(reason: str, message: str) -> EntryRefused:
    return EntryRefused([Problem("file", reason, message)])
