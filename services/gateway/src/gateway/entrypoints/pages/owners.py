"""Whom things can belong to: a few are listed in a select, one of many is chosen by name."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from freelanceflow.crm.v1.stage_service_pb2 import ListOwnersRequest, ListOwnersResponse, Owner
from freelanceflow.type.v1.filter_pb2 import Condition, Operator
from gateway.entrypoints.filters import Term
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in
from gateway.entrypoints.pages.forms import Values
from kit.errors import DomainError, ErrorKind

FEW = 50  # more are not listed
AT_ONCE = 100  # ids in one question
ME, MINE = "me", "Mine"
EVERYBODY, EVERYBODYS = "all", "Everybody's"
NAME, ID, BEFORE = "owner", "owner_id", "owner_before"  # fields of forms
UNSEEN = "_unseen"  # behind the name of a field: the id of a record that has no name for who looks
GONE = "somebody who left"


@dataclass(frozen=True, slots=True)
class Owners:
    """Those that a page lists, and what they and the ones it speaks of are called."""

    listed: tuple[Owner, ...] = ()
    many: bool = False
    names: dict[str, str] | None = None  # by id

    @property
    def options(self) -> list[tuple[str, str]]:
        """For a select."""
        return [(owner.id, owner.name) for owner in self.listed]

    def name(self, id: str) -> str:
        """What a filter is called that asks for one of them."""
        known = {ME: ME} | (self.names or {})
        return ", ".join(known.get(one, GONE) for one in id.split(","))

    def options_with(self, id: str, name: str) -> list[tuple[str, str]]:
        """The same with whom something belongs to now, though they may have left."""
        gone = [(id, name or GONE)] if id and id not in dict(self.options) else []
        return [*self.options, *gone]


async def owners_of(request: Request, *spoken_of: str) -> Owners:
    """The first ones by name; `spoken_of` are ids whose names the page needs in any case."""
    found = await _listed(request, ListOwnersRequest(page_size=FEW))
    names = {owner.id: owner.name for owner in found.owners}
    many = bool(found.next_page_token)
    if many and (missing := {id for id in spoken_of if id and id != ME} - names.keys()):
        names |= await names_of(request, missing)
    return Owners(tuple(found.owners), many, names)


async def heirs_of(request: Request) -> Owners:
    """Those whom a record may be given to by who asks: it must stay in their sight."""
    sight = signed_in(request).sight
    if sight.owners is None:
        return await owners_of(request)
    asked = ListOwnersRequest(page_size=AT_ONCE)
    ids = [str(id) for id in sight.owners]
    asked.conditions.add(field="id", operator=Operator.OPERATOR_IN, values=ids)
    return Owners(tuple((await _listed(request, asked)).owners))


def nobody_for(request: Request) -> str:
    """The choice of giving a record to nobody, for those who would still see it then."""
    return "Nobody" if signed_in(request).sight.sees(None) else ""


def spoken_of(terms: Iterable[Term]) -> list[str]:
    """The ids that a filter holds."""
    return [id for term in terms if term.field == ID for id in term.value.split(",")]


async def names_of(request: Request, ids: Iterable[str]) -> dict[str, str]:
    """What these are called. An address may hold anything: what is no id has no name."""
    wanted, names = sorted(ids), dict[str, str]()
    for first in range(0, len(wanted), AT_ONCE):
        values = wanted[first : first + AT_ONCE]
        asked = ListOwnersRequest(page_size=AT_ONCE)
        asked.conditions.add(field="id", operator=Operator.OPERATOR_IN, values=values)
        try:
            found = await _listed(request, asked)
        except DomainError as refusal:
            if refusal.kind is not ErrorKind.INVALID:
                raise
            continue
        names |= {owner.id: owner.name for owner in found.owners}
    return names


async def find_owners(request: Request, *conditions: Condition, most: int) -> list[Owner]:
    """By name, as far as they meet the conditions."""
    asked = ListOwnersRequest(page_size=most, conditions=conditions)
    return list((await _listed(request, asked)).owners)


def asked_by_name(values: Values) -> dict[str, str]:
    """The form's field for `choices.meant`, where the form has one for a name."""
    return {NAME: "owners"} if NAME in values or values[f"{NAME}_pick"] else {}


def changed(values: Values, fields: Iterable[str]) -> list[str]:
    """What a form changes. Whoever something belongs to keeps it, also when they have left; and a
    record out of the sight of who fills in the form stays where no other is named."""
    kept = {ID} if values[ID] and values[ID] == values[BEFORE] else set()
    unseen = {
        f"{name.removesuffix(UNSEEN)}_id"
        for name, id in values.items()
        if name.endswith(UNSEEN) and id and not values[name.removesuffix(UNSEEN)]
    }
    return [name for name in fields if name not in kept | unseen]


async def _listed(request: Request, asked: ListOwnersRequest) -> ListOwnersResponse:
    peer = clients_of(request).stages
    found: ListOwnersResponse = await peer.ListOwners(asked, identity_of(request))
    return found
