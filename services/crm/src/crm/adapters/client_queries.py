"""How clients and owners are read: straight from rows to whoever shows them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    FromClause,
    Select,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
    true,
)

from crm.adapters.client_figures import (
    CURRENCY,
    contact_by_client,
    contact_with,
    family_of,
    figure_in,
    won_by_client,
    worth_of,
)
from crm.adapters.filters import Field, Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import WORKSPACE, Read, in_sight, is_row
from crm.adapters.tables import clients, owners
from crm.domain.custom_field import Resource

CLIENT = bindparam("client", type_=Uuid())
ALIVE = clients.c.deleted_at.is_(None)
SEEN = in_sight(clients)


def _figure(kind: Kind, found: FromClause, least: Any) -> Field:
    """A field to sort by, found for all clients at once when somebody does."""
    figure = figure_in(found, kind.value.sql)
    return Field(
        kind,
        figure,
        order=func.coalesce(figure, least),
        filterable=False,
        beside=lambda source: source.join(found, true()),
    )


FIELDS = Fields(
    {
        "name": sortable(Kind.TEXT, clients.c.name, order=clients.c.sort_name),
        "kind": sortable(Kind.CHOICE, clients.c.kind),
        "parent_id": Field(Kind.ID, clients.c.parent_id),
        "owner_id": Field(Kind.ID, clients.c.owner_id),
        "emails": Field(Kind.TAGS, clients.c.emails),
        "phones": Field(Kind.TAGS, clients.c.phones),
        "tags": Field(Kind.TAGS, clients.c.tags),
        "created_at": sortable(Kind.INSTANT, clients.c.created_at),
        "updated_at": sortable(Kind.INSTANT, clients.c.updated_at),
        "won_value": _figure(Kind.INTEGER, won_by_client(), literal_column("0", BigInteger())),
        "last_contact_at": _figure(Kind.INSTANT, contact_by_client(), Kind.INSTANT.value.least),
    },
    custom=clients.c.custom_fields,
)
_parent, _owner = clients.alias("parent"), owners.alias("owner")


def shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.mapping.client_message."""
    family = family_of(page)
    worth, contact = worth_of(page, family), contact_with(family)
    return select(
        page.c.id,
        page.c.version,
        page.c.kind,
        page.c.name,
        page.c.parent_id,
        _parent.c.name.label("parent_name"),
        page.c.emails,
        page.c.phones,
        page.c.address,
        page.c.website,
        page.c.owner_id,
        _owner.c.name.label("owner_name"),
        page.c.tags,
        page.c.custom_fields,
        page.c.notes,
        page.c.external_id,
        page.c.created_at,
        page.c.updated_at,
        worth.c.open_deals,
        worth.c.open_value,
        worth.c.won_value,
        worth.c.won_deals,
        worth.c.lost_deals,
        worth.c.open_without_rate,
        worth.c.won_without_rate,
        contact.c.last_at,
        (func.cardinality(family) - literal_column("1")).label("people"),
        CURRENCY.label("currency"),
    ).select_from(
        page.outerjoin(_parent, is_row(_parent, page.c.parent_id))
        .outerjoin(_owner, is_row(_owner, page.c.owner_id))
        .join(worth, true())
        .join(contact, true())
    )


GET = Read(
    shown(
        select(clients)
        .where(clients.c.workspace_id == WORKSPACE, clients.c.id == CLIENT, ALIVE, SEEN)
        .subquery("client")
    )
)
CLIENTS = Listing(
    clients,
    FIELDS,
    usual=(("name", False),),
    shown=shown,
    where=[ALIVE, SEEN],
    resource=Resource.CLIENTS,
)
OWNERS = Listing(
    owners,
    Fields(
        {
            "id": Field(Kind.ID, owners.c.id),
            "name": sortable(Kind.TEXT, owners.c.name, order=func.lower(owners.c.name)),
        }
    ),
    usual=(("name", False),),
    shown=lambda page: select(page.c.id, page.c.name, page.c.user_id),
    where=[owners.c.removed_at.is_(None)],
)
