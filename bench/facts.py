"""Facts of made-up workspaces, as events would leave them in the database of analytics."""

from uuid import UUID

import asyncpg

from kit.ids import new_id

# Deals over three years, seven of ten closed. Clients, values and outcomes are diced; where a deal
# came from decides how often it is won, so that there is something to learn and to tell reasons of.
_STATES = """
INSERT INTO deal_states (workspace_id, deal_id, version, happened_at, told_at, client_id, owner_id,
    amount_minor, currency, base_currency, stage_id, stage_type, source, has_next_step,
    created_at, entered_stage_at, closed_at, deleted)
SELECT $1, d.id, v.version, v.at, v.at, d.client, d.owner, d.amount, 'EUR', '',
    CASE v.type WHEN 'open' THEN $3::uuid WHEN 'won' THEN $4::uuid ELSE $5::uuid END, v.type,
    d.source, true, d.created, v.at, CASE WHEN v.type <> 'open' THEN v.at END, false
FROM (
    SELECT gen_random_uuid() AS id, now() - random() * interval '3 years' AS created,
        ($6::uuid[])[1 + floor(random() * cardinality($6::uuid[]))::int] AS client,
        ($7::uuid[])[1 + floor(random() * cardinality($7::uuid[]))::int] AS owner,
        (100 + random() * 9900)::bigint * 100 AS amount,
        (ARRAY['referral', 'website', 'cold'])[1 + origin] AS source, 0.75 - 0.2 * origin AS chance,
        random() AS closes, random() AS wins, random() * interval '60 days' AS took
    FROM (SELECT floor(random() * 3)::int AS origin FROM generate_series(1, $2)) dice
) d CROSS JOIN LATERAL (
    SELECT 1 AS version, d.created AS at, 'open' AS type
    UNION ALL
    SELECT 2, least(d.created + d.took, now()),
        CASE WHEN d.wins < d.chance THEN 'won' ELSE 'lost' END
    WHERE d.closes < 0.7
) v"""
_DEALS = """
INSERT INTO deals (workspace_id, deal_id, version, name, client_id, owner_id, amount_minor,
    currency, stage_id, stage_type, source, created_at, entered_stage_at, closed_at)
SELECT DISTINCT ON (deal_id) workspace_id, deal_id, version, 'Deal', client_id, owner_id,
    amount_minor, currency, stage_id, stage_type, source, created_at, entered_stage_at, closed_at
FROM deal_states WHERE workspace_id = $1 ORDER BY deal_id, version DESC"""
_CLIENTS = """
INSERT INTO clients (workspace_id, client_id, version, presence_version, kind, name, created_at)
SELECT $1, id, 1, 1, 'company', 'Client', now() - interval '3 years' FROM unnest($2::uuid[]) id"""
_WORKSPACE = """
INSERT INTO workspaces (workspace_id, version, currency, time_zone, changes, as_of)
VALUES ($1, 1, 'EUR', 'Europe/Berlin', 1, now())"""
_RESCORING = """
INSERT INTO rescoring (workspace_id, due_at, backtested_on) VALUES ($1, NULL, current_date)"""
_MOVED = """
UPDATE deals SET version = version + 1, entered_stage_at = now() WHERE workspace_id = $1
    AND deal_id = (SELECT deal_id FROM deals WHERE workspace_id = $1 AND closed_at IS NULL LIMIT 1)
RETURNING deal_id"""
_MOVED_STATE = """
INSERT INTO deal_states (workspace_id, deal_id, version, happened_at, told_at, client_id, owner_id,
    amount_minor, currency, base_currency, stage_id, stage_type, source, has_next_step,
    created_at, entered_stage_at, closed_at, deleted)
SELECT workspace_id, deal_id, version + 1, now(), now(), client_id, owner_id,
    amount_minor, currency, base_currency, stage_id, stage_type, source, has_next_step,
    created_at, now(), NULL, false
FROM deal_states WHERE workspace_id = $1 AND deal_id = $2"""


async def make(analytics: asyncpg.Connection, deals: int, *, clients: int, owners: int = 5) -> UUID:
    """A workspace that nothing has been computed for; its past is not to be replayed."""
    workspace, people = new_id(), [new_id() for _ in range(clients)]
    stages, sellers = [new_id() for _ in range(3)], [new_id() for _ in range(owners)]
    async with analytics.transaction():
        await analytics.execute(_WORKSPACE, workspace)
        await analytics.execute(_RESCORING, workspace)
        await analytics.execute(_CLIENTS, workspace, people)
        await analytics.execute(_STATES, workspace, deals, *stages, people, sellers, timeout=600)
        await analytics.execute(_DEALS, workspace, timeout=600)
    return workspace


async def move(analytics: asyncpg.Connection, workspace: UUID) -> None:
    """One open deal, as an event of it would."""
    async with analytics.transaction():
        moved = await analytics.fetchval(_MOVED, workspace)
        await analytics.execute(_MOVED_STATE, workspace, moved)
        changed = "UPDATE workspaces SET changes = changes + 1 WHERE workspace_id = $1"
        await analytics.execute(changed, workspace)
