"""Search: what `search_records` finds, with what is shown of it.

The function knows workspace and sight from the transaction; the joins ask the policies once more.
"""

from uuid import UUID

from sqlalchemy import Integer, Text, bindparam, func, literal_column, select

from crm.adapters.reading import Read, is_row
from crm.adapters.tables import activities, clients, deals, stages
from kit.pool import Pool

MOST = 8  # of each kind
LONGEST = 200  # characters of a question that are looked at

_found = (
    func.search_records(bindparam("asked", type_=Text()), literal_column(str(MOST), Integer))
    .table_valued("kind", "record_id", "rank", name="found")
    .render_derived()
)
_deal, _client, _activity = (
    deals.alias("deal"),
    clients.alias("client"),
    activities.alias("activity"),
)
_stage, _of_deal = stages.alias("stage"), clients.alias("of_deal")
_on_deal, _on_client = deals.alias("on_deal"), clients.alias("on_client")
_company = clients.alias("company")

_shown = (
    select(
        _found.c.kind,
        _found.c.record_id,
        _found.c.rank,
        func.coalesce(_deal.c.name, _client.c.name, _activity.c.subject).label("title"),
        _deal.c.amount_minor,
        _deal.c.currency,
        _stage.c.name.label("stage_name"),
        _stage.c.type.label("stage_type"),
        func.coalesce(_of_deal.c.name, _on_client.c.name, _company.c.name).label("client_name"),
        _on_deal.c.name.label("deal_name"),
        _activity.c.due_at,
        _activity.c.done_at,
        _activity.c.deal_id.label("on_deal_id"),
        _activity.c.client_id.label("on_client_id"),
        _client.c.kind.label("client_kind"),
    )
    .select_from(
        _found.outerjoin(_deal, is_row(_deal, _found.c.record_id))
        .outerjoin(_stage, is_row(_stage, _deal.c.stage_id))
        .outerjoin(_of_deal, is_row(_of_deal, _deal.c.client_id))
        .outerjoin(_client, is_row(_client, _found.c.record_id))
        .outerjoin(_company, is_row(_company, _client.c.parent_id))
        .outerjoin(_activity, is_row(_activity, _found.c.record_id))
        .outerjoin(_on_deal, is_row(_on_deal, _activity.c.deal_id))
        .outerjoin(_on_client, is_row(_on_client, _activity.c.client_id))
    )
    .where(func.coalesce(_deal.c.id, _client.c.id, _activity.c.id).is_not(None))
    .order_by(
        _found.c.rank.desc(),
        func.coalesce(_deal.c.updated_at, _client.c.updated_at, _activity.c.updated_at).desc(),
        _found.c.record_id.desc(),
    )
)
SEARCH = Read(_shown)


async def forget_terms(system: Pool, workspace_id: UUID) -> None:
    """Drop the words that no record has any more."""
    await system.execute("SELECT forget_search_terms($1)", workspace_id)
