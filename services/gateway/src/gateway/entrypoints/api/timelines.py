"""What happened, and with whom: timelines, and the contacts of a deal."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import contact_service_pb2 as contact_pb
from freelanceflow.crm.v1 import timeline_service_pb2 as pb
from gateway.entrypoints.api import schemas_people as schemas
from gateway.entrypoints.api.activities import KIND_NAMES
from gateway.entrypoints.api.answers import instant, json_response, page_response
from gateway.entrypoints.api.clients import CLIENT
from gateway.entrypoints.api.clients import KIND_NAMES as CLIENT_KINDS
from gateway.entrypoints.api.deals import DEAL
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    PAGING,
    identity_of,
    read_body,
    read_page,
    read_query,
)

TIMELINE = pb.DESCRIPTOR.services_by_name["TimelineService"].methods_by_name["ListTimeline"]
CONTACTS = contact_pb.DESCRIPTOR.services_by_name["ContactService"].methods_by_name

operations = Operations("Timelines and contacts")
add = operations.add


@add("GET", "/timeline", rpc=TIMELINE, summary="What happened in the workspace",
     answer=schemas.TimelinePage, parameters=PAGING)  # fmt: skip
async def list_timeline(request: Request) -> Response:
    """Changes of deals and activities that were done, latest first."""
    return await _timeline(request)


@add("GET", "/clients/{client_id}/timeline", rpc=TIMELINE, summary="What happened with a client",
     answer=schemas.TimelinePage, parameters=[CLIENT, *PAGING], problems=[404])  # fmt: skip
async def list_client_timeline(request: Request) -> Response:
    """With its people and their deals, latest first."""
    return await _timeline(request, client_id=request.path_params["client_id"])


@add("GET", "/deals/{deal_id}/timeline", rpc=TIMELINE, summary="What happened with a deal",
     answer=schemas.TimelinePage, parameters=[DEAL, *PAGING], problems=[404])  # fmt: skip
async def list_deal_timeline(request: Request) -> Response:
    """Its changes and the activities that were done for it, latest first."""
    return await _timeline(request, deal_id=request.path_params["deal_id"])


@add("GET", "/deals/{deal_id}/contacts", rpc=CONTACTS["ListDealContacts"],
     summary="Contacts of a deal", answer=schemas.ContactList, parameters=[DEAL],
     problems=[404])  # fmt: skip
async def list_deal_contacts(request: Request) -> Response:
    """In the order in which they came; at most 20."""
    read_query(request)
    answer = await request.app.state.clients.contacts.ListDealContacts(
        contact_pb.ListDealContactsRequest(deal_id=request.path_params["deal_id"]),
        identity_of(request),
    )
    return json_response({"items": [_contact(contact) for contact in answer.contacts]})


@add("PUT", "/deals/{deal_id}/contacts/{client_id}", rpc=CONTACTS["PutDealContact"],
     summary="Add a contact to a deal", body=schemas.ContactIn, answer=schemas.Contact,
     parameters=[DEAL, CLIENT], problems=[404])  # fmt: skip
async def put_deal_contact(request: Request) -> Response:
    """Or give it another role; the same again changes nothing."""
    body = await read_body(request, schemas.ContactIn)
    contact = await request.app.state.clients.contacts.PutDealContact(
        contact_pb.PutDealContactRequest(**request.path_params, role=body.role),
        identity_of(request),
    )
    return json_response(_contact(contact))


@add("DELETE", "/deals/{deal_id}/contacts/{client_id}", rpc=CONTACTS["RemoveDealContact"],
     summary="Take a contact from a deal", status=204, parameters=[DEAL, CLIENT],
     problems=[404])  # fmt: skip
async def remove_deal_contact(request: Request) -> Response:
    """The client itself stays."""
    await request.app.state.clients.contacts.RemoveDealContact(
        contact_pb.RemoveDealContactRequest(**request.path_params), identity_of(request)
    )
    return Response(status_code=204)


async def _timeline(request: Request, **scope: str) -> Response:
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.timelines.ListTimeline(
        pb.ListTimelineRequest(page_size=page.size, page_token=page.token, **scope),
        identity_of(request),
    )
    return page_response(map(_entry, answer.entries), answer.next_page_token)


def _entry(entry: pb.TimelineEntry) -> dict[str, Any]:
    activity = entry.activity
    return {
        "id": entry.id,
        "kind": entry.kind,
        "happened_at": instant(entry.happen_time),
        "actor_id": entry.actor_id or None,
        "actor_name": entry.actor_name or None,
        "deal_id": entry.deal_id or None,
        "deal_name": entry.deal_name or None,
        "client_id": entry.client_id or None,
        "client_name": entry.client_name or None,
        "changes": [
            {"field": change.field, "before": change.before, "after": change.after}
            for change in entry.changes
        ],
        "from_stage": entry.from_stage_name or None,
        "to_stage": entry.to_stage_name or None,
        "days_in_stage": entry.days_in_stage if entry.HasField("days_in_stage") else None,
        "activity": {
            "id": activity.id,
            "kind": KIND_NAMES[activity.kind],
            "subject": activity.subject,
            "body": activity.body,
        }
        if entry.HasField("activity")
        else None,
    }


def _contact(contact: contact_pb.DealContact) -> dict[str, Any]:
    return {
        "client_id": contact.client_id,
        "name": contact.name,
        "kind": CLIENT_KINDS.get(contact.kind, "person"),
        "role": contact.role,
        "emails": list(contact.emails),
        "phones": list(contact.phones),
    }
