"""Who did what, when, and from where; for those who run the workspace."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1.audit_service_pb2 import AuditEntry, ListAuditEntriesRequest
from freelanceflow.auth.v1.workspace_service_pb2 import ListMembersRequest
from gateway.entrypoints.pages.calls import clients_of, identity_of, together, viewer_of
from gateway.entrypoints.pages.formatting import Formats
from gateway.entrypoints.pages.forms import Values
from gateway.entrypoints.pages.rendering import rendering_of
from kit.clock import to_timestamp
from kit.years import is_plausible

PAGE, MOST = 50, 200
GROUPS = [
    ("crm.deal.", "Deals"),
    ("crm.client.", "Clients"),
    ("crm.merge.", "Merged clients"),
    ("crm.duplicate.", "Duplicates"),
    ("crm.activity.", "Activities"),
    ("crm.export.", "Exports"),
    ("crm.import.", "Imports"),
    ("auth.member.", "Members"),
    ("auth.role.", "Roles"),
    ("auth.invitation.", "Invitations"),
    ("auth.session.", "Sessions"),
    ("auth.identity.", "Sign-in with Google"),
    ("auth.key.", "API keys"),
    ("crm.stage.", "Stages"),
    ("crm.reason.", "Lost reasons"),
    ("crm.field.", "Custom fields"),
    ("crm.tag.", "Tags"),
    ("crm.rate.", "Exchange rates"),
    ("crm.view.", "Saved views"),
    ("crm.calendar.", "Calendar addresses"),
    ("auth.workspace.", "Workspace"),
]
NOUNS = {
    "deal": "a deal",
    "client": "a client",
    "activity": "an activity",
    "export": "an export",
    "import": "an import",
    "member": "a member",
    "role": "a role",
    "stage": "a stage",
    "reason": "a lost reason",
    "field": "a custom field",
    "tag": "a tag",
    "rate": "an exchange rate",
    "view": "a saved view",
    "calendar": "their calendar address",
    "workspace": "the workspace",
}
VERBS = {
    "created": "Created",
    "updated": "Changed",
    "changed": "Changed",
    "moved": "Moved",
    "deleted": "Deleted",
    "restored": "Restored",
    "purged": "Deleted for good",
    "finished": "Finished",
    "reverted": "Took back",
    "added": "Added",
    "removed": "Removed",
}
SAID = {
    "auth.identity.v1.connected": "Connected their Google account",
    "auth.identity.v1.disconnected": "Disconnected their Google account",
    "auth.key.v1.created": "Made an API key",
    "auth.key.v1.revoked": "Revoked an API key",
    "auth.invitation.v1.sent": "Invited",
    "auth.member.v1.password_changed": "Changed their password",
    "auth.member.v1.role_changed": "Changed what a member may do or see",
    "auth.member.v1.two_step_changed": "Turned two-step sign-in",
    "auth.session.v1.revoked": "Ended a session",
    "crm.deal.v1.reordered": "Put a deal elsewhere in its column",
    "crm.duplicate.v1.dismissed": "Said that two clients are not the same",
    "crm.export.v1.requested": "Exported",
    "crm.import.v1.failed": "Began something with an import that failed",
    "crm.merge.v1.made": "Made one client of two",
    "crm.merge.v1.undone": "Made two clients of one again",
    "crm.view.v1.chosen": "Chose the view they see first",
}
PAGES = {"deal": "deals", "client": "clients", "activity": "activities", "import": "imports"}
GONE = ("deleted", "purged")

router = APIRouter(include_in_schema=False)


@router.get("/audit")
async def audit_log(request: Request) -> Response:
    """The latest first, narrowed by person, kind and day."""
    viewer = await viewer_of(request)
    formats = rendering_of(request).formats(viewer)
    given = Values({name: value.strip()[:100] for name, value in request.query_params.items()})
    clients, identity = clients_of(request), identity_of(request)
    page, members = await together(
        clients.audit.ListAuditEntries(_asked(given, formats), identity),
        clients.workspaces.ListMembers(ListMembersRequest(page_size=MOST), identity),
    )
    kept = {name: given[name] for name in ("who", "what", "from", "to", "id") if given.get(name)}
    following = urlencode(kept | {"page_token": page.next_page_token})
    return rendering_of(request).response(
        request,
        "audit/page.html",
        viewer,
        entries=[(entry, words_of(entry), page_of(entry)) for entry in page.entries],
        members=members.members,
        groups=GROUPS,
        given=given,
        filtered=bool(kept),
        next_href=f"/audit?{following}" if page.next_page_token else "",
    )


def words_of(entry: AuditEntry) -> str:
    """What was done, as a person says it."""
    _, noun, _, verb = entry.type.split(".")
    usual = f"{VERBS.get(verb, verb.replace('_', ' ').capitalize())} {NOUNS.get(noun, noun)}"
    return SAID.get(entry.type, usual)


def page_of(entry: AuditEntry) -> str:
    """Where what it was done to is seen; nothing for what is gone or has no page."""
    _, noun, _, verb = entry.type.split(".")
    if noun not in PAGES or verb in GONE:
        return ""
    return f"/{PAGES[noun]}/{entry.subject_id}"


def _asked(given: Mapping[str, str], formats: Formats) -> ListAuditEntriesRequest:
    known = [name for name, _ in GROUPS]
    asked = ListAuditEntriesRequest(
        page_size=PAGE,
        page_token=given.get("page_token", ""),
        actor_id=given.get("who", ""),
        subject_id=given.get("id", ""),
        type=given.get("what", "") if given.get("what") in known else "",
    )
    if (begins := _day(given.get("from", ""))) is not None:
        asked.from_time.CopyFrom(to_timestamp(datetime.combine(begins, time(), formats.zone)))
    if (ends := _day(given.get("to", ""))) is not None:
        behind = datetime.combine(ends + timedelta(days=1), time(), formats.zone)
        asked.to_time.CopyFrom(to_timestamp(behind))
    return asked


def _day(text: str) -> date | None:
    """What is no day narrows nothing."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if is_plausible(day) else None
