"""What can be done with clients. One function per use case, one transaction each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from crm.adapters import clients, duplicates, lines, out_of_sight
from crm.adapters.clients import References
from crm.application.custom_fields import custom_values
from crm.application.owners import owner_for
from crm.domain.client import Client, ClientEdit
from crm.domain.custom_field import Resource
from crm.domain.errors import ClientNotFound, ClientOutOfSight
from kit.database import Transaction
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def create_client(
    uow: UnitOfWork,
    *,
    edit: ClientEdit,
    parent_id: UUID | None,
    owner_id: UUID | None,
    by: UUID,
    now: datetime,
    unless_alike: bool = False,
) -> Client:
    """Keep a new client; who sees nobody else's owns it.

    With `unless_alike` not if somebody like that is there already.

    Raises ClientNotFound, OwnerNotFound, EntryRefused, ExternalIdTaken, ClientAlike.
    """
    if owner_id is None and not uow.sight.sees(None):
        owner_id = by
    found = await clients.references(uow, parent_id=parent_id, owner_id=owner_id)
    edit = await _resolved(uow, edit, found, {}, parent_id=parent_id, owner_id=owner_id, by=by)
    client = Client.create(
        new_id(), uow.workspace_id, edit=edit, at=now, by=by, region=found.region
    )
    if unless_alike:
        await duplicates.expect_none_alike(uow, client)
    await clients.add(uow, client)
    await uow.commit()
    return client


async def update_client(
    uow: UnitOfWork,
    *,
    client_id: UUID,
    edit: ClientEdit,
    parent_id: UUID | None,
    owner_id: UUID | None,
    etag: str,
    by: UUID,
    now: datetime,
) -> Client:
    """Give a client other values; `parent` and `owner` in `edit` are what the ids stand for.

    Raises ClientNotFound, ClientHasChanged, OwnerNotFound, EntryRefused, ExternalIdTaken.
    """
    above = await lines.above(uow, [parent_id]) if parent_id else None
    client, found = await clients.load_to_edit(
        uow, client_id, parent_id=parent_id, owner_id=owner_id
    )
    client.expect(etag)
    held = client.state.custom_fields
    edit = await _resolved(uow, edit, found, held, parent_id=parent_id, owner_id=owner_id, by=by)
    if above and parent_id:
        above.expect_free(client_id, parent_id)
    before = client.state
    client.edit(edit, at=now, by=by, region=found.region)
    if client.state is not before:
        await clients.save(uow, client)
    await uow.commit()
    return client


async def delete_client(
    uow: UnitOfWork, *, client_id: UUID, etag: str, by: UUID, now: datetime
) -> None:
    """Put a client into the trash; its deals stay.

    Raises ClientNotFound, ClientHasChanged, ClientOutOfSight.
    """
    client, _ = await clients.load_to_edit(uow, client_id)
    client.expect(etag)
    # In thirty days they would lose their client, and nobody who knows of them was asked.
    await expect_all_seen(uow, client_id)
    client.delete(at=now, by=by)
    await clients.save(uow, client)
    await uow.commit()


async def expect_all_seen(tx: Transaction, client_id: UUID) -> None:
    """Raises ClientOutOfSight if records that the caller does not see belong to a client."""
    if await out_of_sight.hang_on_client(tx, client_id):
        raise ClientOutOfSight(
            "Records of your colleagues belong to this client. "
            "Somebody who sees them can delete it."
        )


async def _resolved(
    uow: UnitOfWork,
    edit: ClientEdit,
    found: References,
    held: Mapping[str, Any],
    *,
    parent_id: UUID | None,
    owner_id: UUID | None,
    by: UUID,
) -> ClientEdit:
    """The edit with what its ids stand for."""
    if parent_id is not None:
        if found.parent is None:
            raise ClientNotFound("There is no such company.")
        edit = {**edit, "parent": found.parent}
    if owner_id is not None:
        edit = {**edit, "owner": await owner_for(uow, owner_id, found.owner, by=by)}
    if values := edit.get("custom_fields"):
        values = await custom_values(uow, Resource.CLIENTS, values, held)
        edit = {**edit, "custom_fields": values}
    return edit
