"""One deal: its page, which is also the panel beside the board, and its form."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.analytics.v1.analytics_service_pb2 import DealInsight, GetDealInsightRequest
from freelanceflow.crm.v1.client_service_pb2 import (
    Client,
    ClientKind,
    CreateClientRequest,
)
from freelanceflow.crm.v1.contact_service_pb2 import ListDealContactsRequest
from freelanceflow.crm.v1.deal_service_pb2 import (
    CreateDealRequest,
    Deal,
    GetDealRequest,
    UpdateDealRequest,
)
from freelanceflow.crm.v1.stage_service_pb2 import ListStagesRequest
from freelanceflow.crm.v1.timeline_service_pb2 import ListTimelineRequest
from gateway.entrypoints.pages.activities import planned
from gateway.entrypoints.pages.calls import (
    EXTRA_TIMEOUT,
    clients_of,
    identity_of,
    if_there,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.choices import NOBODY, about_client, meant
from gateway.entrypoints.pages.conflicts import in_words
from gateway.entrypoints.pages.custom_forms import (
    custom_inputs,
    custom_labels,
    into_struct,
    read_custom,
)
from gateway.entrypoints.pages.fields import list_fields
from gateway.entrypoints.pages.forms import (
    ADDED_BEFORE,
    Errors,
    Values,
    added_before,
    content_key,
    currency_options,
    errors_of,
    options,
    read_money,
    values_of,
)
from gateway.entrypoints.pages.owners import asked_by_name, changed, heirs_of, nobody_for
from gateway.entrypoints.pages.rendering import Viewer, is_htmx, rendering_of, targets
from kit.errors import DomainError, ErrorKind, InvalidInput
from kit.ids import new_id

MOST, TIMELINE = 200, 25
OF_DEALS = "deals"
LABELS = {
    "name": "Name",
    "client": "Client",
    "amount": "Value",
    "stage_id": "Stage",
    "owner_id": "Owner",
    "expected_close_date": "Expected close",
    "source": "Source",
    "next_step": "Next step",
    "next_step_due_date": "Due",
    "tags": "Tags",
}
_FIELD_OF = {"client_id": "client", "currency": "amount"}
_WRITABLE = (
    "name",
    "client_id",
    "amount",
    "owner_id",
    "expected_close_date",
    "source",
    "next_step",
    "next_step_due_date",
    "tags",
    "custom_fields",
)
_TEXTS = ("name", "owner_id", "expected_close_date", "source", "next_step", "next_step_due_date")

router = APIRouter(include_in_schema=False)


@router.get("/deals/new", dependencies=[needs("deals.write")])
async def new_deal(request: Request) -> Response:
    """The empty form."""
    viewer = await viewer_of(request)
    values = Values(currency=viewer.currency_code, request_id=str(new_id()))
    values |= await about_client(request, request.query_params.get("client_id", ""))
    return await _form(request, viewer, "", values, Errors())


@router.post("/deals/new")
async def create_deal(request: Request) -> Response:
    """Adds a deal. The form's own id makes a second sending harmless."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        deal = await _deal_from(request, viewer, values)
        deal.stage_id = values["stage_id"]
        created = await clients_of(request).deals.CreateDeal(
            CreateDealRequest(deal=deal), identity_of(request, values["request_id"])
        )
    except DomainError as refusal:
        if first := added_before(refusal):
            return saved(request, viewer, await _get(request, first), ADDED_BEFORE)
        return await _form(request, viewer, "", values, errors_of(refusal, _FIELD_OF))
    return saved(request, viewer, created, "Added")


@router.get("/deals/{deal_id}")
async def deal_page(request: Request, deal_id: str) -> Response:
    """A deal, as a page or as the part of one that htmx asks for."""
    viewer, context = await together(viewer_of(request), deal_context(request, deal_id))
    template = "deals/page.html"
    if is_htmx(request):
        template = "deals/_page_body.html" if targets(request, "deal-page") else "deals/_panel.html"
    return rendering_of(request).response(request, template, viewer, **context)


@router.get("/deals/{deal_id}/edit", dependencies=[needs("deals.write")])
async def edit_deal(request: Request, deal_id: str) -> Response:
    """The form with the deal's values."""
    viewer, deal, fields = await together(
        viewer_of(request), _get(request, deal_id), list_fields(request, OF_DEALS)
    )
    values = _values_from(request, viewer, deal)
    values |= custom_inputs(fields, deal, rendering_of(request).formats(viewer), viewer)
    return await _form(request, viewer, deal_id, values, Errors())


@router.post("/deals/{deal_id}/edit")
async def update_deal(request: Request, deal_id: str) -> Response:
    """Saves the form. A deal that was changed meanwhile is shown beside what was typed."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        deal = await _deal_from(request, viewer, values)
        deal.id = deal_id
        updated = await clients_of(request).deals.UpdateDeal(
            UpdateDealRequest(
                deal=deal,
                update_mask=FieldMask(paths=changed(values, _WRITABLE)),
                etag=values["etag"],
            ),
            identity_of(request),
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            return await _conflict(request, viewer, deal_id, values)
        return await _form(request, viewer, deal_id, values, errors_of(refusal, _FIELD_OF))
    return saved(request, viewer, updated, "Saved")


async def deal_context(request: Request, deal_id: str) -> dict[str, Any]:
    """Everything that a deal's page shows."""
    signed_in(request)
    clients, identity = clients_of(request), identity_of(request)
    token = request.query_params.get("before", "")
    deal, stages, happened, activities, contacts, insight, fields = await together(
        _get(request, deal_id),
        clients.stages.ListStages(ListStagesRequest(page_size=MOST), identity),
        clients.timelines.ListTimeline(
            ListTimelineRequest(deal_id=deal_id, page_size=TIMELINE, page_token=token), identity
        ),
        if_there(clients.activities.ListActivities(planned(deal_id=deal_id), identity)),
        clients.contacts.ListDealContacts(ListDealContactsRequest(deal_id=deal_id), identity),
        if_there(
            clients.analytics.GetDealInsight(
                GetDealInsightRequest(deal_id=deal_id), identity, timeout=EXTRA_TIMEOUT
            ),
            unknown=DealInsight(),
        ),
        list_fields(request, OF_DEALS),
    )
    following = {"before": happened.next_page_token}
    return {
        "deal": deal,
        "stages": stages.stages,
        "entries": happened.entries,
        "earlier_href": f"/deals/{deal_id}?{urlencode(following)}" if following["before"] else "",
        "activities": activities.activities if activities else [],
        "contacts": contacts.contacts,
        "insight": insight,
        "fields": fields,
    }


async def _get(request: Request, deal_id: str) -> Deal:
    deal: Deal = await clients_of(request).deals.GetDeal(
        GetDealRequest(deal_id=deal_id), identity_of(request)
    )
    return deal


async def _form(
    request: Request,
    viewer: Viewer,
    deal_id: str,
    values: Values,
    errors: Errors,
    *,
    conflict: str = "",
) -> Response:
    clients, identity = clients_of(request), identity_of(request)
    owners, stages, fields = await together(
        heirs_of(request),
        clients.stages.ListStages(ListStagesRequest(page_size=MOST), identity),
        list_fields(request, OF_DEALS),
    )
    sent = request.method == "POST"
    template = "deals/form_page.html"
    if is_htmx(request):
        template = "deals/_form.html" if sent else "deals/form_dialog.html"
    return rendering_of(request).response(
        request,
        template,
        viewer,
        status=412 if conflict else errors.status,
        title="Edit deal" if deal_id else "New deal",
        deal_id=deal_id,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels={**LABELS, "owner": LABELS["owner_id"], **custom_labels(fields)},
        conflict=conflict,
        fields=fields,
        currency=viewer.currency_code,
        currencies=currency_options(values["currency"], viewer.currency_code),
        choices=errors.choices,
        may_be_new=errors.fields["client"].startswith(NOBODY) and viewer.may("clients.write"),
        owners=owners,
        without_owner=nobody_for(request) if deal_id else "Me",
        stage_options=options(stages.stages),
    )


async def _conflict(request: Request, viewer: Viewer, deal_id: str, values: Values) -> Response:
    current, fields = await together(_get(request, deal_id), list_fields(request, OF_DEALS))
    words = in_words(
        _values_from(request, viewer, current),
        values,
        LABELS,
        record=current,
        fields=fields,
        formats=rendering_of(request).formats(viewer),
        viewer=viewer,
    )
    values["etag"] = current.etag
    words = words or f"in {current.stage_name}, otherwise as typed"
    return await _form(request, viewer, deal_id, values, Errors(), conflict=words)


def saved(request: Request, viewer: Viewer, deal: Deal, words: str) -> Response:
    """On to the deal, or a word about it where the window stays."""
    if not is_htmx(request):
        return RedirectResponse(f"/deals/{deal.id}", 303)
    headers = {"HX-Trigger": f'{{"ff:saved": {{"kind": "deal", "id": "{deal.id}"}}}}'}
    return rendering_of(request).response(
        request, "deals/saved.html", viewer, headers=headers, deal=deal, words=words
    )


async def _deal_from(request: Request, viewer: Viewer, values: Values) -> Deal:
    currency = values["currency"] or viewer.currency_code
    deal = Deal(client_id=await _client_id(request, values))
    for name in _TEXTS:
        setattr(deal, name, values[name])
    amount = read_money(values["amount"], currency, viewer, "amount")
    if amount is not None:
        deal.amount.CopyFrom(amount)
    deal.tags.extend(filter(None, map(str.strip, values["tags"].split(","))))
    fields = await list_fields(request, OF_DEALS)
    deal.custom_fields.CopyFrom(into_struct(read_custom(fields, values, viewer)))
    return deal


async def _client_id(request: Request, values: Values) -> str:
    """The client who is meant, or a new one if that is wanted; the owner's id becomes a value.

    Somebody new belongs to whom the deal is given, or to whoever adds them. Raises InvalidInput.
    """
    new = "client" if values["new_client"] else ""
    asked = {"client": "clients"} | asked_by_name(values)
    found = (await meant(request, values, asked, new=new))["client"]
    if found or not values["client"]:
        return found
    given = values["owner_id"] if changed(values, ["owner_id"]) else ""
    client = Client(
        name=values["client"],
        kind=ClientKind.CLIENT_KIND_COMPANY,
        owner_id=given or str(signed_in(request).user_id),
    )
    try:
        created = await clients_of(request).clients.CreateClient(
            CreateClientRequest(client=client, allow_duplicate=True),
            identity_of(request, content_key(values, client.SerializeToString(deterministic=True))),
        )
    except DomainError as refusal:
        if refusal.kind is not ErrorKind.INVALID:
            raise
        words = " ".join(refusal.fields.values()) or refusal.message
        raise InvalidInput("", fields={"client": words}) from None
    values["client_id"] = created.id
    return values["client_id"]


def _values_from(request: Request, viewer: Viewer, deal: Deal) -> Values:
    values = Values({name: getattr(deal, name) for name in _TEXTS})
    has_amount = deal.HasField("amount")
    formats = rendering_of(request).formats(viewer)
    values |= {
        "client": deal.client_name,
        "client_id": deal.client_id,
        "owner": deal.owner_name,
        "owner_before": deal.owner_id,
        "tags": ", ".join(deal.tags),
        "amount": formats.money_input(deal.amount) if has_amount else "",
        "currency": deal.amount.currency_code if has_amount else viewer.currency_code,
        "etag": deal.etag,
    }
    return values
