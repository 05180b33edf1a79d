"""Does an erasure leave anything behind? A row in every table of workspaces, and their count."""

import re
from typing import Any
from uuid import UUID

from kit.erasure import REFERENCES, TABLES, erase
from kit.ids import new_id
from kit.testing.database import ServiceDatabase

_COLUMNS = """
SELECT attname::text AS name, format_type(atttypid, NULL) AS type,
    (SELECT string_agg(pg_get_constraintdef(c.oid), ' ') FROM pg_constraint c
        WHERE c.contype = 'c' AND c.conrelid = attrelid AND attnum = ANY (c.conkey)) AS checks
FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
    AND attidentity = '' AND attgenerated = ''"""
_VALUES = {
    "boolean": "true",
    "date": "'2026-03-01'",
    "jsonb": "'{}'",
    "timestamp with time zone": "'2026-03-01'",
}


async def erased_without_trace(database: ServiceDatabase) -> None:
    """Two workspaces have a row in every table; one is erased, and the other loses nothing."""
    gone, other = new_id(), new_id()
    tables = [row["name"] for row in await database.owner.fetch(TABLES)]
    for workspace_id in (gone, other):
        await _fill(database, workspace_id, tables)
    before = await _rows(database, other, tables)
    assert all(before.values()), before
    await _erase(database, gone)
    left = await _rows(database, gone, tables)
    assert not any(left.values()), left
    assert await _rows(database, other, tables) == before
    finished = "SELECT finished_at IS NOT NULL FROM erasures WHERE workspace_id = $1"
    assert await database.owner.fetchval(finished, gone)
    await _erase(database, other)  # the next test finds none of this


async def _erase(database: ServiceDatabase, workspace_id: UUID) -> None:
    """As two hours after it was asked for, with everything told."""
    await database.owner.execute(
        "UPDATE outbox SET sent_at = now() WHERE workspace_id = $1", workspace_id
    )
    await database.owner.execute(
        "INSERT INTO erasures (workspace_id, asked_at) VALUES ($1, now() - interval '2 hours')",
        workspace_id,
    )
    await erase(database.system, workspace_id)


async def _rows(database: ServiceDatabase, workspace_id: UUID, tables: list[str]) -> dict[str, int]:
    count = 'SELECT count(*) FROM "%s" WHERE workspace_id = $1'
    found = {table: await database.owner.fetchval(count % table, workspace_id) for table in tables}
    letters = "SELECT count(*) FROM dead_letters WHERE headers ->> 'ce-workspaceid' = $1"
    found["dead_letters"] = await database.owner.fetchval(letters, str(workspace_id))
    return found


async def _fill(database: ServiceDatabase, workspace_id: UUID, tables: list[str]) -> None:
    """A row for each; what others point at comes first, and is pointed at."""
    references = await database.owner.fetch(REFERENCES)
    keys: dict[str, dict[str, Any]] = {}
    waiting = list({*tables, *(r["pointed_at"] for r in references if r["pointing"] in tables)})
    while waiting:
        table = waiting.pop(0)
        mine = [r for r in references if r["pointing"] == table]
        if any(r["pointed_at"] in waiting for r in mine):
            waiting.append(table)
            continue
        known = {"workspace_id": f"'{workspace_id}'"}
        for reference in mine:
            known |= _pointing(reference, keys.get(reference["pointed_at"]))
        keys[table] = await _add(database, table, known)
        for reference in mine:
            if reference["pointed_at"] == table:  # a chain
                await _add(database, table, known | _pointing(reference, keys[table]))
    await database.owner.execute(
        "INSERT INTO dead_letters (consumer, event_id, subject, headers, body, error, attempts)"
        " VALUES ('one', $1, 's', jsonb_build_object('ce-workspaceid', $2::text), '', '', 1)",
        new_id(),
        str(workspace_id),
    )


def _pointing(reference: Any, keys: dict[str, str] | None) -> dict[str, str]:
    """The values of a reference; of one into a table without a row, nothing."""
    pairs = zip(reference["columns"], reference["keys"], strict=True)
    if keys is None:
        return {column: "NULL" for column, _ in pairs if column != "workspace_id"}
    return {column: keys[key] for column, key in pairs}


async def _add(database: ServiceDatabase, table: str, known: dict[str, str]) -> dict[str, str]:
    columns = await database.owner.fetch(_COLUMNS, table)
    values = {c["name"]: known.get(c["name"]) or _value(c["name"], c) for c in columns}
    names = ", ".join(f'"{name}"' for name in values)
    await database.owner.execute(
        f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(values.values())})'
    )
    return values


def _value(name: str, column: Any) -> str:
    """One that the column's CHECK allows, as far as it lists words."""
    allowed = re.search(rf"\(?{name} = ANY \(\(?ARRAY\['(\w+)'", column["checks"] or "")
    if allowed:
        return f"'{allowed[1]}'"
    if column["type"] in ("bytea", "text", "uuid"):
        return f"'{new_id()}'"
    if column["type"].endswith("[]"):
        return "'{}'"
    return _VALUES.get(column["type"], "'1'")
