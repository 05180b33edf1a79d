"""The people one speaks with about a deal."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from crm.domain.entries import Entry, Named

MAX_CONTACTS, MAX_ROLE = 20, 100


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody, and what they do in the deal."""

    client: Named
    role: str = ""

    @property
    def in_words(self) -> str:
        """For the deal's history."""
        return f"{self.client.name} ({self.role})" if self.role else self.client.name


class Contacts:
    """A deal's, in the order in which they came."""

    def __init__(self, contacts: Mapping[UUID, Contact]) -> None:
        self._contacts = dict(contacts)

    def put(self, client: Named, role: str) -> Contact:
        """Add one, or give it another role. Raises EntryRefused."""
        entry = Entry()
        contact = Contact(client, entry.text("role", role, limit=MAX_ROLE))
        if len(self._contacts.keys() | {client.id}) > MAX_CONTACTS:
            entry.refuse("client_id", "CONTACTS_TOO_MANY", f"At most {MAX_CONTACTS} of them.")
        entry.done()
        self._contacts[client.id] = contact
        return contact

    def remove(self, client_id: UUID) -> None:
        """Take one away, if it is there."""
        self._contacts.pop(client_id, None)

    def role_of(self, client_id: UUID) -> str | None:
        """What somebody does in the deal; None for who is no contact."""
        contact = self._contacts.get(client_id)
        return contact.role if contact else None

    @property
    def in_words(self) -> str:
        """All of them, for the deal's history."""
        return ", ".join(contact.in_words for contact in self._contacts.values())
