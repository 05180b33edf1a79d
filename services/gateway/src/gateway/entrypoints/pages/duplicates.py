"""Clients that may be one: the pairs, two side by side, and what was merged."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import duplicate_service_pb2 as pb
from freelanceflow.crm.v1.client_service_pb2 import Client, ClientKind
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in, together, viewer_of
from gateway.entrypoints.pages.choices import about_client, meant
from gateway.entrypoints.pages.client_forms import get_client
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import rendering_of
from kit.errors import DomainError, ErrorKind, InvalidInput

WORDS = {
    "email": "The same e-mail address",
    "phone": "The same phone number",
    "domain": "The same domain",
    "name": "Nearly the same name",
}
DONE = {
    "merged": "They are one now. It can be undone below.",
    "undone": "They are two again.",
    "dismissed": "They are not listed again.",
}
FIELDS = {
    "name": "Name",
    "kind": "Kind",
    "parent_id": "Company",
    "owner_id": "Owner",
    "website": "Website",
    "address": "Address",
    "notes": "In short",
    "external_id": "Id in the other system",
}
CHOICE = {"client": "Client that stays", "other": "Client that goes"}
UNITED = {"emails": "E-mail", "phones": "Phone", "tags": "Tags"}

router = APIRouter(include_in_schema=False)


@router.get("/duplicates")
async def duplicates_page(request: Request) -> Response:
    """Pairs, the surest first, and the latest merges."""
    peer, identity = clients_of(request).duplicates, identity_of(request)
    viewer, found, merges = await together(
        viewer_of(request),
        peer.ListDuplicates(pb.ListDuplicatesRequest(), identity),
        peer.ListMerges(pb.ListMergesRequest(page_size=10), identity),
    )
    return rendering_of(request).response(
        request,
        "duplicates/list.html",
        viewer,
        pairs=found.pairs,
        merges=merges.merges,
        words=WORDS,
        done=DONE.get(request.query_params.get("done", ""), ""),
        may_write=viewer.may("clients.write"),
    )


@router.post("/duplicates/dismiss")
async def dismiss(request: Request) -> Response:
    """These are two."""
    signed_in(request)
    values = await values_of(request)
    await clients_of(request).duplicates.DismissDuplicate(
        pb.DismissDuplicateRequest(client_id=values["client_id"], other_id=values["other_id"]),
        identity_of(request),
    )
    return RedirectResponse("/duplicates?done=dismissed", 303)


@router.get("/duplicates/compare")
async def choose(request: Request) -> Response:
    """Any two, also where nothing shows that they are one."""
    about = await about_client(request, request.query_params.get("client_id", ""))
    return await _choice(request, Values(about), Errors())


@router.post("/duplicates/compare")
async def chosen(request: Request) -> Response:
    """Goes on to the two that were chosen."""
    signed_in(request)
    values = await values_of(request)
    try:
        ids = await meant(request, values, {"client": "clients", "other": "clients"})
        missing = {name: "Choose a client." for name, id in ids.items() if not id}
        if missing or ids["client"] == ids["other"]:
            raise InvalidInput("", fields=missing or {"other": "This is the same client."})
    except DomainError as refusal:
        return await _choice(request, values, errors_of(refusal, {}))
    return RedirectResponse(f"/duplicates/{ids['client']}/{ids['other']}", 303)


@router.get("/duplicates/{client_id}/{other_id}")
async def compare(request: Request, client_id: str, other_id: str) -> Response:
    """Two side by side; the first one stays."""
    return await _comparison(request, client_id, other_id, Errors())


@router.post("/duplicates/{client_id}/{other_id}")
async def merge(request: Request, client_id: str, other_id: str) -> Response:
    """Makes one of them."""
    signed_in(request)
    values = await values_of(request)
    try:
        await clients_of(request).duplicates.MergeClients(
            pb.MergeClientsRequest(
                client_id=client_id,
                etag=values["etag"],
                other_id=other_id,
                other_etag=values["other_etag"],
                fields_from_other=[name for name in FIELDS if values[name] == "other"],
            ),
            identity_of(request),
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            said = "One of them was changed meanwhile. This is how they stand now."
            return await _comparison(request, client_id, other_id, Errors(said))
        return await _comparison(request, client_id, other_id, errors_of(refusal, {}))
    return RedirectResponse("/duplicates?done=merged", 303)


@router.post("/merges/{merge_id}/undo")
async def undo(request: Request, merge_id: str) -> Response:
    """Two again."""
    signed_in(request)
    await clients_of(request).duplicates.UndoMerge(
        pb.UndoMergeRequest(merge_id=merge_id), identity_of(request)
    )
    return RedirectResponse("/duplicates?done=undone", 303)


async def _choice(request: Request, values: Values, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "duplicates/choose.html",
        await viewer_of(request),
        status=errors.status,
        values=values,
        errors=errors.fields,
        message=errors.message,
        choices=errors.choices,
        labels=CHOICE,
    )


async def _comparison(request: Request, client_id: str, other_id: str, errors: Errors) -> Response:
    viewer, one, other = await together(
        viewer_of(request), get_client(request, client_id), get_client(request, other_id)
    )
    return rendering_of(request).response(
        request,
        "duplicates/compare.html",
        viewer,
        status=errors.status,
        one=one,
        other=other,
        rows=[
            (name, label, _value(one, name), _value(other, name)) for name, label in FIELDS.items()
        ],
        united=[
            (label, list(dict.fromkeys([*getattr(one, name), *getattr(other, name)])))
            for name, label in UNITED.items()
        ],
        errors=errors.fields,
        message=errors.message,
    )


def _value(client: Client, name: str) -> str:
    match name:
        case "kind":
            return "Person" if client.kind == ClientKind.CLIENT_KIND_PERSON else "Company"
        case "parent_id":
            return client.parent_name
        case "owner_id":
            return client.owner_name
    value: str = getattr(client, name)
    return value
