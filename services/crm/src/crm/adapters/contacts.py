"""The contacts of a deal."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from crm.adapters.reading import WORKSPACE, Read, in_sight, is_row
from crm.adapters.tables import clients, deal_contacts, deals
from crm.domain.contacts import Contact, Contacts
from crm.domain.entries import Named
from kit.database import Statement, Transaction

DEAL, CLIENT = (bindparam(name, type_=Uuid()) for name in ("deal", "client"))
_of_deal = deal_contacts.c.workspace_id == WORKSPACE, deal_contacts.c.deal_id == DEAL

CONTACTS = Read(
    select(
        clients.c.id,
        clients.c.name,
        clients.c.kind,
        clients.c.emails,
        clients.c.phones,
        deal_contacts.c.role,
    )
    .select_from(
        deal_contacts.join(deals, is_row(deals, deal_contacts.c.deal_id)).join(
            clients, is_row(clients, deal_contacts.c.client_id)
        )
    )
    .where(
        *_of_deal,
        in_sight(deals),
        deals.c.deleted_at.is_(None),
        clients.c.deleted_at.is_(None),
    )
    .order_by(deal_contacts.c.added_at, deal_contacts.c.recorded_at, clients.c.id)
)
# With the trash in it: the history tells of who is there, and restored clients are contacts again.
LOAD = Statement(
    select(clients.c.id, clients.c.name, deal_contacts.c.role)
    .select_from(deal_contacts.join(clients, is_row(clients, deal_contacts.c.client_id)))
    .where(*_of_deal)
    .order_by(deal_contacts.c.added_at, deal_contacts.c.recorded_at, clients.c.id)
)
_new = insert(deal_contacts).values(
    workspace_id=WORKSPACE,
    deal_id=DEAL,
    client_id=CLIENT,
    role=bindparam("role", type_=Text()),
    added_at=bindparam("now", type_=DateTime(timezone=True)),
)
PUT = Statement(
    _new.on_conflict_do_update(
        index_elements=["workspace_id", "deal_id", "client_id"], set_={"role": _new.excluded.role}
    )
)
REMOVE = Statement(delete(deal_contacts).where(*_of_deal, deal_contacts.c.client_id == CLIENT))


DEALS = Statement(
    select(deal_contacts.c.deal_id)
    .select_from(deal_contacts.join(deals, is_row(deals, deal_contacts.c.deal_id)))
    .where(
        deal_contacts.c.workspace_id == WORKSPACE,
        deal_contacts.c.client_id == CLIENT,
        deals.c.deleted_at.is_(None),
        in_sight(deals),
    )
)


async def deals_with(tx: Transaction, client_id: UUID) -> list[UUID]:
    """The deals whose contact somebody is."""
    found = await tx.rows(DEALS, workspace=tx.workspace_id, client=client_id)
    return [row["deal_id"] for row in found]


async def load(tx: Transaction, deal_id: UUID) -> Contacts:
    """Of a deal that the caller has locked."""
    found: list[Any] = await tx.rows(LOAD, workspace=tx.workspace_id, deal=deal_id)
    return Contacts(
        {row["id"]: Contact(Named(row["id"], row["name"]), row["role"]) for row in found}
    )


async def put(tx: Transaction, deal_id: UUID, contact: Contact, now: datetime) -> None:
    """Write one."""
    await tx.run(
        PUT,
        workspace=tx.workspace_id,
        deal=deal_id,
        client=contact.client.id,
        role=contact.role,
        now=now,
    )


async def remove(tx: Transaction, deal_id: UUID, client_id: UUID) -> None:
    """Delete one."""
    await tx.run(REMOVE, workspace=tx.workspace_id, deal=deal_id, client=client_id)
