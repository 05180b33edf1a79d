"""What the deals and activities of clients come to: of a page, or of all of them to sort by.

A company's figures are those of its people, too.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Numeric,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, array

from crm.adapters.reading import TIME_ZONE, WORKSPACE, in_sight, is_row
from crm.adapters.tables import activities, clients, currency_rates, deals, stages, workspaces
from crm.domain.stage import DEFAULT_CURRENCY

CONTACTS = ("call", "meeting", "mail")
# As a subquery: under the policies COALESCE itself would lead into no index.
CURRENCY = select(
    func.coalesce(
        select(workspaces.c.currency)
        .where(workspaces.c.workspace_id == WORKSPACE)
        .scalar_subquery(),
        literal_column(f"'{DEFAULT_CURRENCY}'"),
    )
).scalar_subquery()
_person = clients.alias("person")
_person_is_there = (_person.c.workspace_id == WORKSPACE) & _person.c.deleted_at.is_(None)
_staged = deals.join(stages, is_row(stages, deals.c.stage_id))
_is_contact = and_(
    activities.c.workspace_id == WORKSPACE,
    activities.c.kind.in_([literal_column(f"'{kind}'") for kind in CONTACTS]),
    activities.c.deleted_at.is_(None),
)


def family_of(page: FromClause) -> ColumnElement[Any]:
    """A client, and whoever stands under it."""
    people = (
        select(_person.c.id)
        .where(_person_is_there, _person.c.parent_id == page.c.id)
        .correlate(page)  # by name: inside a LATERAL it would be taken for a table of its own
        .scalar_subquery()
    )
    return func.array_append(func.array(people), page.c.id, type_=ARRAY(Uuid()))


def worth_of(page: FromClause, family: ColumnElement[Any]) -> FromClause:
    """What the deals add up to; one of a currency without a rate is in no sum and is counted."""
    family_deals = (
        select(stages.c.type)
        .select_from(_staged)
        .where(deals.c.client_id == any_(family))
        .correlate(page)
    )
    each = _valued(family_deals)

    def of_type(type: str) -> ColumnElement[bool]:
        return each.c.type == literal_column(f"'{type}'")

    def count(type: str) -> ColumnElement[int]:
        return func.count().filter(of_type(type))

    def total(type: str) -> ColumnElement[int]:
        return _minor(func.sum(_half_even(each.c.exact)).filter(of_type(type)))

    def without_rate(type: str) -> ColumnElement[int]:
        missing = (each.c.amount_minor.is_not(None), each.c.exact.is_(None))
        return func.count().filter(of_type(type), *missing)

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


def contact_with(family: ColumnElement[Any]) -> FromClause:
    """When somebody was last in touch."""
    return (
        select(func.max(activities.c.done_at).label("last_at"))
        .where(_is_contact, activities.c.client_id == any_(family))
        .lateral("contact")
    )


def won_by_client() -> FromClause:
    """What the won deals of every client add up to."""
    theirs = (
        select(_person.c.id, _person.c.parent_id)
        .select_from(_staged.join(_person, is_row(_person, deals.c.client_id)))
        .where(_person_is_there, stages.c.type == literal_column("'won'"))
    )
    each = _valued(theirs)
    won = func.sum(_half_even(each.c.exact))
    return _by_client(select(each.c.id, each.c.parent_id, won.label("figure")), func.sum, "won")


def contact_by_client() -> FromClause:
    """When somebody was last in touch with every client."""
    last_at = func.max(activities.c.done_at)
    theirs = (
        select(_person.c.id, _person.c.parent_id, last_at.label("figure"))
        .select_from(activities.join(_person, is_row(_person, activities.c.client_id)))
        .where(_is_contact, _person_is_there)
    )
    return _by_client(theirs, func.max, "contact")


def _by_client(theirs: Select[Any], combined: Callable[..., Any], name: str) -> FromClause:
    """One row with the figures of all clients, each its own and, for a company, its people's.

    A map to look them up in: the planner guesses that grouping what is unfolded leaves two of
    them, and would go through thousands for each client rather than join by a hash.
    """
    own = theirs.group_by(*list(theirs.selected_columns)[:2]).subquery("own")
    whose = (
        func.unnest(array[Any]([own.c.id, own.c.parent_id], type_=Uuid()))
        .table_valued("client_id", name="whose")
        .render_derived()
    )
    each = (
        select(whose.c.client_id, combined(own.c.figure).label("figure"))
        .select_from(own.join(whose, whose.c.client_id.is_not(None)))
        .group_by(whose.c.client_id)
        .subquery("each")
    )
    found = func.jsonb_object_agg(each.c.client_id, each.c.figure, type_=JSONB())
    return select(found.label("figures")).select_from(each).subquery(name)


def figure_in(found: FromClause, type_: Any) -> ColumnElement[Any]:
    """What one of the above says of the client of a row, if anything."""
    return cast(found.c.figures[cast(clients.c.id, Text)].astext, type_)


def _valued(found: Select[Any]) -> FromClause:
    """Deals of a selection, each with its exact worth in the workspace's currency."""
    changed = func.coalesce(deals.c.closed_at, deals.c.updated_at)
    dated = (
        found.add_columns(
            deals.c.currency,
            deals.c.amount_minor,
            cast(func.timezone(TIME_ZONE, changed), Date).label("day"),
        )
        .where(deals.c.workspace_id == WORKSPACE, deals.c.deleted_at.is_(None), in_sight(deals))
        # OFFSET: as a column the day leads into the index of the rates, as a function it may not.
        .offset(literal_column("0"))
        .lateral("dated")
    )
    exact = case(
        (dated.c.currency == CURRENCY, cast(dated.c.amount_minor, Numeric)),
        (dated.c.amount_minor.is_not(None), dated.c.amount_minor * _factor(dated)),
    )
    # OFFSET: else the rate would be looked up again for each place that the amount is named at.
    return select(dated, exact.label("exact")).offset(literal_column("0")).lateral("each")


def _factor(dated: FromClause) -> ColumnElement[Any]:
    """Of the deal's day, as `domain.rates` has it: the latest by that day, else the first one."""
    rates = currency_rates.c
    known = (
        select(rates.factor)
        .where(
            rates.workspace_id == WORKSPACE,
            rates.base == CURRENCY,
            rates.currency == dated.c.currency,
            rates.factor.is_not(None),
        )
        .limit(literal_column("1"))
        .correlate(dated)
    )
    by_then = known.where(rates.valid_from <= dated.c.day).order_by(rates.valid_from.desc())
    return func.coalesce(
        by_then.scalar_subquery(), known.order_by(rates.valid_from).scalar_subquery()
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


def _minor(total: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(total, literal_column("0", BigInteger)), BigInteger)
