"""Statements for any number of rows: each column comes as an array.

COPY does not work under row-level security, and a statement for each row costs the database a
plan's start and its end every time.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, CTE, Column, bindparam, column, func, select


def given(columns: Iterable["Column[Any]"], name: str = "given") -> CTE:
    """Rows that a statement is given, to be selected from; see `arrays`."""
    each = list(columns)
    rows = (
        func.unnest(*(bindparam(f"{name}_{c.name}", type_=ARRAY(c.type)) for c in each))
        .table_valued(*(column(c.name, c.type) for c in each), name=f"{name}_rows")
        .render_derived()
    )
    return select(*rows.c).cte(name)


def arrays(rows: Sequence[Mapping[str, Any]], into: CTE) -> dict[str, list[Any]]:
    """Rows by the names of their columns, as the values that a statement with `into` asks for."""
    return {f"{into.name}_{c.name}": [row[c.name] for row in rows] for c in into.c}
