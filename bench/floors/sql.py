"""Schema, rows and statements of the floors; one round trip and one transaction each."""

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import asyncpg

WORKSPACE = uuid5(NAMESPACE_DNS, "floor")
POOL = 8
FIELDS = (
    "id", "title", "stage", "amount", "currency", "company_id", "contact_id", "owner_id",
    "probability", "expected_close", "version", "created_at", "updated_at",
)  # fmt: skip

SCHEMA = """
DROP TABLE IF EXISTS deal, outbox, pick;
CREATE TABLE deal (
  id uuid PRIMARY KEY, workspace_id uuid NOT NULL, stage smallint NOT NULL, title text NOT NULL,
  amount bigint NOT NULL, currency text NOT NULL, company_id uuid, contact_id uuid, owner_id uuid,
  probability smallint NOT NULL, expected_close date, position double precision NOT NULL,
  version int NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE outbox (id bigserial PRIMARY KEY, workspace_id uuid NOT NULL, subject text NOT NULL,
  payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz);
"""
ROWS = """
INSERT INTO deal SELECT gen_random_uuid(), $1::uuid, g % 5, 'Deal ' || g,
  (g * 37 % 100000) * 100 + 50, 'USD', gen_random_uuid(), gen_random_uuid(), $1::uuid,
  10 * (g % 10), current_date + (g % 90), g, 1, now() - g * interval '1 minute', now()
FROM generate_series(1, $2::int) g"""
INDEXES = f"""
CREATE INDEX deal_list ON deal (workspace_id, created_at DESC, id DESC);
CREATE INDEX deal_board ON deal (workspace_id, stage, position) INCLUDE (amount);
CREATE TABLE pick AS SELECT row_number() OVER ()::int n, id FROM (
  SELECT id FROM deal WHERE workspace_id = '{WORKSPACE}' LIMIT 2000) chosen;
ALTER TABLE pick ADD PRIMARY KEY (n);
"""

COLUMNS = (
    "id::text, title, stage, amount, currency, company_id::text, contact_id::text, owner_id::text,"
    " probability, expected_close::text, version, created_at, updated_at"
)
LIST = f"""
SELECT {COLUMNS} FROM deal WHERE workspace_id = $1
ORDER BY created_at DESC, id DESC LIMIT $2"""
LIST_AFTER = f"""
SELECT {COLUMNS} FROM deal WHERE workspace_id = $1 AND (created_at, id) < ($3, $4::uuid)
ORDER BY created_at DESC, id DESC LIMIT $2"""
GET = f"SELECT {COLUMNS} FROM deal WHERE id = $1 AND workspace_id = $2"
CREATE = f"""
WITH d AS (
  INSERT INTO deal (id, workspace_id, stage, title, amount, currency, company_id, owner_id,
    probability, position)
  VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6::uuid, $7::uuid, $8, 0) RETURNING *
), o AS (
  INSERT INTO outbox (workspace_id, subject, payload)
  SELECT workspace_id, 'deal.created', jsonb_build_object('deal_id', id, 'stage', stage,
    'amount', amount, 'owner_id', owner_id) FROM d
)
SELECT {COLUMNS} FROM d"""
MOVE = f"""
WITH d AS (
  UPDATE deal SET stage = $3, version = version + 1, updated_at = now()
  WHERE id = $1 AND workspace_id = $2 AND version = $4 RETURNING *
), o AS (
  INSERT INTO outbox (workspace_id, subject, payload)
  SELECT workspace_id, 'deal.moved', jsonb_build_object('deal_id', id, 'stage', stage,
    'version', version) FROM d
)
SELECT {COLUMNS} FROM d"""
TOTALS = """
SELECT stage, count(*), sum(amount)::bigint FROM deal WHERE workspace_id = $1 GROUP BY stage"""
CARDS = """
SELECT c.* FROM generate_series(0, 4) s CROSS JOIN LATERAL (
  SELECT stage, id::text, title, amount, currency, owner_id::text, version FROM deal
  WHERE workspace_id = $1 AND stage = s ORDER BY position LIMIT 25) c"""


async def open_pool(dsn: str) -> Any:
    """Without asyncpg's reset at every release: no session state is ever set here."""

    async def nothing(connection: object) -> None:
        return

    return await asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL, reset=nothing)


async def seed(dsn: str, deals: int) -> None:
    """Fresh tables with so many deals."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    await connection.execute(ROWS, WORKSPACE, deals, timeout=300)
    await connection.execute(INDEXES)
    await connection.execute("VACUUM ANALYZE deal")
    await connection.close()


async def trim(dsn: str) -> None:
    """Drop what runs created, and the room that moved rows left: every run begins alike."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("DELETE FROM deal WHERE expected_close IS NULL")
    await connection.execute("TRUNCATE outbox")
    await connection.execute("VACUUM FULL ANALYZE deal")
    await connection.close()


def pgbench_scripts() -> dict[str, str]:
    """The statements for `pgbench -M prepared -D w=WORKSPACE`; the workspace stays a parameter."""
    pick = "\\set s random(0, 4)\n\\set n random(1, 2000)\n"
    deal = "(SELECT id FROM pick WHERE n = :n)"
    created = _filled(
        CREATE, ":w::uuid", ":s::smallint", "'New deal'::text", "125000::bigint", "'USD'::text",
        "gen_random_uuid()", "gen_random_uuid()", "10::smallint",
    )  # fmt: skip
    moved = _filled(MOVE.replace("version = $4", "true"), deal, ":w::uuid", ":s::smallint")
    return {
        "list": _filled(LIST, ":w::uuid", "50"),
        "get": pick + _filled(GET, deal, ":w::uuid"),
        "create": pick + created,
        "move": pick + moved,
        "board": _filled(TOTALS, ":w::uuid") + _filled(CARDS, ":w::uuid"),
    }


def _filled(statement: str, *values: str) -> str:
    for number, value in reversed(list(enumerate(values, 1))):
        statement = statement.replace(f"${number}::uuid", value).replace(f"${number}", value)
    return " ".join(statement.split()) + ";\n"
