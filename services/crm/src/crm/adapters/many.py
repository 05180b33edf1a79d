"""Statements for any number of rows: they come as JSON, typed by the table itself.

COPY does not work under row-level security, and an array per column cannot hold arrays. JSON as
text costs both sides less than JSONB, which would be taken apart only to be written as text again.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import JSON, Table, Uuid, bindparam, text

from kit.database import Statement

ROWS = bindparam("rows", type_=JSON())


def insert_many(table: Table, columns: Sequence[str]) -> Statement:
    """Its `rows` are made by `as_json`."""
    names = ", ".join(columns)
    return Statement(
        text(
            f"INSERT INTO {table.name} ({names}) "
            f"SELECT {names} FROM json_populate_recordset(NULL\\:\\:{table.name}, :rows)"
        ).bindparams(ROWS)
    )


def update_many(table: Table, columns: Sequence[str]) -> Statement:
    """For rows that this transaction has locked."""
    values = ", ".join(f"{name} = given.{name}" for name in columns)
    return Statement(
        text(
            f"UPDATE {table.name} SET {values} "
            f"FROM json_populate_recordset(NULL\\:\\:{table.name}, :rows) AS given "
            f"WHERE {table.name}.workspace_id = :workspace AND {table.name}.id = given.id"
        ).bindparams(bindparam("workspace", type_=Uuid()), ROWS)
    )


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows by their columns."""
    return orjson.dumps(rows, default=_plain).decode()


def _plain(value: Any) -> str:
    """The driver's own UUIDs are none to the encoder."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no value of a column")
