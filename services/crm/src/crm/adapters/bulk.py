"""Writing by the hundred, and looking up by name what rows of a file refer to."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from fractional_indexing import generate_n_keys_between
from sqlalchemy import ARRAY, Text, Uuid, bindparam, text

from crm.adapters import clients, deals
from crm.adapters.deal_statements import KEPT as DEAL_KEPT
from crm.adapters.history import HISTORY, history_values
from crm.adapters.many import as_json, insert_many
from crm.adapters.rates import valued
from crm.adapters.tables import clients as clients_table
from crm.adapters.tables import deal_history
from crm.adapters.tables import deals as deals_table
from crm.domain.client import Client, ClientKind, Parent
from crm.domain.deal import Deal
from crm.domain.entries import Named
from crm.domain.errors import ExternalIdTaken
from crm.domain.stage import DEFAULT_CURRENCY, Stage, StageType
from kit.aggregate import Fact
from kit.database import Statement, Transaction
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


def by_names(sql: str, **more: Any) -> Statement:
    return Statement(
        text(sql).bindparams(
            bindparam("workspace", type_=Uuid()),
            bindparam("names", type_=ARRAY(Text())),
            *(bindparam(name, type_=type_) for name, type_ in more.items()),
        )
    )


NEW = ("id", "workspace_id", "version", "created_at")
ADD_DEALS = insert_many(deals_table, (*NEW, *DEAL_KEPT))
ADD_HISTORY = insert_many(deal_history, ("workspace_id", "deal_id", *HISTORY))
ADD_CLIENTS = insert_many(clients_table, (*NEW, *clients.KEPT))

PATIENCE = "SET LOCAL statement_timeout = '2min'"  # what is refreshed may be large
REFRESH_STATISTICS = Statement(text("SELECT refresh_statistics()"))
SETTINGS = Statement(
    text("SELECT currency, time_zone FROM workspaces WHERE workspace_id = :workspace").bindparams(
        bindparam("workspace", type_=Uuid())
    )
)
STAGES = Statement(
    text(
        "SELECT s.id, s.name, s.type, s.rotting_days, (SELECT min(d.position) FROM deals d "
        "  WHERE d.workspace_id = :workspace AND d.stage_id = s.id AND d.deleted_at IS NULL) top "
        "FROM stages s WHERE s.workspace_id = :workspace ORDER BY s.position"
    ).bindparams(bindparam("workspace", type_=Uuid()))
)
LOST_REASONS = Statement(
    text(
        "SELECT id, name FROM lost_reasons WHERE workspace_id = :workspace ORDER BY position"
    ).bindparams(bindparam("workspace", type_=Uuid()))
)
# Materialized, so that the names are lowered once and compared as they are: see sort_name.
CLIENTS = by_names(
    "WITH given AS MATERIALIZED (SELECT name, lower(name) AS low FROM unnest(:names) AS g (name)) "
    "SELECT DISTINCT ON (given.name) given.name AS wanted, c.id, c.name, c.kind "
    "FROM given JOIN clients c ON c.workspace_id = :workspace AND c.sort_name = given.low "
    "  AND c.deleted_at IS NULL "
    "ORDER BY given.name, c.created_at, c.id"
)
OWNERS = by_names(
    "SELECT DISTINCT ON (given.name) given.name AS wanted, o.id, o.name "
    "FROM unnest(:names) AS given (name) JOIN owners o ON o.workspace_id = :workspace "
    "  AND lower(o.name) = lower(given.name) AND o.removed_at IS NULL "
    "ORDER BY given.name, o.user_id IS NULL, o.id"
)
ADD_LABELS = by_names(
    "INSERT INTO owners (id, workspace_id, version, name) "
    "SELECT id, :workspace, 1, name FROM unnest(:ids, :names) AS given (id, name) "
    "ON CONFLICT DO NOTHING",
    ids=ARRAY(Uuid()),
)
# One by one: there is one at most for an id. A join would read the whole workspace for each batch
# while the planner does not know yet how much the batches before have brought.
KNOWN_DEALS, KNOWN_CLIENTS = (
    by_names(
        "SELECT given.id AS external_id, there.id, there.name, there.alive "
        "FROM unnest(:names) AS given (id) CROSS JOIN LATERAL ("
        f"  SELECT t.id, t.name, t.deleted_at IS NULL AS alive FROM {table} t"
        "   WHERE t.workspace_id = :workspace AND t.external_id = given.id LIMIT 1) there"
    )
    for table in ("deals", "clients")
)


class Known(NamedTuple):
    """A record that carries an id of a source, possibly in the trash."""

    id: UUID
    name: str
    alive: bool


class Column(NamedTuple):
    """A stage, and the position of its first card."""

    stage: Stage
    top: str | None


async def settings(tx: Transaction) -> tuple[str, str]:
    """Currency and time zone of the workspace."""
    row = await tx.row(SETTINGS, workspace=tx.workspace_id)
    return (row["currency"], row["time_zone"]) if row else (DEFAULT_CURRENCY, "UTC")


async def columns(tx: Transaction) -> list[Column]:
    """The board's columns in order."""
    return [
        Column(
            Stage(row["id"], row["name"], StageType(row["type"]), row["rotting_days"]), row["top"]
        )
        for row in await tx.rows(STAGES, workspace=tx.workspace_id)
    ]


async def lost_reasons(tx: Transaction) -> dict[str, Named]:
    """By name, in small letters."""
    rows = await tx.rows(LOST_REASONS, workspace=tx.workspace_id)
    return {row["name"].lower(): Named(row["id"], row["name"]) for row in rows}


async def clients_by_name(tx: Transaction, names: Iterable[str]) -> dict[str, Parent]:
    """By the names that were asked for; of several with one name the oldest."""
    rows = await tx.rows(CLIENTS, workspace=tx.workspace_id, names=list(set(names)))
    return {row["wanted"]: Parent(row["id"], row["name"], ClientKind(row["kind"])) for row in rows}


async def owners_by_name(
    tx: Transaction, names: Iterable[str], *, in_vain: Iterable[str] = ()
) -> dict[str, Named]:
    """By the names that were asked for: members before labels, and new labels for the rest.

    Those asked for `in_vain` come to be no labels.
    """
    wanted = sorted({name for name in names if name})
    found = await _owners(tx, sorted({*wanted, *filter(None, in_vain)}))
    missing = [name for name in wanted if name not in found]
    if missing:
        # Two spellings that differ in nothing but case are one label.
        labels = list({name.lower(): name for name in reversed(missing)}.values())
        ids = [new_id() for _ in labels]
        await tx.run(ADD_LABELS, workspace=tx.workspace_id, ids=ids, names=labels)
        found |= await _owners(tx, missing)
    return found


async def known(
    tx: Transaction, statement: Statement, external_ids: Iterable[str]
) -> dict[str, Known]:
    """Which of these ids of a source are there already, also in the trash."""
    wanted = [id for id in external_ids if id]
    rows = await tx.rows(statement, workspace=tx.workspace_id, names=wanted)
    return {row["external_id"]: Known(*row[1:]) for row in rows}


def positions(columns: Sequence[Column], counts: Mapping[UUID, int]) -> dict[UUID, list[str]]:
    """So many free places on top of each column; the first one given is the lowest."""
    return {
        column.stage.id: generate_n_keys_between(None, column.top, counts[column.stage.id])[::-1]
        for column in columns
        if counts.get(column.stage.id)
    }


async def add_deals(uow: UnitOfWork, new: Sequence[Deal]) -> None:
    """Write deals with their history, and tell of them. Raises ExternalIdTaken."""
    facts = await facts_of(uow, new)
    await add_rows(uow, ADD_DEALS, [new_values(deal, deals.kept_values) for deal in new])
    await add_history(uow, facts)


async def add_history(uow: UnitOfWork, facts: Sequence[tuple[Deal, Fact]]) -> None:
    """Write what happened to deals, and tell it."""
    lines = [
        {"workspace_id": deal.workspace_id, "deal_id": deal.id, **history_values(fact)}
        for deal, fact in facts
    ]
    await uow.run(ADD_HISTORY, rows=as_json(lines))
    uow.tell_facts(*(fact for _, fact in facts))


async def facts_of(tx: Transaction, changed: Sequence[Deal]) -> list[tuple[Deal, Fact]]:
    """What deals have to tell, with whom it is of, and with amounts in the workspace's currency."""
    pairs = [(deal, fact) for deal in changed for fact in deal.take_facts()]
    facts = await valued(tx, [fact for _, fact in pairs])
    return [(deal, fact) for (deal, _), fact in zip(pairs, facts, strict=True)]


async def add_clients(uow: UnitOfWork, new: Sequence[Client]) -> None:
    """Write clients, and tell of them. Raises ExternalIdTaken."""
    await add_rows(uow, ADD_CLIENTS, [new_values(client, clients.kept_values) for client in new])
    uow.tell(*new)


def new_values(new: Any, kept: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """A new record as the columns of its table; `kept` gives those of its state."""
    return {
        "id": new.id,
        "workspace_id": new.workspace_id,
        "version": new.version,
        "created_at": new.state.created_at,
        **kept(new.state),
    }


async def refresh_statistics(tx: Transaction) -> None:
    """Tell the planner of what came in, which autovacuum would do within minutes."""
    await tx.run(REFRESH_STATISTICS)


async def add_rows(uow: UnitOfWork, statement: Statement, rows: list[dict[str, Any]]) -> None:
    """Raises ExternalIdTaken."""
    with one_of_an_id():
        await uow.run(statement, rows=as_json(rows))


@contextmanager
def one_of_an_id() -> Iterator[None]:
    """An id of a source that another record has is refused by that name."""
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise ExternalIdTaken("One of these has come in the meantime.") from None


async def _owners(tx: Transaction, names: Sequence[str]) -> dict[str, Named]:
    rows = await tx.rows(OWNERS, workspace=tx.workspace_id, names=names)
    return {row["wanted"]: Named(row["id"], row["name"]) for row in rows}
