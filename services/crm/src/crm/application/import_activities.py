"""Rows of a file become activities."""

from collections.abc import Sequence

from crm.adapters import bulk, bulk_changes, bulk_lookups, import_rows
from crm.application.import_work import Work
from crm.domain.activity import Activity, ActivityEdit
from crm.domain.client import Parent
from crm.domain.entries import Entry, Named
from crm.domain.errors import EntryRefused
from crm.domain.import_cells import ActivityCells
from crm.domain.import_fields import Resource
from crm.domain.imports import Match, OnDuplicate, Row
from kit.ids import new_id

KIND = Resource.ACTIVITIES


async def take_activities(work: Work, rows: Sequence[Row]) -> None:
    """Write what can be taken; what is there already is skipped.

    It is the same if subject, client, deal and time are the same.
    """
    entries = [Entry() for _ in rows]
    read = [
        (row, work.reader.activity(entry, row), entry)
        for row, entry in zip(rows, entries, strict=True)
    ]
    uow = work.uow
    clients = await bulk.clients_by_name(uow, (cells.client for _, cells, _ in read))
    deals = await bulk_lookups.deals_by_name(uow, (cells.deal for _, cells, _ in read))
    owners = await work.owners((cells.owner, entry) for _, cells, entry in read)
    made: list[tuple[Row, Activity]] = []
    for row, cells, entry in read:
        try:
            made.append((row, _activity(work, cells, entry, clients, deals, owners)))
        except EntryRefused as refusal:
            work.refuse(row, refusal)
    new = await _new(work, made)
    if new and not work.dry:
        await bulk_changes.add_activities(uow, new)


async def _new(work: Work, made: Sequence[tuple[Row, Activity]]) -> list[Activity]:
    alike: dict[int, bulk.Known] = {}
    if work.settings.on_duplicate is not OnDuplicate.CREATE:
        alike = await bulk_lookups.activities_alike(
            work.uow,
            [
                (
                    state.subject.lower(),
                    state.client.id if state.client else None,
                    state.deal.id if state.deal else None,
                    state.due_at or state.created_at,
                )
                for state in (activity.state for _, activity in made)
            ],
        )
    there = {found.id for found in alike.values()}
    own = await import_rows.created_by(work.uow, work.import_id, there) if there else set()
    new: list[Activity] = []
    for number, (row, activity) in enumerate(made):
        found = alike.get(number)
        if found is not None and found.id not in own:
            work.skipped += 1
            work.matches.append(Match(row.number, KIND, "skipped", found.id, 0, "name", found.name))
            continue
        new.append(activity)
        work.created += 1
        work.matches.append(Match(row.number, KIND, "created", activity.id, activity.version))
    return new


def _activity(
    work: Work,
    cells: ActivityCells,
    entry: Entry,
    clients: dict[str, Parent],
    deals: dict[str, bulk_lookups.DealNamed],
    owners: dict[str, Named],
) -> Activity:
    """Raises EntryRefused with all that is wrong with the row."""
    client, deal = clients.get(cells.client), deals.get(cells.deal)
    if cells.client and client is None:
        entry.refuse("client", "CLIENT_NOT_FOUND", f"There is no client “{cells.client[:60]}”.")
    if cells.deal and deal is None:
        entry.refuse("deal", "DEAL_NOT_FOUND", f"There is no deal “{cells.deal[:60]}”.")
    edit = ActivityEdit(
        kind=cells.kind,
        subject=cells.subject,
        body=cells.body,
        client=Named(client.id, client.name) if client else deal.client if deal else None,
        deal=deal.deal if deal else None,
        due_at=cells.due_at,
        remind_at=cells.remind_at,
    )
    with entry.hearing():
        edit["owner"] = work.owner(cells.owner, owners)
    activity: Activity | None = None
    with entry.hearing():
        activity = Activity.create(
            new_id(),
            work.uow.workspace_id,
            edit=edit,
            zone=work.zone,
            at=cells.created_at,
            by=work.by,
            done_at=cells.done_at,
        )
    entry.done()
    assert activity is not None
    return activity
