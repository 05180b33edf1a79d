"""One record among many, chosen in a form by its name: what is offered while somebody types, and
who is meant by what was sent.

With scripts a list opens below the field, and what is chosen there comes with its id. Without them
the name that was typed is looked up when the form is sent; where it leaves a doubt, the form comes
back with those who may be meant, to choose from.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1.client_service_pb2 import (
    Client,
    ClientKind,
    GetClientRequest,
    ListClientsRequest,
)
from freelanceflow.crm.v1.deal_service_pb2 import Deal, GetDealRequest, ListDealsRequest
from freelanceflow.crm.v1.record_service_pb2 import RecordKind
from freelanceflow.crm.v1.search_service_pb2 import SearchRequest, SearchResult
from freelanceflow.crm.v1.stage_service_pb2 import Owner
from freelanceflow.type.v1.filter_pb2 import Condition, Operator, SortKey
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.pages.calls import clients_of, identity_of, if_there, signed_in
from gateway.entrypoints.pages.forms import Unclear, Values
from gateway.entrypoints.pages.owners import EVERYBODY, EVERYBODYS, ME, MINE, find_owners
from gateway.entrypoints.pages.rendering import rendering_of
from kit.errors import DomainError, ErrorKind

LONGEST = 200
FOUND = 8  # of each kind, by search: as many may mean that there are more
OFFERED = 20
NOBODY = "No"  # how an error begins that somebody new would mend
_LATEST = [SortKey(field="updated_at", descending=True)]
_PERSON = ClientKind.CLIENT_KIND_PERSON

router = APIRouter(include_in_schema=False)


class Choice(NamedTuple):
    """A record, and what tells it from others of the same name."""

    id: str
    name: str
    detail: str


class Kind(NamedTuple):
    """What is chosen."""

    record: int  # 0 for owners, which search does not know
    word: str
    several: str
    only: tuple[Condition, ...] = ()
    words: tuple[Choice, ...] = ()  # that a filter offers beside records

    def conditions(self, *more: Condition) -> list[Condition]:
        """What a list is asked for."""
        return [*self.only, *more]


def _equal(field: str, value: str) -> Condition:
    return Condition(field=field, operator=Operator.OPERATOR_EQ, values=[value])


def _holds(text: str) -> Condition:
    return Condition(field="name", operator=Operator.OPERATOR_CONTAINS, values=[text])


MY_OWN = Choice(ME, MINE, "What belongs to whoever looks")
ALL = Choice(EVERYBODY, EVERYBODYS, "What belongs to anybody")
CLIENT, DEAL = RecordKind.RECORD_KIND_CLIENT, RecordKind.RECORD_KIND_DEAL
KINDS = {
    "clients": Kind(CLIENT, "client", "clients"),
    "companies": Kind(CLIENT, "company", "companies", (_equal("kind", "company"),)),
    "deals": Kind(DEAL, "deal", "deals"),
    "owners": Kind(0, "owner", "owners"),
    "whose": Kind(0, "owner", "owners", words=(MY_OWN,)),  # in filters
    "doers": Kind(0, "owner", "owners", words=(MY_OWN, ALL)),  # where empty means one's own
}


@router.get("/choices/{kind}")
async def choices(request: Request, kind: str) -> Response:
    """Those that are meant by what is typed so far, the best first; the latest when nothing is."""
    signed_in(request)
    if kind not in KINDS:
        raise HttpProblem(404, "NOT_FOUND", "There is nothing here.")
    text = request.query_params.get("q", "").strip()[:LONGEST]
    offered = await _offered(request, KINDS[kind], text)
    left_out = request.query_params.get("not", "")
    return rendering_of(request).response(
        request,
        "choices/options.html",
        choices=[choice for choice in offered if choice.id != left_out],
    )


async def meant(
    request: Request, values: Values, fields: Mapping[str, str], *, new: str = ""
) -> dict[str, str]:
    """The ids of what the form's fields mean, by field; empty for an empty one.

    `fields` are kinds by field. The name in the field `new` may be nobody's yet: then its id is
    empty. The values get name and id of what was found. Raises Unclear for all fields that leave a
    doubt.
    """
    answers = await asyncio.gather(
        *(
            _meant(request, values, field, KINDS[kind], may_be_new=field == new)
            for field, kind in fields.items()
        ),
        return_exceptions=True,
    )
    doubts = [answer for answer in answers if isinstance(answer, Unclear)]
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Unclear):
            raise answer
    if doubts:
        raise Unclear.of(doubts)
    return dict(zip(fields, map(str, answers), strict=True))


async def _meant(
    request: Request, values: Values, field: str, kind: Kind, *, may_be_new: bool
) -> str:
    picked = values[f"{field}_pick"]
    name, id = values[field], picked or values[f"{field}_id"]
    values[f"{field}_id"] = ""
    if not name and not picked:
        return ""
    if len(name) > LONGEST or "\0" in name:
        raise _doubt(field, kind, [], [])
    known = await _get(request, kind, id) if id else None
    # What was chosen before and then typed over is not meant any more.
    if known and (picked or _same(known.name, name)):
        values[field], values[f"{field}_id"] = known.name, known.id
        return known.id
    called = await _called(request, kind, name)
    if len(called) == 1:
        values[field], values[f"{field}_id"] = called[0].name, called[0].id
        return called[0].id
    if not called and may_be_new:
        return ""
    raise _doubt(field, kind, called, [] if called else await _found(request, kind, name))


async def about_client(request: Request, client_id: str, field: str = "client") -> dict[str, str]:
    """What a form that was opened on a client's page begins with."""
    if not client_id:
        return {}
    asked = GetClientRequest(client_id=client_id)
    client = await clients_of(request).clients.GetClient(asked, identity_of(request))
    return {field: client.name, f"{field}_id": client.id}


def _doubt(field: str, kind: Kind, called: Sequence[Choice], alike: Sequence[Choice]) -> Unclear:
    if called:
        most = "More than" if len(called) >= OFFERED else ""
        words = f"{most} {len(called)} {kind.several} have this name. Which one is it?".strip()
        return Unclear({field: words}, {field: list(called)})
    words = f"{NOBODY} {kind.word} has this name."
    if alike:
        words += " Is it one of these?"
    return Unclear({field: words}, {field: list(alike)})


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


async def _get(request: Request, kind: Kind, id: str) -> Choice | None:
    """One record by its id; None when it is not there, or none of that kind."""
    clients, identity = clients_of(request), identity_of(request)
    if id in (ME, EVERYBODY):
        return next((word for word in kind.words if word.id == id), None)
    try:
        if not kind.record:
            found = await find_owners(request, _equal("id", id), most=1)
            return _owner(found[0]) if found else None
        if kind.record == DEAL:
            asked = GetDealRequest(deal_id=id)
            deal = await if_there(clients.deals.GetDeal(asked, identity))
            return _deal(deal) if deal else None
        client = await if_there(clients.clients.GetClient(GetClientRequest(client_id=id), identity))
    except DomainError as refusal:
        if refusal.kind is not ErrorKind.INVALID:  # what is no id names nothing
            raise
        return None
    if client is None or (kind.only and client.kind == _PERSON):
        return None
    return _client(client)


async def _called(request: Request, kind: Kind, name: str) -> list[Choice]:
    """Who is called exactly so, or else so but for upper and lower case."""
    if said := [word for word in kind.words if _same(name, word.name)]:
        return said
    exactly = await _listed(request, kind, _equal("name", name))
    if exactly:
        return exactly
    return [choice for choice in await _found(request, kind, name) if _same(choice.name, name)]


async def _offered(request: Request, kind: Kind, text: str) -> list[Choice]:
    if not kind.record:
        begun = text.casefold()
        words = [word for word in kind.words if word.name.casefold().startswith(begun)]
        return [*words, *await _found(request, kind, text)]
    if not text:
        return await _listed(request, kind)
    found = await _found(request, kind, text)
    if len(found) >= FOUND or kind.only:
        # Search tells the best eight of all kinds; the list has the others that hold the text.
        known = {choice.id for choice in found}
        more = await _listed(request, kind, _holds(text))
        found += [choice for choice in more if choice.id not in known]
    return found[:OFFERED]


async def _found(request: Request, kind: Kind, text: str) -> list[Choice]:
    """By search, which knows mails and phones as well and forgives mistakes."""
    if not kind.record:
        return await _listed(request, kind, *([_holds(text)] if text else []))
    asked = SearchRequest(text=text)
    found = await if_there(clients_of(request).search.Search(asked, identity_of(request)))
    return [
        _result(result)
        for result in (found.results if found else ())
        if result.kind == kind.record and not (kind.only and result.client_kind == _PERSON)
    ]


async def _listed(request: Request, kind: Kind, *conditions: Condition) -> list[Choice]:
    if not kind.record:
        owners = await find_owners(request, *conditions, most=OFFERED)
        return [_owner(owner) for owner in owners]
    clients, identity = clients_of(request), identity_of(request)
    asked: dict[str, Any] = {
        "page_size": OFFERED,
        "conditions": kind.conditions(*conditions),
        "sort": _LATEST,
    }
    if kind.record == DEAL:
        deals = await clients.deals.ListDeals(ListDealsRequest(**asked), identity)
        return list(map(_deal, deals.deals))
    listed = await clients.clients.ListClients(ListClientsRequest(**asked), identity)
    return list(map(_client, listed.clients))


def _owner(owner: Owner) -> Choice:
    return Choice(owner.id, owner.name, "" if owner.user_id else "Not a member")


def _client(client: Client) -> Choice:
    words = ["Person" if client.kind == _PERSON else "Company"]
    words += [client.parent_name, *client.emails[:1]]
    return Choice(client.id, client.name, " · ".join(filter(None, words)))


def _deal(deal: Deal) -> Choice:
    return Choice(deal.id, deal.name, " · ".join(filter(None, (deal.client_name, deal.stage_name))))


def _result(result: SearchResult) -> Choice:
    words = [result.client_name, result.stage_name]
    if result.kind == CLIENT:
        words.insert(0, "Person" if result.client_kind == _PERSON else "Company")
    return Choice(result.id, result.title, " · ".join(filter(None, words)))
