"""What happened, as one ordered list: changes of deals, activities that were done, and clients.

One statement per scope puts the sources together, each of them cut to a page before they are, so
that a page is as cheap at the end as at the beginning.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    tuple_,
    union_all,
)

from crm.adapters.activity_queries import SEEN
from crm.adapters.client_figures import family_of
from crm.adapters.reading import WORKSPACE, Read, in_sight, is_row
from crm.adapters.tables import (
    activities,
    clients,
    deal_history,
    deals,
    owners,
    record_history,
    removed_stages,
    stages,
)

CLIENT, DEAL = (bindparam(name, type_=Uuid()) for name in ("client", "deal"))
AT = bindparam("at", type_=DateTime(timezone=True))
ID = bindparam("id", type_=Uuid())
SIZE = bindparam("size", type_=Integer())

_deal, _client, _actor = deals.alias("deal"), clients.alias("client"), owners.alias("actor")
_from, _to, _did = stages.alias("from_stage"), stages.alias("to_stage"), activities.alias("did")
_old_from, _old_to = removed_stages.alias("old_from"), removed_stages.alias("old_to")
_of_client = clients.alias("of_client")
_CREATOR = (
    select(record_history.c.actor_id)
    .where(
        record_history.c.workspace_id == WORKSPACE,
        record_history.c.record_id == clients.c.id,
        record_history.c.version == 1,
    )
    .limit(1)
    .scalar_subquery()
)
_family = (
    select(family_of(_of_client))
    .where(
        _of_client.c.workspace_id == WORKSPACE,
        _of_client.c.id == CLIENT,
        _of_client.c.deleted_at.is_(None),
        in_sight(_of_client),
    )
    .scalar_subquery()
)


def _page(query: Select[Any], at: ColumnElement[Any], id: ColumnElement[Any]) -> Any:
    """The part of a source that may be on the page."""
    return (
        query.where(tuple_(at, id) < tuple_(AT, ID))
        .order_by(at.desc(), id.desc())
        .limit(SIZE)
        .subquery()
    )


def _history(*scope: ColumnElement[bool]) -> Any:
    """Changes of deals; one's place in a column is nothing to tell."""
    line = deal_history.c
    query = (
        select(
            line.id,
            (literal_column("'deal_'", Text) + line.kind).label("kind"),
            line.happened_at.label("at"),
            line.actor_id,
            line.deal_id,
            deals.c.client_id,
            line.changes,
            line.from_stage_id,
            line.to_stage_id,
            line.days_in_stage,
        )
        .select_from(deal_history.join(deals, is_row(deals, line.deal_id)))
        .where(
            line.workspace_id == WORKSPACE,
            line.kind != literal_column("'reordered'"),
            in_sight(deals),
            *scope,
        )
    )
    return _page(query, line.happened_at, line.id)


def _done(*scope: ColumnElement[bool]) -> Any:
    """Activities by the time at which they were done."""
    did = activities.c
    query = select(
        did.id,
        case(
            (did.kind == literal_column("'note'"), literal_column("'note'")),
            else_=literal_column("'activity_done'"),
        ).label("kind"),
        did.done_at.label("at"),
        did.owner_id.label("actor_id"),
        did.deal_id,
        did.client_id,
        *_nothing_changed(),
    ).where(
        did.workspace_id == WORKSPACE,
        did.done_at.is_not(None),
        did.deleted_at.is_(None),
        SEEN,
        *scope,
    )
    return _page(query, did.done_at, did.id)


def _begun(scope: ColumnElement[bool]) -> Any:
    """Clients by the time at which they came to be."""
    query = select(
        clients.c.id,
        literal_column("'client_created'").label("kind"),
        clients.c.created_at.label("at"),
        _CREATOR.label("actor_id"),
        null().cast(Uuid).label("deal_id"),
        clients.c.id.label("client_id"),
        *_nothing_changed(),
    ).where(clients.c.workspace_id == WORKSPACE, scope, clients.c.deleted_at.is_(None))
    return _page(query, clients.c.created_at, clients.c.id)


def _nothing_changed() -> list[ColumnElement[Any]]:
    return [
        literal_column("'[]'::jsonb", deal_history.c.changes.type).label("changes"),
        null().cast(Uuid).label("from_stage_id"),
        null().cast(Uuid).label("to_stage_id"),
        null().cast(deal_history.c.days_in_stage.type).label("days_in_stage"),
    ]


def _timeline(*sources: Any) -> Read:
    """For entrypoints.rpc.timeline.entry_message."""
    page = (
        select(union_all(*(select(source) for source in sources)).subquery())
        .order_by(literal_column("at").desc(), literal_column("id").desc())
        .limit(SIZE)
        .subquery("page")
    )
    return Read(
        select(
            page,
            _actor.c.name.label("actor_name"),
            _deal.c.name.label("deal_name"),
            _client.c.name.label("client_name"),
            func.coalesce(_from.c.name, _old_from.c.name).label("from_stage_name"),
            func.coalesce(_to.c.name, _old_to.c.name).label("to_stage_name"),
            _did.c.kind.label("activity_kind"),
            _did.c.subject,
            _did.c.body,
            _did.c.version.label("activity_version"),
        )
        .select_from(
            page.outerjoin(_actor, is_row(_actor, page.c.actor_id))
            .outerjoin(_deal, is_row(_deal, page.c.deal_id))
            .outerjoin(_client, is_row(_client, page.c.client_id))
            .outerjoin(_from, is_row(_from, page.c.from_stage_id))
            .outerjoin(_to, is_row(_to, page.c.to_stage_id))
            .outerjoin(_old_from, is_row(_old_from, page.c.from_stage_id))
            .outerjoin(_old_to, is_row(_old_to, page.c.to_stage_id))
            .outerjoin(_did, is_row(_did, page.c.id))
        )
        .order_by(page.c["at"].desc(), page.c.id.desc())
    )


_alive = deals.c.deleted_at.is_(None)
_in_family = func.coalesce(_family, literal_column("'{}'::uuid[]"))
OF_DEAL = _timeline(
    _history(deal_history.c.deal_id == DEAL, _alive), _done(activities.c.deal_id == DEAL)
)
OF_CLIENT = _timeline(
    _history(deals.c.client_id == any_(_in_family), _alive),
    _done(activities.c.client_id == any_(_in_family)),
    _begun(clients.c.id == any_(_in_family)),
)
OF_WORKSPACE = _timeline(_history(), _done())
