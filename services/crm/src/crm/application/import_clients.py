"""Rows of a file become clients."""

from collections.abc import Sequence

from crm.adapters import bulk
from crm.domain.client import Client, ClientEdit, Parent
from crm.domain.entries import Named
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_rows import CellReader, ClientCells
from crm.domain.imports import Outcome, Row, RowError, row_errors
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def write_clients(uow: UnitOfWork, reader: CellReader, rows: Sequence[Row]) -> Outcome:
    """Write what can be taken; rows whose external id is there already are skipped.

    A company can be named as parent as soon as it stands in an earlier row.
    """
    known = await bulk.known(uow, bulk.KNOWN_CLIENTS, (row["external_id"] for row in rows))
    parents = await bulk.clients_by_name(uow, (row["parent"] for row in rows))
    owners = await bulk.owners_by_name(uow, (row["owner"] for row in rows))
    by_small_name = {name.lower(): parent for name, parent in parents.items()}
    errors: list[RowError] = []
    clients: list[Client] = []
    skipped = 0
    for row in rows:
        if row["external_id"] and row["external_id"] in known:
            skipped += 1
            continue
        try:
            client = _client(uow, reader.client(row), by_small_name, owners)
        except EntryRefused as refusal:
            errors += row_errors(row.number, refusal)
            continue
        known.add(row["external_id"])
        state = client.state
        by_small_name.setdefault(state.name.lower(), Parent(client.id, state.name, state.kind))
        clients.append(client)
    if clients:
        await bulk.add_clients(uow, clients)
    return Outcome(len(clients), skipped, errors)


def _client(
    uow: UnitOfWork, cells: ClientCells, parents: dict[str, Parent], owners: dict[str, Named]
) -> Client:
    parent = parents.get(cells.parent.lower()) if cells.parent else None
    if cells.parent and parent is None:
        raise EntryRefused([Problem("parent", "CLIENT_NOT_FOUND", "There is no such company.")])
    edit = ClientEdit(
        kind=cells.kind,
        name=cells.name,
        parent=parent,
        emails=cells.emails,
        phones=cells.phones,
        address=cells.address,
        website=cells.website,
        owner=owners.get(cells.owner),
        tags=cells.tags,
        notes=cells.notes,
        external_id=cells.external_id or None,
    )
    return Client.create(new_id(), uow.workspace_id, edit=edit, at=cells.created_at, by=None)
