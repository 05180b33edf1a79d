"""Who is spoken with about a deal. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID

from crm.adapters import contacts, deals
from crm.domain.contacts import Contacts
from crm.domain.deal import Deal
from crm.domain.entries import Named
from crm.domain.errors import ClientNotFound
from kit.unit_of_work import UnitOfWork


async def put_contact(
    uow: UnitOfWork, *, deal_id: UUID, client_id: UUID, role: str, by: UUID, now: datetime
) -> None:
    """Add a contact to a deal, or give it another role.

    Raises DealNotFound, ClientNotFound, EntryRefused.
    """
    deal, found = await deals.load_to_edit(uow, deal_id, client_id=client_id)
    if found.client is None:
        raise ClientNotFound("There is no such client.")
    known = await contacts.load(uow, deal_id)
    before = known.in_words
    contact = known.put(found.client, role)
    deal.note_change("contacts", before, known.in_words, at=now, by=by)
    if before != known.in_words:
        await contacts.put(uow, deal_id, contact, now)
        await deals.save(uow, deal)
    await uow.commit()


async def remove_contact(
    uow: UnitOfWork, *, deal_id: UUID, client_id: UUID, by: UUID, now: datetime
) -> None:
    """Take a contact from a deal. Raises DealNotFound."""
    deal, _ = await deals.load_to_edit(uow, deal_id)
    known = await contacts.load(uow, deal_id)
    before = known.in_words
    known.remove(client_id)
    deal.note_change("contacts", before, known.in_words, at=now, by=by)
    if before != known.in_words:
        await contacts.remove(uow, deal_id, client_id)
        await deals.save(uow, deal)
    await uow.commit()


async def replace_contact(
    uow: UnitOfWork,
    deal: Deal,
    known: Contacts,
    source: Named,
    target: Named,
    *,
    by: UUID,
    now: datetime,
) -> None:
    """One instead of the other; whoever calls saves the deal."""
    role = known.role_of(source.id)
    if role is None:
        return
    before = known.in_words
    known.remove(source.id)
    contact = None if known.role_of(target.id) is not None else known.put(target, role)
    deal.note_change("contacts", before, known.in_words, at=now, by=by)
    deal.version += before != known.in_words
    await contacts.remove(uow, deal.id, source.id)
    if contact is not None:
        await contacts.put(uow, deal.id, contact, now)


async def add_contact_beside(
    uow: UnitOfWork,
    deal: Deal,
    known: Contacts,
    beside: Named,
    target: Named,
    role: str,
    *,
    by: UUID,
    now: datetime,
) -> None:
    """One beside the other, unless that one is none any more; whoever calls saves the deal."""
    if known.role_of(beside.id) is None or known.role_of(target.id) is not None:
        return
    before = known.in_words
    contact = known.put(target, role)
    deal.note_change("contacts", before, known.in_words, at=now, by=by)
    deal.version += 1
    await contacts.put(uow, deal.id, contact, now)
