"""A client: a company or a person one works for, or would like to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict
from uuid import UUID

from crm.domain.addresses import normal_email, normal_phone, normal_website
from crm.domain.custom_field import merged
from crm.domain.entries import MAX_NAME, Entry, Named
from crm.domain.errors import ClientHasChanged
from kit.aggregate import Aggregate, Fact

MAX_ADDRESSES = 10
MAX_EMAIL, MAX_PHONE, MAX_ADDRESS, MAX_WEBSITE, MAX_NOTES = 254, 50, 1000, 300, 10_000
MAX_EXTERNAL_ID = 200
SHOWN = 60  # characters of what is wrong


class ClientKind(StrEnum):
    """Who it is."""

    COMPANY = "company"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Parent:
    """Whom a client stands under."""

    id: UUID
    name: str
    kind: ClientKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientState:
    """All of a client at one moment."""

    kind: ClientKind
    name: str
    created_at: datetime
    updated_at: datetime
    parent: Parent | None = None
    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    address: str = ""
    website: str = ""
    owner: Named | None = None
    tags: Sequence[str] = ()
    custom_fields: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    external_id: str | None = None
    deleted_at: datetime | None = None


class ClientEdit(TypedDict, total=False):
    """What a person may change in a client."""

    kind: ClientKind
    name: str
    parent: Parent | None
    emails: Sequence[str]
    phones: Sequence[str]
    address: str
    website: str
    owner: Named | None
    tags: Sequence[str]
    custom_fields: Mapping[str, Any]
    notes: str
    external_id: str | None


# How the public API spells them.
API_NAMES = {name: name for name in ClientEdit.__annotations__} | {
    "parent": "parent_id",
    "owner": "owner_id",
}


@dataclass(frozen=True, kw_only=True)
class ClientFact(Fact):
    """What happened to a client; `client` is how it stands after it."""

    client: ClientState


@dataclass(frozen=True, kw_only=True)
class ClientCreated(ClientFact):
    """A client came to be."""


@dataclass(frozen=True, kw_only=True)
class ClientUpdated(ClientFact):
    """A client has other values."""

    changed_fields: Sequence[str]
    before: ClientState | None = None


@dataclass(frozen=True, kw_only=True)
class ClientDeleted(ClientFact):
    """A client is in the trash."""


@dataclass(frozen=True, kw_only=True)
class ClientRestored(ClientFact):
    """A client is back from the trash."""


@dataclass(eq=False, kw_only=True)
class Client(Aggregate):
    """Loaded and saved by adapters/clients.py."""

    state: ClientState

    @classmethod
    def create(
        cls,
        id: UUID,
        workspace_id: UUID,
        *,
        edit: ClientEdit,
        at: datetime,
        by: UUID | None,
        region: str = "",
    ) -> "Client":
        """A new client; phone numbers without a country's code are those of `region`.

        Raises EntryRefused.
        """
        blank = ClientState(kind=ClientKind.COMPANY, name="", created_at=at, updated_at=at)
        state = _edited(id, blank, {"name": "", **edit}, region)
        client = cls(id=id, workspace_id=workspace_id, version=1, state=state)
        client.tell(ClientCreated(aggregate_id=id, version=1, at=at, by=by, client=state))
        return client

    def expect(self, etag: str) -> None:
        """Refuse a decision that was made on an older state."""
        if etag != str(self.version):
            raise ClientHasChanged("The client was changed meanwhile.", current=str(self.version))

    def edit(self, edit: ClientEdit, *, at: datetime, by: UUID, region: str = "") -> None:
        """Take other values; the same ones are nothing to tell.

        Raises EntryRefused.
        """
        before, after = self.state, _edited(self.id, self.state, edit, region)
        changed = [
            API_NAMES[name] for name in edit if getattr(before, name) != getattr(after, name)
        ]
        if changed:
            self.state = replace(after, updated_at=at)
            self._tell(ClientUpdated, at=at, by=by, changed_fields=changed, before=before)

    def delete(self, *, at: datetime, by: UUID) -> None:
        """Go to the trash; its deals stay."""
        self.state = replace(self.state, deleted_at=at, updated_at=at)
        self._tell(ClientDeleted, at=at, by=by)

    def restore(self, *, at: datetime, by: UUID) -> None:
        """Come back from the trash."""
        self.state = replace(self.state, deleted_at=None, updated_at=at)
        self._tell(ClientRestored, at=at, by=by)

    def _tell(self, fact: type[ClientFact], *, at: datetime, by: UUID, **more: Any) -> None:
        version = self.version + 1
        self.tell(
            fact(aggregate_id=self.id, version=version, at=at, by=by, client=self.state, **more)
        )


def _edited(id: UUID, state: ClientState, edit: ClientEdit, region: str) -> ClientState:
    entry = Entry()
    clean: dict[str, Any] = dict(edit)
    if "name" in edit:
        clean["name"] = entry.text("name", edit["name"], limit=MAX_NAME, needed=True)
    if "address" in edit:
        clean["address"] = entry.text("address", edit["address"], limit=MAX_ADDRESS)
    if "website" in edit:
        clean["website"] = _website(entry, edit["website"])
    if "notes" in edit:
        clean["notes"] = entry.text("notes", edit["notes"], limit=MAX_NOTES)
    if "external_id" in edit:
        text = entry.text("external_id", edit["external_id"] or "", limit=MAX_EXTERNAL_ID)
        clean["external_id"] = text or None
    if "emails" in edit:
        clean["emails"] = _emails(entry, edit["emails"])
    if "phones" in edit:
        clean["phones"] = _phones(entry, edit["phones"], region)
    if "tags" in edit:
        clean["tags"] = entry.tags(edit["tags"], state.tags)
    if "custom_fields" in edit:
        values = entry.custom_fields(edit["custom_fields"])
        clean["custom_fields"] = merged(state.custom_fields, values)
    after = replace(state, **clean)
    _check_parent(entry, id, state, after)
    entry.done()
    return after


def _emails(entry: Entry, values: Sequence[str]) -> tuple[str, ...]:
    texts = entry.texts("emails", values, limit=MAX_EMAIL, at_most=MAX_ADDRESSES)
    kept = {text: normal_email(text) for text in texts}
    if wrong := [text for text, email in kept.items() if email is None]:
        said = _said_of(wrong, "is not an e-mail address", "are not e-mail addresses")
        entry.refuse("emails", "EMAIL_INVALID", said)
    return tuple(dict.fromkeys(email or text for text, email in kept.items()))


def _phones(entry: Entry, values: Sequence[str], region: str) -> tuple[str, ...]:
    texts = entry.texts("phones", values, limit=MAX_PHONE, at_most=MAX_ADDRESSES)
    kept = {text: normal_phone(text, region) for text in texts}
    if wrong := [text for text, phone in kept.items() if phone is None]:
        said = _said_of(wrong, "is not a phone number", "are not phone numbers")
        entry.refuse("phones", "PHONE_INVALID", said)
    return tuple(dict.fromkeys(phone or text for text, phone in kept.items()))


def _said_of(wrong: Sequence[str], one: str, several: str) -> str:
    """Each of them named, so that none has to be looked for."""
    named = [f"“{text[:SHOWN]}”" for text in wrong[:MAX_ADDRESSES]]
    if len(named) == 1:
        return f"{named[0]} {one}."
    return f"{', '.join(named[:-1])} and {named[-1]} {several}."


def _website(entry: Entry, value: str) -> str:
    text = entry.text("website", value, limit=MAX_WEBSITE)
    website = normal_website(text) if text else ""
    if website is None:
        entry.refuse("website", "WEBSITE_INVALID", "This is not a web address.")
    return website or text


def _check_parent(entry: Entry, id: UUID, before: ClientState, after: ClientState) -> None:
    """One that is there already may have been made a person since, and is nobody's mistake here."""
    parent = after.parent
    if parent is None or (before.parent and before.parent.id == parent.id):
        return
    if parent.kind is not ClientKind.COMPANY or parent.id == id:
        entry.refuse("parent_id", "PARENT_NOT_COMPANY", "Only a company can have others under it.")
