"""What there is in a workspace, and which of it are samples."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, exists, func, literal_column, select

from crm.adapters.reading import WORKSPACE, Read
from crm.adapters.tables import activities, clients, deals, stages, workspaces
from crm.domain.samples import MARK
from kit.database import Statement, Transaction

_is_sample_deal = (
    deals.c.workspace_id == WORKSPACE,
    deals.c.external_id.like(literal_column(f"'{MARK}-%'", Text)),
    deals.c.deleted_at.is_(None),
)
SETUP = Read(
    select(
        (~exists().where(deals.c.workspace_id == WORKSPACE)).label("is_empty"),
        select(func.count())
        .select_from(deals)
        .where(*_is_sample_deal)
        .scalar_subquery()
        .label("samples"),
    )
)
OPEN_STAGES = Statement(
    select(stages.c.id)
    .where(stages.c.workspace_id == WORKSPACE, stages.c.type == literal_column("'open'"))
    .order_by(stages.c.position, stages.c.id)
)
TIME_ZONE = Statement(select(workspaces.c.time_zone).where(workspaces.c.workspace_id == WORKSPACE))
SAMPLE_DEALS = Statement(select(deals.c.id, deals.c.version).where(*_is_sample_deal))
SAMPLE_CLIENTS = Statement(
    select(clients.c.id, clients.c.version).where(
        clients.c.workspace_id == WORKSPACE,
        clients.c.external_id == literal_column(f"'{MARK}'", Text),
        clients.c.deleted_at.is_(None),
    )
)
OF_DEAL = Statement(
    select(activities.c.id, activities.c.version).where(
        activities.c.workspace_id == WORKSPACE,
        activities.c.deal_id == bindparam("deal", type_=Uuid()),
        activities.c.deleted_at.is_(None),
    )
)


class Found(NamedTuple):
    """A record, and the version it was found in."""

    id: UUID
    etag: str


async def open_stages(tx: Transaction) -> list[UUID]:
    """In board order."""
    return [row["id"] for row in await tx.rows(OPEN_STAGES, workspace=tx.workspace_id)]


async def time_zone(tx: Transaction) -> str:
    """The workspace's, as far as it is known."""
    return str(await tx.value(TIME_ZONE, workspace=tx.workspace_id) or "")


async def found(tx: Transaction, statement: Statement, **values: Any) -> list[Found]:
    """The samples of one kind."""
    rows = await tx.rows(statement, workspace=tx.workspace_id, **values)
    return [Found(row["id"], str(row["version"])) for row in rows]
