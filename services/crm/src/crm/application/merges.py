"""Two clients become one, and two again. One function per use case, one transaction each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from crm.adapters import bulk, bulk_changes, contacts, duplicates, lines, merges, trash
from crm.application.contacts import add_contact_beside, replace_contact
from crm.domain.activity import Activity
from crm.domain.before import CLIENT_FIELDS, client_back, client_before, is_as_it_was
from crm.domain.client import Client, ClientEdit, ClientKind, Parent
from crm.domain.deal import Deal
from crm.domain.entries import Named
from crm.domain.errors import ClientNotFound, EntryRefused, MergeUndone, MergeWithItself, Problem
from crm.domain.lines import Lines
from crm.domain.merges import ClientsMerged, ClientsParted, DuplicateDismissed
from crm.domain.repetition import zone_of
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork

UNITED = ("emails", "phones", "tags")


async def dismiss_duplicate(
    uow: UnitOfWork, *, client_id: UUID, other_id: UUID, by: UUID, now: datetime
) -> None:
    """Remember that two clients are two. Raises ClientNotFound, MergeWithItself."""
    client, _ = await _both(uow, client_id, other_id)
    if await duplicates.dismiss(uow, (client_id, other_id), by=by, now=now):
        uow.tell_facts(
            DuplicateDismissed(
                aggregate_id=client_id, version=client.version, at=now, by=by, other_id=other_id
            )
        )
    await uow.commit()


async def merge_clients(
    uow: UnitOfWork,
    *,
    client_id: UUID,
    etag: str,
    other_id: UUID,
    other_etag: str,
    fields_from_other: Sequence[str],
    by: UUID,
    now: datetime,
) -> UUID:
    """Make one client of two; the id of the merge, by which it can be undone.

    Raises ClientNotFound, ClientHasChanged, MergeWithItself, MergeOutOfSight, EntryRefused.
    """
    above = await lines.above(uow, [client_id, other_id])
    client, other = await _both(uow, client_id, other_id)
    client.expect(etag)
    other.expect(other_etag)
    await merges.expect_all_seen(uow, other_id)
    before = client_before(client.state)
    _take_over(client, other, fields_from_other, above, by=by, now=now)
    gone = Named(other.id, other.state.name)
    moved = await _move(uow, gone, Named(client.id, client.state.name), by=by, now=now)
    moved["people"] = await _move_people(uow, other, client, by=by, now=now)
    # The other goes first: its id of a source must be free for the client that stays.
    external = _taken_external_id(client, other, by=by, now=now)
    other.delete(at=now, by=by)
    other.version += 1
    await bulk_changes.save_clients(uow, [other])
    if client_before(client.state) != before:
        client.version += 1
        await bulk_changes.save_clients(uow, [client])
    merge_id = await _keep(
        uow, client, gone, before, {**moved, "external_id": external}, by=by, now=now
    )
    await uow.commit()
    return merge_id


def _taken_external_id(client: Client, other: Client, *, by: UUID, now: datetime) -> list[str]:
    """The id of a source that the client has taken over; the other lets go of it."""
    external = other.state.external_id
    if not external or client.state.external_id != external:
        return []
    other.edit(ClientEdit(external_id=None), at=now, by=by)
    other.version += 1
    return [external]


async def _keep(
    uow: UnitOfWork,
    client: Client,
    gone: Named,
    before: dict[str, Any],
    moved: dict[str, list[str]],
    *,
    by: UUID,
    now: datetime,
) -> UUID:
    """Write down what was merged, so that it can be undone, and tell it; its id."""
    merge_id = new_id()
    counts = {kind: len(moved[kind]) for kind in ("deals", "activities", "people")}
    await merges.add(
        uow,
        merge_id,
        client_id=client.id,
        client_name=client.state.name,
        other_id=gone.id,
        other_name=gone.name,
        before=before,
        after=client_before(client.state),
        moved=moved,
        created_by=by,
        created_at=now,
        **counts,
    )
    uow.tell_facts(
        ClientsMerged(
            aggregate_id=client.id,
            version=client.version,
            at=now,
            by=by,
            other_id=gone.id,
            merge_id=merge_id,
            **counts,
        )
    )
    return merge_id


async def undo_merge(uow: UnitOfWork, *, merge_id: UUID, by: UUID, now: datetime) -> None:
    """Make two of them again; what somebody has changed since stays as it is.

    Raises MergeNotFound, MergeUndone, MergeOutOfSight, RecordNotInTrash.
    """
    merge = await merges.load_for_update(uow, merge_id)
    if merge.undone_at is not None:
        raise MergeUndone("They are two again already.")
    await merges.expect_all_seen_back(uow, merge)
    stood_under = merge.before["parent"] and UUID(merge.before["parent"][0])
    above = await lines.above(uow, filter(None, (merge.client_id, merge.other_id, stood_under)))
    if stood_under and not above.knows(stood_under):
        merge.before["parent"] = None
    await trash.take_out(uow, merge.other_id)
    found = await bulk_changes.load_clients(uow, [merge.client_id, merge.other_id])
    other, client = found[merge.other_id], found.get(merge.client_id)
    other.restore(at=now, by=by)
    other.version += 1
    # People first: whom the client stood under may be one of them.
    people = await _people_back(uow, merge, other, above)
    if client is not None:
        state = client.state
        edit = await _edit_back(uow, client, merge)
        if above.reaches(stood_under, client.id):
            edit.pop("parent", None)
        client.edit(edit, at=now, by=by)
        if client.state is not state:
            client.version += 1
            await bulk_changes.save_clients(uow, [client])
    if free := await _free(uow, merge.moved["external_id"]):
        other.edit(ClientEdit(external_id=free[0]), at=now, by=by)
        other.version += 1
    await bulk_changes.save_clients(uow, [other])
    kept = Named(merge.client_id, client.state.name if client else "")
    await _move_back(uow, merge.moved, kept, other, people, by=by, now=now)
    await merges.undone(uow, merge_id, now=now)
    uow.tell_facts(
        ClientsParted(
            aggregate_id=merge.client_id,
            version=client.version if client else 1,
            at=now,
            by=by,
            other_id=merge.other_id,
            merge_id=merge_id,
        )
    )
    await uow.commit()


async def _both(uow: UnitOfWork, client_id: UUID, other_id: UUID) -> tuple[Client, Client]:
    if client_id == other_id:
        said = "Choose two different clients."
        raise MergeWithItself(said, fields={"other_id": said})
    found = await bulk_changes.load_clients(uow, [client_id, other_id])
    if len(found) < 2:
        raise ClientNotFound("There is no such client.")
    return found[client_id], found[other_id]


def _take_over(
    client: Client, other: Client, named: Sequence[str], above: Lines, *, by: UUID, now: datetime
) -> None:
    """Lists of both; of other fields those that are named, or that the client does not have."""
    unknown = [name for name in named if name not in CLIENT_FIELDS]
    if unknown:
        said = f"There is no field “{unknown[0][:50]}” to choose."
        raise EntryRefused([Problem("fields_from_other", "FIELD_UNKNOWN", said)])
    edit: dict[str, Any] = {}
    for name, field in CLIENT_FIELDS.items():
        mine, its = getattr(client.state, field), getattr(other.state, field)
        if name in named or (its and not mine):
            edit[field] = its
    parent = edit.get("parent", client.state.parent)
    if parent and (above.reaches(parent.id, client.id) or above.reaches(parent.id, other.id)):
        top = other.state.parent  # what stood under the other stands where the other stood
        edit["parent"] = top if top and not above.reaches(top.id, client.id) else None
    for field in UNITED:
        both = (*getattr(client.state, field), *getattr(other.state, field))
        edit[field] = tuple(dict.fromkeys(both))
    its_fields = {**other.state.custom_fields, **client.state.custom_fields}
    if its_fields != client.state.custom_fields:
        edit["custom_fields"] = its_fields
    client.edit(cast(ClientEdit, edit), at=now, by=by)


async def _move(
    uow: UnitOfWork, source: Named, target: Named, *, by: UUID, now: datetime
) -> dict[str, Any]:
    """Deals, activities and contacts change hands; their ids.

    Where both were contacts of a deal, the role of the one that went is kept as well.
    """
    in_contact = await contacts.deals_with(uow, source.id)
    deals = await bulk_changes.load_deals(uow, await merges.of_client(uow, "deals", source.id))
    spoken = await bulk_changes.load_deals(uow, set(in_contact) - set(deals))
    for deal in deals.values():
        _edit_deal(deal, target, by=by, now=now)
    every = {**deals, **spoken}
    shared: dict[str, str] = {}
    for deal_id in in_contact:
        known = await contacts.load(uow, deal_id)
        if known.role_of(target.id) is not None:
            shared[str(deal_id)] = known.role_of(source.id) or ""
        await replace_contact(uow, every[deal_id], known, source, target, by=by, now=now)
    if every:
        await bulk_changes.save_deals(uow, list(every.values()))
    ids = await merges.of_client(uow, "activities", source.id)
    activities = await _hand_over(uow, ids, target, by=by, now=now)
    return {
        "deals": [str(id) for id in deals],
        "contacts": [str(id) for id in in_contact],
        "shared": shared,
        "activities": [str(one.id) for one in activities],
    }


async def _move_people(
    uow: UnitOfWork, source: Client, target: Client, *, by: UUID, now: datetime
) -> list[str]:
    ids = await merges.of_client(uow, "people", source.id)
    people = await bulk_changes.load_clients(uow, [id for id in ids if id != target.id])
    parent = Parent(target.id, target.state.name, target.state.kind)
    await _stand_under(uow, list(people.values()), parent, by=by, now=now)
    return [str(id) for id in people]


async def _stand_under(
    uow: UnitOfWork, people: Sequence[Client], parent: Parent, *, by: UUID, now: datetime
) -> None:
    for person in people:
        person.edit(ClientEdit(parent=parent), at=now, by=by)
        person.version += 1
    if people:
        await bulk_changes.save_clients(uow, people)


async def _hand_over(
    uow: UnitOfWork, ids: Sequence[UUID], target: Named, *, by: UUID, now: datetime
) -> list[Activity]:
    found = list((await bulk_changes.load_activities(uow, ids)).values())
    _, zone_name = await bulk.settings(uow)
    zone = zone_of(zone_name)
    for activity in found:
        activity.edit({"client": target}, zone=zone, at=now, by=by)
        activity.version += 1
    if found:
        await bulk_changes.save_activities(uow, found)
    return found


async def _move_back(
    uow: UnitOfWork,
    moved: dict[str, Any],
    source: Named,
    other: Client,
    people: Sequence[UUID],
    *,
    by: UUID,
    now: datetime,
) -> None:
    """What is still the client's goes back to the other."""
    target = Named(other.id, other.state.name)
    in_contact = {UUID(id) for id in moved["contacts"]}
    deals = await bulk_changes.load_deals(uow, {*map(UUID, moved["deals"]), *in_contact})
    for deal in deals.values():
        if (
            str(deal.id) in moved["deals"]
            and deal.state.client
            and deal.state.client.id == source.id
        ):
            _edit_deal(deal, target, by=by, now=now)
        if deal.id in in_contact:
            known = await contacts.load(uow, deal.id)
            role = moved.get("shared", {}).get(str(deal.id))
            if role is None:
                await replace_contact(uow, deal, known, source, target, by=by, now=now)
            else:
                await add_contact_beside(uow, deal, known, source, target, role, by=by, now=now)
    if deals:
        await bulk_changes.save_deals(uow, list(deals.values()))
    still = await merges.of_client(uow, "activities", source.id)
    ids = [id for id in still if str(id) in moved["activities"]]
    await _hand_over(uow, ids, target, by=by, now=now)
    found = await bulk_changes.load_clients(uow, people)
    parent = Parent(other.id, other.state.name, other.state.kind)
    await _stand_under(uow, list(found.values()), parent, by=by, now=now)


async def _people_back(
    uow: UnitOfWork, merge: merges.Kept, other: Client, above: Lines
) -> list[UUID]:
    """Who is still the client's, and not above the other by now; noted in the lines."""
    if other.state.kind is not ClientKind.COMPANY:
        return []
    still = await merges.of_client(uow, "people", merge.client_id)
    moved = [id for id in still if str(id) in merge.moved["people"]]
    back = [id for id in moved if not above.reaches(other.id, id)]
    for id in back:
        above.put(id, other.id)
    return back


def _edit_deal(deal: Deal, client: Named, *, by: UUID, now: datetime) -> None:
    deal.edit({"client": client}, at=now, by=by)
    deal.version += 1


async def _edit_back(uow: UnitOfWork, client: Client, merge: merges.Kept) -> ClientEdit:
    """Fields that the merge changed and nobody has changed since."""
    now = client_before(client.state)
    back: dict[str, Any] = {**client_back(merge.before, client.state)}
    fields = {
        name
        for name, value in merge.after.items()
        if value != merge.before[name] and is_as_it_was(name, value, now[name])
    }
    external_id = merge.before["external_id"]
    if external_id and not await _free(uow, [external_id]):
        fields.discard("external_id")
    return cast(ClientEdit, {name: value for name, value in back.items() if name in fields})


async def _free(uow: UnitOfWork, external_ids: Sequence[str]) -> list[str]:
    """Those that no client has taken meanwhile; one in the trash keeps its own."""
    known = await bulk.known(uow, bulk.KNOWN_CLIENTS, external_ids) if external_ids else {}
    return [id for id in external_ids if id not in known]
