"""Who is spoken with about a deal. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID

from crm.adapters import contacts, deals
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
