"""How clients and owners are read: straight from rows to whoever shows them."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Numeric,
    Select,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)

from crm.adapters.filters import Field, Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import TIME_ZONE, WORKSPACE, Read, in_sight, is_row
from crm.adapters.tables import (
    activities,
    clients,
    currency_rates,
    deals,
    owners,
    stages,
    workspaces,
)
from crm.domain.custom_field import Resource
from crm.domain.stage import DEFAULT_CURRENCY

CLIENT = bindparam("client", type_=Uuid())
ALIVE = clients.c.deleted_at.is_(None)
SEEN = in_sight(clients)
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
    },
    custom=clients.c.custom_fields,
)
_parent, _owner = clients.alias("parent"), owners.alias("owner")
_currency = func.coalesce(
    select(workspaces.c.currency).where(workspaces.c.workspace_id == WORKSPACE).scalar_subquery(),
    literal_column(f"'{DEFAULT_CURRENCY}'"),
)


_people = clients.alias("people")
CONTACTS = ("call", "meeting", "mail")


def family_of(page: FromClause) -> ColumnElement[Any]:
    """A client, and whoever stands under it: a company's figures are those of its people, too."""
    people = (
        select(_people.c.id)
        .where(
            _people.c.workspace_id == WORKSPACE,
            _people.c.parent_id == page.c.id,
            _people.c.deleted_at.is_(None),
        )
        .correlate(page)  # by name: inside a LATERAL it would be taken for a table of its own
        .scalar_subquery()
    )
    return func.array_append(func.array(people), page.c.id, type_=ARRAY(Uuid()))


def _factor() -> Any:
    """Of the deal's day, as `domain.rates` has it: the latest by that day, else the first one."""
    changed = func.coalesce(deals.c.closed_at, deals.c.updated_at)
    day = cast(func.timezone(TIME_ZONE, changed), Date)
    rates = currency_rates.c
    return (
        select(rates.factor)
        .where(
            rates.workspace_id == WORKSPACE,
            rates.base == _currency,
            rates.currency == deals.c.currency,
            rates.factor.is_not(None),
        )
        .order_by(rates.valid_from > day, func.abs(rates.valid_from - day))
        .limit(literal_column("1"))
        .correlate(deals)
        .scalar_subquery()
    )


def _half_even(exact: ColumnElement[Any]) -> ColumnElement[Any]:
    """Rounded like everywhere else; PostgreSQL alone would round halves away from nought."""
    whole = func.trunc(exact)
    return case(
        (
            (func.abs(exact - whole) == literal_column("0.5"))
            & (func.mod(whole, literal_column("2")) == literal_column("0")),
            whole,
        ),
        else_=func.round(exact),
    )


def _worth_of(page: FromClause, family: ColumnElement[Any]) -> Any:
    """What the deals add up to; one of a currency without a rate is in no sum and is counted."""
    zero = literal_column("0", BigInteger)
    exact = case(
        (deals.c.currency == _currency, cast(deals.c.amount_minor, Numeric)),
        (deals.c.amount_minor.is_not(None), deals.c.amount_minor * _factor()),
    )
    # OFFSET: else the rate would be looked up again for each place that the amount is named at.
    each = (
        select(stages.c.type, deals.c.amount_minor, exact.label("exact"))
        .select_from(deals.join(stages, is_row(stages, deals.c.stage_id)))
        .where(
            deals.c.workspace_id == WORKSPACE,
            deals.c.client_id == any_(family),
            deals.c.deleted_at.is_(None),
            in_sight(deals),
        )
        .correlate(page)
        .offset(literal_column("0"))
        .lateral("each")
    )
    value = _half_even(each.c.exact)

    def count(type: str) -> ColumnElement[int]:
        return func.count().filter(each.c.type == literal_column(f"'{type}'"))

    def total(type: str) -> ColumnElement[int]:
        of_type = func.sum(value).filter(each.c.type == literal_column(f"'{type}'"))
        return cast(func.coalesce(of_type, zero), BigInteger)

    def without_rate(type: str) -> ColumnElement[int]:
        missing = (each.c.amount_minor.is_not(None), each.c.exact.is_(None))
        return func.count().filter(each.c.type == literal_column(f"'{type}'"), *missing)

    return (
        select(
            count("open").label("open_deals"),
            total("open").label("open_value"),
            total("won").label("won_value"),
            count("won").label("won_deals"),
            count("lost").label("lost_deals"),
            without_rate("open").label("open_without_rate"),
            without_rate("won").label("won_without_rate"),
        )
        .select_from(each)
        .lateral("worth")
    )


def _contact_with(family: ColumnElement[Any]) -> Any:
    """When somebody was last in touch."""
    return (
        select(func.max(activities.c.done_at).label("last_at"))
        .where(
            activities.c.workspace_id == WORKSPACE,
            activities.c.client_id == any_(family),
            activities.c.kind.in_([literal_column(f"'{kind}'") for kind in CONTACTS]),
            activities.c.deleted_at.is_(None),
        )
        .lateral("contact")
    )


def shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.mapping.client_message."""
    family = family_of(page)
    worth, contact = _worth_of(page, family), _contact_with(family)
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
        _currency.label("currency"),
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
