"""The trash, and the ways into it and out of it."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.client_service_pb2 import DeleteClientRequest, GetClientRequest
from freelanceflow.crm.v1.deal_service_pb2 import DeleteDealRequest, GetDealRequest
from freelanceflow.crm.v1.record_service_pb2 import (
    ListTrashRequest,
    ListTrashResponse,
    PurgeRecordRequest,
    RecordKind,
    ReopenDealRequest,
    RestoreRecordRequest,
)
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.rendering import rendering_of

PAGE = 50
KINDS = {
    "deal": RecordKind.RECORD_KIND_DEAL,
    "client": RecordKind.RECORD_KIND_CLIENT,
    "activity": RecordKind.RECORD_KIND_ACTIVITY,
}
_HOMES = {RecordKind.RECORD_KIND_DEAL: "/deals/", RecordKind.RECORD_KIND_CLIENT: "/clients/"}

router = APIRouter(include_in_schema=False)


@router.get("/trash")
async def trash(request: Request) -> Response:
    """What was deleted, the latest first."""
    kind = _kind(request)
    viewer, page = await together(viewer_of(request), _page(request))
    following = {"kind": kind, "page_token": page.next_page_token}
    return rendering_of(request).response(
        request,
        "trash/page.html",
        viewer,
        records=page.records,
        kind=kind,
        came_from=_came_from(request, kind),
        next_href=f"/trash?{urlencode(following)}" if page.next_page_token else "",
        saved=_NOTES.get(request.query_params.get("saved", ""), ""),
    )


def _kind(request: Request) -> str:
    kind = request.query_params.get("kind", "")
    return kind if kind in KINDS else ""


def _came_from(request: Request, kind: str) -> str:
    """The page of the trash that is shown, so that a record on it is found again."""
    shown = {"kind": kind, "page_token": request.query_params.get("page_token", "")}
    query = urlencode({name: value for name, value in shown.items() if value})
    return f"?{query}" if query else ""


async def _page(request: Request) -> ListTrashResponse:
    asked = ListTrashRequest(
        kind=KINDS.get(_kind(request), RecordKind.RECORD_KIND_UNSPECIFIED),
        page_size=PAGE,
        page_token=request.query_params.get("page_token", ""),
    )
    page: ListTrashResponse = await clients_of(request).records.ListTrash(
        asked, identity_of(request)
    )
    return page


_NOTES = {
    "deleted": "It is in the trash now, and can be restored from here for 30 days.",
    "purged": "Deleted for good.",
    "restored": "Restored.",
}


@router.post("/trash/{record_id}/restore")
async def restore(request: Request, record_id: str) -> Response:
    """Takes it out, and goes there."""
    signed_in(request)
    restored = await clients_of(request).records.RestoreRecord(
        RestoreRecordRequest(record_id=record_id), identity_of(request)
    )
    home = _HOMES.get(restored.kind)
    return RedirectResponse(f"{home}{record_id}" if home else "/trash?saved=restored", 303)


@router.get("/trash/{record_id}/purge")
async def ask_to_purge(request: Request, record_id: str) -> Response:
    """Asks first: this cannot be undone. The address says on which page of the trash it stands."""
    viewer, page = await together(viewer_of(request), _page(request))
    return rendering_of(request).response(
        request,
        "trash/purge.html",
        viewer,
        record_id=record_id,
        record=next((record for record in page.records if record.id == record_id), None),
    )


@router.post("/trash/{record_id}/purge")
async def purge(request: Request, record_id: str) -> Response:
    """Deletes it for good."""
    signed_in(request)
    await clients_of(request).records.PurgeRecord(
        PurgeRecordRequest(record_id=record_id), identity_of(request)
    )
    return RedirectResponse("/trash?saved=purged", 303)


# What can be taken back is done to the record as it is now; nobody is asked which state they saw.


@router.post("/deals/{deal_id}/delete")
async def delete_deal(request: Request, deal_id: str) -> Response:
    """Into the trash."""
    signed_in(request)
    deals, identity = clients_of(request).deals, identity_of(request)
    deal = await deals.GetDeal(GetDealRequest(deal_id=deal_id), identity)
    await deals.DeleteDeal(DeleteDealRequest(deal_id=deal_id, etag=deal.etag), identity)
    return RedirectResponse("/trash?saved=deleted", 303)


@router.post("/clients/{client_id}/delete")
async def delete_client(request: Request, client_id: str) -> Response:
    """Into the trash; its deals stay."""
    signed_in(request)
    clients, identity = clients_of(request).clients, identity_of(request)
    client = await clients.GetClient(GetClientRequest(client_id=client_id), identity)
    await clients.DeleteClient(DeleteClientRequest(client_id=client_id, etag=client.etag), identity)
    return RedirectResponse("/trash?saved=deleted", 303)


@router.post("/deals/{deal_id}/reopen")
async def reopen(request: Request, deal_id: str) -> Response:
    """Back to the stage it was closed from."""
    signed_in(request)
    clients, identity = clients_of(request), identity_of(request)
    deal = await clients.deals.GetDeal(GetDealRequest(deal_id=deal_id), identity)
    await clients.records.ReopenDeal(ReopenDealRequest(deal_id=deal_id, etag=deal.etag), identity)
    return RedirectResponse(f"/deals/{deal_id}", 303)
