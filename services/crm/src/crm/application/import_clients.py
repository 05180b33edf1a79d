"""Rows of a file become clients, or change those that are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from crm.adapters import bulk, bulk_changes, import_rows, lines
from crm.adapters.bulk import Known
from crm.adapters.matching import Candidate
from crm.application.import_work import THE_FILE, Work, best
from crm.domain.before import client_before
from crm.domain.client import Client, ClientEdit, Parent
from crm.domain.entries import Named
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_cells import ClientCells
from crm.domain.import_fields import Resource
from crm.domain.imports import Match, OnDuplicate, Row
from crm.domain.lines import Lines
from crm.domain.matching import match_keys
from kit.ids import new_id

KIND = Resource.CLIENTS


@dataclass(frozen=True)
class _Read:
    """A row that says something sensible."""

    row: Row
    cells: ClientCells
    keys: list[str]


@dataclass(frozen=True)
class _Around:
    """What the rows refer to, and who is there already."""

    known: dict[str, Known]
    by_key: dict[str, list[Candidate]]
    parents: dict[str, Parent]
    owners: dict[str, Named]
    own: set[UUID]  # those that earlier rows of this import have brought


async def take_clients(work: Work, rows: Sequence[Row]) -> None:
    """Write what can be taken.

    A company can be named as parent as soon as it stands in an earlier row.
    """
    read = list(filter(None, (_read(work, row) for row in rows)))
    around = await _around(work, read)
    new: list[Client] = []
    changes: dict[UUID, _Read] = {}
    for one in read:
        try:
            _take(work, one, around, new, changes)
        except EntryRefused as refusal:
            work.refuse(one.row, refusal)
    if changes:
        await _change(work, changes, around)
    if new and not work.dry:
        await bulk.add_clients(work.uow, new)


def _read(work: Work, row: Row) -> _Read | None:
    try:
        cells = work.reader.client(row)
    except EntryRefused as refusal:
        work.refuse(row, refusal)
        return None
    keys = match_keys(cells.kind, cells.name, cells.emails, cells.phones, cells.website)
    return _Read(row, cells, keys)


async def _around(work: Work, read: Sequence[_Read]) -> _Around:
    uow = work.uow
    known = await bulk.known(uow, bulk.KNOWN_CLIENTS, (one.cells.external_id for one in read))
    by_key: dict[str, list[Candidate]] = {}
    if work.settings.on_duplicate is not OnDuplicate.CREATE:
        by_key = await work.candidates(key for one in read for key in one.keys)
    there = {found.id for many in by_key.values() for found in many}
    there |= {found.id for found in known.values()}
    parents = await bulk.clients_by_name(uow, (one.cells.parent for one in read))
    return _Around(
        known=known,
        by_key=by_key,
        parents={name.lower(): parent for name, parent in parents.items()},
        owners=await work.owners(one.cells.owner for one in read),
        own=await import_rows.created_by(uow, work.import_id, there) if there else set(),
    )


def _take(
    work: Work, one: _Read, around: _Around, new: list[Client], changes: dict[UUID, _Read]
) -> None:
    cells = one.cells
    found = around.known.get(cells.external_id) if cells.external_id else None
    by = "external_id"
    if found is not None:
        pass
    elif cells.external_id and cells.external_id in work.seen.external_ids:
        work.skipped += 1
        return
    else:
        match = best(cells.name, cells.kind, one.keys, cells.external_id, around.by_key)
        found = Known(match.candidate.id, match.candidate.name, True) if match else None
        by = match.by if match else ""
    if found is not None:
        repeated = found.id in around.own or found.id in changes
        if repeated or not found.alive or work.settings.on_duplicate is not OnDuplicate.UPDATE:
            _skip(work, one, found, THE_FILE if repeated else by)
        else:
            changes[found.id] = one
            work.matches.append(_match(one, "updated", found, by))
        return
    distinct = work.settings.on_duplicate is OnDuplicate.CREATE or cells.external_id
    if not distinct and work.seen.has_client(cells.name, cells.kind, one.keys):
        work.skipped += 1
        return
    client = _new(work, one, around)
    new.append(client)
    work.created += 1
    work.matches.append(Match(one.row.number, KIND, "created", client.id, client.version))


def _skip(work: Work, one: _Read, found: Known, by: str) -> None:
    work.skipped += 1
    work.matches.append(_match(one, "skipped", found, by))


def _match(one: _Read, action: str, found: Known, by: str) -> Match:
    return Match(one.row.number, KIND, action, found.id, 0, by, found.name)


def _new(work: Work, one: _Read, around: _Around) -> Client:
    cells = one.cells
    edit = ClientEdit(
        kind=cells.kind,
        name=cells.name,
        parent=_parent(work, cells, around),
        emails=cells.emails,
        phones=cells.phones,
        address=cells.address,
        website=cells.website,
        owner=work.owner(cells.owner, around.owners),
        tags=cells.tags,
        notes=cells.notes,
        external_id=cells.external_id or None,
        custom_fields=cells.custom_fields,
    )
    client = Client.create(
        new_id(), work.uow.workspace_id, edit=edit, at=cells.created_at, by=None, region=work.region
    )
    state = client.state
    work.seen.add_client(Parent(client.id, state.name, state.kind), one.keys)
    work.seen.external_ids.add(cells.external_id)
    if state.parent:
        work.seen.under[client.id] = state.parent.id
    return client


def _parent(work: Work, cells: ClientCells, around: _Around) -> Parent | None:
    if not cells.parent:
        return None
    name = cells.parent.lower()
    parent = around.parents.get(name) or work.seen.parents.get(name)
    if parent is None:
        raise EntryRefused([Problem("parent", "CLIENT_NOT_FOUND", "There is no such company.")])
    return parent


async def _change(work: Work, changes: dict[UUID, _Read], around: _Around) -> None:
    """Filled cells replace what is there; lists grow."""
    above = await _above(work, changes, around)
    clients = await bulk_changes.load_clients(work.uow, changes)
    changed: list[Client] = []
    matches = {match.row: number for number, match in enumerate(work.matches)}
    for id, one in changes.items():
        client = clients.get(id)
        if client is None:  # it went into the trash in this moment
            work.skipped += 1
            continue
        before = client.state
        try:
            client.edit(
                _edit(work, one, client, around, above),
                at=work.now,
                by=work.by,
                region=work.region,
            )
        except EntryRefused as refusal:
            work.refuse(one.row, refusal)
            del work.matches[matches[one.row.number]]
            matches = {match.row: number for number, match in enumerate(work.matches)}
            continue
        work.updated += 1
        if client.state is not before:
            client.version += 1
            changed.append(client)
        number = matches[one.row.number]
        work.matches[number] = work.matches[number]._replace(
            version=client.version, before=client_before(before)
        )
    if changed and not work.dry:
        await bulk_changes.save_clients(work.uow, changed)


async def _above(work: Work, changes: dict[UUID, _Read], around: _Around) -> Lines:
    """What stands above the companies that rows name, with what earlier rows have changed in it."""
    named = {one.cells.parent.lower() for one in changes.values() if one.cells.parent}
    if not named:
        return Lines({})
    known = {**work.seen.parents, **around.parents}
    wanted = {known[name].id for name in named if name in known}
    above = await lines.above(work.uow, {*wanted, *work.seen.under.values()})
    for id, parent_id in work.seen.under.items():
        above.put(id, parent_id)
    return above


def _edit(work: Work, one: _Read, client: Client, around: _Around, above: Lines) -> ClientEdit:
    cells, state = one.cells, client.state
    edit: ClientEdit = {}
    if one.row["name"]:
        edit["name"] = cells.name
    if one.row["kind"]:
        edit["kind"] = cells.kind
    if cells.address:
        edit["address"] = cells.address
    if cells.website:
        edit["website"] = cells.website
    if cells.notes:
        edit["notes"] = cells.notes
    if cells.external_id:
        edit["external_id"] = cells.external_id
    if cells.emails:
        edit["emails"] = tuple(dict.fromkeys((*state.emails, *cells.emails)))
    if cells.phones:
        edit["phones"] = tuple(dict.fromkeys((*state.phones, *cells.phones)))
    if cells.tags:
        edit["tags"] = tuple(dict.fromkeys((*state.tags, *cells.tags)))
    if cells.custom_fields:
        edit["custom_fields"] = cells.custom_fields
    if cells.owner:
        edit["owner"] = work.owner(cells.owner, around.owners)
    if parent := _parent(work, cells, around):
        above.expect_free(client.id, parent.id, field="parent_id")
        edit["parent"] = parent
        above.put(client.id, parent.id)
        work.seen.under[client.id] = parent.id
    return edit
