"""Rows of a file become deals with their past, or change those that are there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, NoReturn, cast
from uuid import UUID

from crm.adapters import bulk, bulk_changes, bulk_lookups, import_rows, workspaces
from crm.adapters.bulk import Column, Known
from crm.application.import_work import THE_FILE, Work
from crm.domain.before import deal_before
from crm.domain.client import Client, ClientEdit, ClientKind, Parent
from crm.domain.deal import Deal, DealEdit
from crm.domain.entries import Entry, Named
from crm.domain.errors import EntryRefused
from crm.domain.import_cells import DealCells
from crm.domain.import_fields import Resource
from crm.domain.imports import Match, OnDuplicate, Row
from crm.domain.matching import match_keys, plain_name
from crm.domain.stage import Stage, StageType
from kit.ids import new_id

KIND = Resource.DEALS


@dataclass(frozen=True)
class _Names:
    """What the names in the rows stand for."""

    columns: Sequence[Column]
    clients: dict[str, Parent]  # by the name in small letters
    owners: dict[str, Named]
    reasons: dict[str, Named]
    coming: dict[UUID, Client]  # those of them that come to be with the first deal of theirs

    def stage(self, name: str) -> Stage | None:
        """A stage by its name; the first open one for none."""
        if not name:
            return self.first
        stages = (column.stage for column in self.columns)
        return next((stage for stage in stages if stage.name.lower() == name.lower()), None)

    @property
    def first(self) -> Stage:
        """Where deals come to be."""
        stages = (column.stage for column in self.columns)
        return next(stage for stage in stages if stage.type is StageType.OPEN)


class _Read(NamedTuple):
    """A row with what its cells say, and what is wrong with it so far."""

    row: Row
    cells: DealCells
    entry: Entry


class _Taken(NamedTuple):
    """A row that says something sensible."""

    row: Row
    cells: DealCells
    stage: Stage
    edit: DealEdit
    reason: Named | None

    @property
    def arrived(self) -> datetime:
        """When it came to where it stands."""
        arrived = self.cells.entered_stage_at or self.cells.created_at
        if self.stage.type is not StageType.OPEN:
            return self.cells.closed_at or arrived
        return arrived


async def take_deals(work: Work, rows: Sequence[Row]) -> None:
    """Write what can be taken."""
    entries = [Entry() for _ in rows]
    read = [
        _Read(row, work.reader.deal(entry, row), entry)
        for row, entry in zip(rows, entries, strict=True)
    ]
    names = await _names(work, read)
    taken: list[_Taken] = []
    for one in read:
        try:
            taken.append(_taken(work, one, names))
        except EntryRefused as refusal:
            work.refuse(one.row, refusal)
    new, changes = await _sorted(work, taken)
    places = bulk.positions(
        names.columns, Counter(one.stage.id for one in (*new, *changes.values()))
    )
    deals = {one.row.number: deal for one in new if (deal := _new(work, one, names, places))}
    changed = await _change(work, changes, places) if changes else {}
    await _bring_clients(work, names, sorted((deals | changed).items()))
    if work.dry:
        return
    if deals:
        await bulk.add_deals(work.uow, list(deals.values()))
    if changed:
        await bulk_changes.save_deals(work.uow, list(changed.values()))


async def _names(work: Work, read: Sequence[_Read]) -> _Names:
    uow = work.uow
    columns = await bulk.columns(uow)
    if not columns:
        await workspaces.add_defaults(uow)
        columns = await bulk.columns(uow)
    owners = await work.owners((one.cells.owner, one.entry) for one in read)
    clients = await bulk.clients_by_name(uow, (one.cells.client for one in read))
    by_name = {name.lower(): client for name, client in clients.items()}
    coming = await _coming(work, read, by_name) if work.settings.create_clients else {}
    return _Names(columns, by_name, owners, await bulk.lost_reasons(uow), coming)


async def _coming(
    work: Work, read: Sequence[_Read], by_name: dict[str, Parent]
) -> dict[UUID, Client]:
    """Companies that no client is called like, in spite of legal forms and accents.

    By the same rule two spellings in the file are one company, called as it is written first.
    """
    missing: dict[str, str] = {}
    for one in read:
        name = one.cells.client
        if name and name.lower() not in by_name:
            missing.setdefault(name.lower(), name)
    keys = {low: match_keys(ClientKind.COMPANY, name, (), (), "") for low, name in missing.items()}
    by_key = await work.candidates(key for many in keys.values() for key in many)
    coming: dict[UUID, Client] = {}
    spelled: dict[str, Parent] = {}
    for low, name in missing.items():
        alike = [
            found
            for key in keys[low]
            for found in by_key.get(key, ())
            if plain_name(found.name) == plain_name(name)
        ]
        if alike:
            by_name[low] = Parent(alike[0].id, alike[0].name, alike[0].kind)
            continue
        same = _same(name)
        if earlier := work.seen.parents.get(same) or spelled.get(same):
            by_name[low] = earlier
            continue
        try:
            client = Client.create(
                new_id(),
                work.uow.workspace_id,
                edit=ClientEdit(kind=ClientKind.COMPANY, name=name, owner=work.usual_owner),
                at=work.now,
                by=work.by,
            )
        except EntryRefused:
            continue  # the row says then that there is no such client
        by_name[low] = spelled[same] = Parent(client.id, client.state.name, client.state.kind)
        coming[client.id] = client
    return coming


async def _bring_clients(work: Work, names: _Names, deals: Sequence[tuple[int, Deal]]) -> None:
    """Keep the clients that deals brought; a row that is skipped or refused brings none."""
    new: list[Client] = []
    for number, deal in deals:
        named = deal.state.client
        client = names.coming.pop(named.id, None) if named else None
        if client is None:
            continue
        state = client.state
        work.seen.parents[_same(state.name)] = Parent(client.id, state.name, state.kind)
        work.matches.append(Match(number, Resource.CLIENTS, "created", client.id, 1))
        work.new_clients += 1
        new.append(client)
    if new and not work.dry:
        await bulk.add_clients(work.uow, new)


def _same(name: str) -> str:
    """What spellings of one company's name have in common."""
    return plain_name(name) or name.lower()


def _taken(work: Work, one: _Read, names: _Names) -> _Taken:
    """Raises EntryRefused with all that is wrong with the row."""
    row, cells, entry = one
    stage = names.stage(cells.stage)
    client = names.clients.get(cells.client.lower())
    reason = names.reasons.get(cells.lost_reason.lower())
    if stage is None:
        entry.refuse("stage", "STAGE_NOT_FOUND", f"There is no stage “{cells.stage[:60]}”.")
        stage = names.first
    if cells.client and client is None:
        entry.refuse("client", "CLIENT_NOT_FOUND", f"There is no client “{cells.client[:60]}”.")
    if cells.lost_reason and reason is None:
        entry.refuse("lost_reason", "LOST_REASON_NOT_FOUND", "There is no such reason.")
    expected = cells.expected_close_date
    if expected is None and cells.closed_at and stage.type is StageType.OPEN:
        expected = cells.closed_at.date()  # sources have one date for both
    edit = DealEdit(
        name=cells.name,
        client=Named(client.id, client.name) if client else None,
        amount=cells.amount,
        expected_close_date=expected,
        source=cells.source,
        next_step=cells.next_step,
        tags=cells.tags,
        external_id=cells.external_id or None,
        custom_fields=cells.custom_fields,
    )
    with entry.hearing():
        edit["owner"] = work.owner(cells.owner, names.owners)
    if entry.refused:
        _hear_more(work, entry, edit, names.first)
    return _Taken(row, cells, stage, edit, reason)


def _hear_more(work: Work, entry: Entry, edit: DealEdit, first: Stage) -> NoReturn:
    """Raises EntryRefused with what is wrong already, and with what else would be.

    In the first stage, where every imported deal begins: a lost one asks there for no reason.
    """
    if work.settings.on_duplicate is OnDuplicate.UPDATE and not edit["name"]:
        edit["name"] = "?"  # it may have been meant to change a deal that has one
    with entry.hearing():
        Deal.create(
            new_id(),
            work.uow.workspace_id,
            edit=edit,
            stage=first,
            position="a0",
            at=work.now,
            by=None,
        )
    entry.done()
    raise AssertionError("somebody has refused nothing")


async def _sorted(work: Work, taken: Sequence[_Taken]) -> tuple[list[_Taken], dict[UUID, _Taken]]:
    """Those that are new, and those whose deal is there and changes; the rest is skipped.

    An id of the source decides alone. Without one it is the same deal if name, client and amount
    are the same.
    """
    uow = work.uow
    known = await bulk.known(uow, bulk.KNOWN_DEALS, (one.cells.external_id for one in taken))
    alike: dict[Any, Known] = {}
    if work.settings.on_duplicate is not OnDuplicate.CREATE:
        wanted = [one for one in taken if not one.cells.external_id]
        alike = await bulk_lookups.deals_alike(uow, [_likeness(one.edit) for one in wanted])
    there = {found.id for found in (*known.values(), *alike.values())}
    own = await import_rows.created_by(uow, work.import_id, there) if there else set()
    new: list[_Taken] = []
    changes: dict[UUID, _Taken] = {}
    for one in taken:
        id, number = one.cells.external_id, one.row.number
        found = known.get(id) if id else alike.get(_likeness(one.edit))
        if id and found is None and id in work.seen.external_ids:
            work.repeats(one.row, KIND, one.cells.name)
            continue
        if found is None or (not id and found.id in own):
            new.append(one)
            work.seen.external_ids.add(id)
            continue
        repeated = found.id in own or found.id in changes
        by = THE_FILE if repeated else "external_id" if id else "name"
        if repeated or not found.alive or work.settings.on_duplicate is not OnDuplicate.UPDATE:
            work.skipped += 1
            work.matches.append(Match(number, KIND, "skipped", found.id, 0, by, found.name))
        else:
            changes[found.id] = one
            work.matches.append(Match(number, KIND, "updated", found.id, 0, by, found.name))
    return new, changes


def _likeness(edit: DealEdit) -> tuple[str, UUID | None, int | None]:
    client, amount = edit["client"], edit["amount"]
    return (
        edit["name"].lower(),
        client.id if client else None,
        amount.amount_minor if amount else None,
    )


def _new(work: Work, one: _Taken, names: _Names, places: dict[UUID, list[str]]) -> Deal | None:
    """Later rows of the file stand above earlier ones, like deals created one by one."""
    try:
        deal = Deal.imported(
            new_id(),
            work.uow.workspace_id,
            edit=one.edit,
            first=names.first,
            stage=one.stage,
            position=places[one.stage.id].pop(0),
            created_at=one.cells.created_at,
            entered_at=one.arrived,
            lost_reason=one.reason,
        )
    except EntryRefused as refusal:
        work.refuse(one.row, refusal)
        return None
    work.created += 1
    work.matches.append(Match(one.row.number, KIND, "created", deal.id, deal.version))
    return deal


async def _change(
    work: Work, changes: dict[UUID, _Taken], places: dict[UUID, list[str]]
) -> dict[int, Deal]:
    """Filled cells replace what is there; another stage moves the deal. By row what has changed."""
    deals = await bulk_changes.load_deals(work.uow, changes)
    changed: dict[int, Deal] = {}
    refused: set[int] = set()
    numbers = {match.row: n for n, match in enumerate(work.matches) if match.kind is KIND}
    for id, one in changes.items():
        deal = deals.get(id)
        number = numbers[one.row.number]
        if deal is None:  # it went into the trash in this moment
            work.skipped += 1
            continue
        before, version = deal.state, deal.version
        try:
            deal.edit(_filled(one, deal), at=work.now, by=work.by)
        except EntryRefused as refusal:
            work.refuse(one.row, refusal)
            refused.add(number)
            continue
        deal.version += deal.state is not before
        if one.row["stage"] and one.stage.id != deal.state.stage.id:
            at = max(one.arrived, before.entered_stage_at)
            deal.change_stage(
                one.stage, places[one.stage.id].pop(0), at=at, by=work.by, lost_reason=one.reason
            )
            deal.version += 1
        work.updated += 1
        work.matches[number] = work.matches[number]._replace(
            version=deal.version, before=deal_before(before)
        )
        if deal.version != version:
            changed[one.row.number] = deal
    work.matches = [match for n, match in enumerate(work.matches) if n not in refused]
    return changed


def _filled(one: _Taken, deal: Deal) -> DealEdit:
    filled: dict[str, Any] = {name: value for name, value in one.edit.items() if value}
    if not one.cells.owner:
        filled.pop("owner", None)
    if "tags" in filled:
        filled["tags"] = tuple(dict.fromkeys((*deal.state.tags, *filled["tags"])))
    return cast(DealEdit, filled)
