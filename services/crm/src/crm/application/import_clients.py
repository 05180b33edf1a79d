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
from crm.domain.entries import Entry, Named
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
    """A row with what its cells say, and what is wrong with it so far."""

    row: Row
    cells: ClientCells
    keys: list[str]
    entry: Entry


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
    read = [_read(work, row) for row in rows]
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


def _read(work: Work, row: Row) -> _Read:
    entry = Entry()
    cells = work.reader.client(entry, row)
    keys = match_keys(cells.kind, cells.name, cells.emails, cells.phones, cells.website)
    return _Read(row, cells, keys, entry)


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
        owners=await work.owners((one.cells.owner, one.entry) for one in read),
        own=await import_rows.created_by(uow, work.import_id, there) if there else set(),
    )


def _take(
    work: Work, one: _Read, around: _Around, new: list[Client], changes: dict[UUID, _Read]
) -> None:
    cells = one.cells
    if one.entry.refused:
        _new(work, one, around)  # which says what else is wrong
    found = around.known.get(cells.external_id) if cells.external_id else None
    by = "external_id"
    if found is not None:
        pass
    elif cells.external_id and cells.external_id in work.seen.external_ids:
        work.repeats(one.row, KIND, cells.name)
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
            if cells.external_id:  # the client has it from now on
                work.seen.external_ids.add(cells.external_id)
            work.matches.append(_match(one, "updated", found, by))
        return
    if work.settings.on_duplicate is not OnDuplicate.CREATE:
        earlier = work.seen.client(cells.name, cells.kind, one.keys, external_id=cells.external_id)
        if earlier is not None:
            work.repeats(one.row, KIND, earlier)
            return
    client = _new(work, one, around)
    state = client.state
    work.seen.add_client(state.name, state.kind, one.keys, external_id=cells.external_id)
    if work.layout.has("parent") or not work.dry:
        parent = Parent(client.id, state.name, state.kind)
        work.seen.parents.setdefault(state.name.lower(), parent)
    if state.parent:
        work.seen.under[client.id] = state.parent.id
    new.append(client)
    work.created += 1
    work.matches.append(Match(one.row.number, KIND, "created", client.id, client.version))


def _skip(work: Work, one: _Read, found: Known, by: str) -> None:
    work.skipped += 1
    work.matches.append(_match(one, "skipped", found, by))


def _match(one: _Read, action: str, found: Known, by: str) -> Match:
    return Match(one.row.number, KIND, action, found.id, 0, by, found.name)


def _new(work: Work, one: _Read, around: _Around) -> Client:
    """Raises EntryRefused with all that is wrong with the row."""
    cells, entry = one.cells, one.entry
    edit = ClientEdit(
        kind=cells.kind,
        name=cells.name,
        emails=cells.emails,
        phones=cells.phones,
        address=cells.address,
        website=cells.website,
        tags=cells.tags,
        notes=cells.notes,
        external_id=cells.external_id or None,
        custom_fields=cells.custom_fields,
    )
    if entry.refused and work.settings.on_duplicate is OnDuplicate.UPDATE and not cells.name:
        edit["name"] = "?"  # it may have been meant to change a client that has one
    with entry.hearing():
        edit["parent"] = _parent(work, cells, around)
    with entry.hearing():
        edit["owner"] = work.owner(cells.owner, around.owners)
    client: Client | None = None
    with entry.hearing():
        client = Client.create(
            new_id(),
            work.uow.workspace_id,
            edit=edit,
            at=cells.created_at,
            by=None,
            region=work.region,
        )
    entry.done()
    assert client is not None
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
            _edit_client(work, one, client, around, above)
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


def _edit_client(work: Work, one: _Read, client: Client, around: _Around, above: Lines) -> None:
    """Raises EntryRefused with all that is wrong with the row."""
    entry, parent = one.entry, None
    edit = _edit(one, client)
    with entry.hearing():
        if one.cells.owner:
            edit["owner"] = work.owner(one.cells.owner, around.owners)
    with entry.hearing():
        if parent := _parent(work, one.cells, around):
            above.expect_free(client.id, parent.id, field="parent_id")
            edit["parent"] = parent
    with entry.hearing():
        client.edit(edit, at=work.now, by=work.by, region=work.region)
    entry.done()
    if parent:
        above.put(client.id, parent.id)
        work.seen.under[client.id] = parent.id


def _edit(one: _Read, client: Client) -> ClientEdit:
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
    return edit
