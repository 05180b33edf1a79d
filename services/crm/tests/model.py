"""crm as a few lines would have it: one person, no database, one thing after the other."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

OPEN = ("Prospecting", "Engaging", "Proposal")
STAGES = (*OPEN, "Won", "Lost")
# Of these a merge takes one or the other; mails and custom fields are united.
CHOICES = {
    "name": "name",
    "parent_id": "parent",
    "notes": "notes",
    "external_id": "external_id",
    "owner_id": "owner",
}


@dataclass
class Thing:
    """What deals, clients and activities have in common."""

    id: str
    name: str
    version: int = 1
    deleted: bool = False

    @property
    def etag(self) -> str:
        """The version as it is sent."""
        return str(self.version)

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """Some of it."""
        return {name: getattr(self, name) for name in names}

    def change(self, **values: Any) -> None:
        """The same values again are no change."""
        if self.values(values) != values:
            self.version += 1
            vars(self).update(values)

    def delete(self) -> None:
        """Into the trash."""
        self.deleted, self.version = True, self.version + 1

    def restore(self) -> None:
        """Out of the trash."""
        self.deleted, self.version = False, self.version + 1


@dataclass
class Deal(Thing):
    """Money that may come."""

    stage: str = OPEN[0]
    left: str = OPEN[0]  # the open stage that it left last
    amount: int = 0
    client: str = ""
    external_id: str = ""
    contacts: dict[str, str] = field(default_factory=dict)  # roles, in the order of coming

    def go_to(self, stage: str) -> None:
        """To a stage, or to another place in its own."""
        if stage != self.stage and self.stage in OPEN:
            self.left = self.stage
        self.stage, self.version = stage, self.version + 1


@dataclass
class Client(Thing):
    """A company, or a person under one."""

    is_company: bool = True
    parent: str = ""
    emails: tuple[str, ...] = ()
    notes: str = ""
    external_id: str = ""
    owner: str = ""  # whoever imported it
    custom: dict[str, str] = field(default_factory=dict)


@dataclass
class Activity(Thing):
    """A call with a client."""

    client: str = ""


MERGED = (*CHOICES.values(), "emails", "custom")


@dataclass
class Merge:
    """Enough to take it back."""

    id: str
    one: Client
    other: Client
    before: dict[str, Any]
    after: dict[str, Any]
    moved: Collection[str]
    roles: dict[str, str]  # what the other did in deals, by their ids
    shared: Collection[str]  # deals of which both were contacts
    freed: str  # the external id that went from the other to the one
    undone: bool = False


@dataclass
class Row:
    """A line of an import."""

    name: str
    external_id: str = ""
    amount: int = 0
    stage: str = ""
    client: str = ""  # by name, brought along; or the company a client stands under


@dataclass
class Brought:
    """A record that an import has made or changed, and how it left it."""

    thing: Deal | Client
    version: int
    before: dict[str, Any] | None


class Model:
    """A workspace."""

    def __init__(self) -> None:
        self.deals: list[Deal] = []
        self.clients: list[Client] = []
        self.activities: list[Activity] = []

    # ------------------------------------------------------------ what is where

    @property
    def things(self) -> list[Thing]:
        """All there is, in the trash or not."""
        return [*self.deals, *self.clients, *self.activities]

    def deals_of(self, client: Client) -> list[Deal]:
        """Those of a client, and of who stands under it."""
        family = {client.id, *(person.id for person in self.people_of(client))}
        return [deal for deal in self.deals if deal.client in family and not deal.deleted]

    def people_of(self, client: Client) -> list[Client]:
        """Who stands under a client."""
        return [one for one in self.clients if one.parent == client.id and not one.deleted]

    def holder(self, things: Sequence[Deal | Client], external_id: str) -> Any:
        """Whose id of a source it is; in the trash it stays that."""
        return next((t for t in things if external_id and t.external_id == external_id), None)

    def has_room_for(self, client: Client, external_id: str) -> bool:
        """Whether nobody else has this id of a source."""
        return self.holder(self.clients, external_id) in (None, client)

    def held_by(self, client: Client) -> list[Deal | Activity]:
        """Its own deals and activities."""
        held: list[Deal | Activity] = [*self.deals, *self.activities]
        return [thing for thing in held if thing.client == client.id and not thing.deleted]

    # ------------------------------------------------------------ contacts

    def set_contacts(self, deal: Deal, contacts: dict[str, str]) -> None:
        """What is told of is what can be read."""
        names = {client.id: client.name for client in self.clients}
        before, after = (
            [(names[id], role) for id, role in each.items()] for each in (deal.contacts, contacts)
        )
        deal.contacts = contacts
        deal.version += before != after

    # ------------------------------------------------------------ merges

    def merge(self, id: str, one: Client, other: Client, named: Collection[str]) -> Merge:
        """One takes over what the other has; the other goes."""
        before = one.values(MERGED)
        freed = self._take_over(one, other, named)
        people = [person for person in self.people_of(other) if person is not one]
        spoken = [deal for deal in self.deals if other.id in deal.contacts and not deal.deleted]
        merge = Merge(
            id,
            one,
            other,
            before,
            one.values(MERGED),
            {thing.id for thing in (*self.held_by(other), *people)},
            {deal.id: deal.contacts[other.id] for deal in spoken},
            {deal.id for deal in spoken if one.id in deal.contacts},
            freed,
        )
        self._hand_over(merge.moved, other, one)
        for deal in spoken:
            role = deal.contacts[other.id]
            left = {id: its for id, its in deal.contacts.items() if id != other.id}
            self.set_contacts(deal, {**left, **({} if one.id in left else {one.id: role})})
        return merge

    def _take_over(self, one: Client, other: Client, named: Collection[str]) -> str:
        new: dict[str, Any] = {}
        for said, name in CHOICES.items():
            if said in named or not getattr(one, name):
                new[name] = getattr(other, name)
        parent = new.get("parent", one.parent)
        if self._reaches(parent, one.id) or self._reaches(parent, other.id):
            new["parent"] = "" if self._reaches(other.parent, one.id) else other.parent
        new["emails"] = tuple(dict.fromkeys((*one.emails, *other.emails)))
        new["custom"] = {**other.custom, **one.custom}
        freed = other.external_id if new.get("external_id") == other.external_id else ""
        if freed:
            other.change(external_id="")
        one.change(**new)
        other.delete()
        return freed

    def _reaches(self, id: str, above: str) -> bool:
        """Whether a client is the other one, or stands under it."""
        parents = {client.id: client.parent for client in self.clients}
        while id and id != above:
            id = parents.get(id, "")
        return bool(id)

    def undo(self, merge: Merge) -> None:
        """Two of them again; what somebody has changed since stays as it is."""
        one, other = merge.one, merge.other
        merge.undone = True
        other.restore()
        self._hand_over(merge.moved, one, other)
        if not one.deleted:
            now = one.values(MERGED)
            back = {
                name: was
                for name, was in merge.before.items()
                if was != merge.after[name] and now[name] == merge.after[name]
            }
            if not self.has_room_for(one, back.get("external_id", "")):
                del back["external_id"]
            if self._reaches(back.get("parent", ""), one.id):
                del back["parent"]
            one.change(**back)
        if merge.freed and self.has_room_for(other, merge.freed):
            other.change(external_id=merge.freed)
        for deal in self.deals:
            if deal.id in merge.roles and one.id in deal.contacts and not deal.deleted:
                mine = dict(deal.contacts)
                role = merge.roles[deal.id] if deal.id in merge.shared else mine.pop(one.id)
                self.set_contacts(deal, {**mine, other.id: mine.get(other.id, role)})

    def _hand_over(self, ids: Collection[str], source: Client, target: Client) -> None:
        for thing in self.held_by(source):
            if thing.id in ids:
                thing.change(client=target.id)
        for person in self.people_of(source):
            if person.id in ids and not self._reaches(target.id, person.id):
                person.change(parent=target.id)

    # ------------------------------------------------------------ imports

    def bring_deal(self, deal: Deal, row: Row, *, update: bool) -> Brought | None:
        """A row about a deal that is there already; what it changed."""
        if deal.deleted or not update:
            return None
        before = deal.values(("name", "amount", "client", "stage"))
        client = next((c.id for c in self.clients if c.name == row.client), deal.client)
        deal.change(name=row.name, amount=row.amount, client=client)
        if row.stage != deal.stage:
            deal.go_to(row.stage)
        return Brought(deal, deal.version, before)

    def bring_client(self, client: Client, row: Row, *, update: bool) -> Brought | None:
        """A row about a client that is there already; what it changed."""
        if client.deleted or not update:
            return None
        before = client.values(("name",))
        client.change(name=row.name)
        return Brought(client, client.version, before)

    def revert(self, brought: Sequence[Brought]) -> None:
        """Out goes what came, back goes what was changed, unless somebody has touched it since."""
        ours = [b for b in brought if not b.thing.deleted and b.thing.version == b.version]
        for kind in (Deal, Client):
            these = [one for one in ours if isinstance(one.thing, kind)]
            for one in these:
                if one.before is not None:
                    self._put_back(one.thing, one.before)
            going = [one.thing for one in these if one.before is None]
            while needed := [thing for thing in going if self._is_needed(thing, going)]:
                going = [thing for thing in going if thing not in needed]
            for thing in going:
                thing.delete()

    def _put_back(self, thing: Deal | Client, before: dict[str, Any]) -> None:
        stage = before.get("stage", "")
        thing.change(**{name: value for name, value in before.items() if name != "stage"})
        if isinstance(thing, Deal) and stage != thing.stage:
            thing.go_to(stage)

    def _is_needed(self, thing: Deal | Client, going: Sequence[Thing]) -> bool:
        if isinstance(thing, Deal):
            return False
        mine = [deal for deal in self.deals if deal.client == thing.id and not deal.deleted]
        return bool(mine or [one for one in self.people_of(thing) if one not in going])
