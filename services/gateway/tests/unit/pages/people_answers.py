"""What crm answers about activities, timelines, contacts and the first run."""

from typing import Any

from freelanceflow.auth.v1.audit_service_pb2 import AuditEntry, ListAuditEntriesResponse
from freelanceflow.auth.v1.role_service_pb2 import ListRolesResponse, Role
from freelanceflow.auth.v1.workspace_service_pb2 import (
    ListMembersResponse,
    Member,
    RemoveMemberResponse,
    Workspace,
)
from freelanceflow.crm.v1.activity_service_pb2 import (
    DraftActivityResponse,
    ListActivitiesResponse,
)
from freelanceflow.crm.v1.calendar_service_pb2 import CalendarFeed, DeleteCalendarFeedResponse
from freelanceflow.crm.v1.setup_service_pb2 import Setup
from services.gateway.tests.unit.pages.factories import (
    HOSTILE,
    ago,
    make_activity,
    make_contacts,
    make_timeline,
)


def make_members() -> ListMembersResponse:
    """Whoever looks, somebody with a team, and somebody who sees little."""
    return ListMembersResponse(
        members=[
            Member(
                user_id=f"00000000-0000-0000-0000-00000000000{n}",
                name=name,
                email=f"{n}@example.com",
                role=role,
                visibility=visibility,
                team=team,
                join_time=ago(days=30),
            )
            for n, (name, role, visibility, team) in enumerate(
                (
                    ("Mira Holm", "owner", "all", ""),
                    (HOSTILE[1], "sales", "team", "North"),
                    ("", "viewer", "own", ""),
                ),
                start=1,
            )
        ]
    )


BASIS = ("activities.read", "clients.read", "deals.read", "members.read", "workspace.read")
BOOKKEEPER = "00000000-0000-0000-0000-0000000000b0"
ROLE_FORMS = (
    "/settings/roles/new",
    "/settings/roles/new?base=finance",
    f"/settings/roles/{BOOKKEEPER}/edit",
    f"/settings/roles/{BOOKKEEPER}/remove",
)


def make_roles() -> ListRolesResponse:
    """Some built-in ones, and one with less."""
    finance = (*BASIS, "analytics.read", "exports.write")
    return ListRolesResponse(
        roles=[
            Role(id="owner", name="Owner", permissions=(*finance, "members.write")),
            Role(id="admin", name="Admin", permissions=(*finance, "members.write")),
            Role(id="sales", name="Sales", permissions=(*BASIS, "deals.write")),
            Role(id="finance", name="Finance", permissions=finance),
            Role(
                id=BOOKKEEPER,
                name=HOSTILE[0],
                base="finance",
                permissions=(*BASIS, "exports.write"),
                member_count=2,
                etag="3",
            ),
        ],
        basis=BASIS,
        needs_all=("imports.read", "imports.write"),
    )


def make_workspace() -> Workspace:
    """With a clock that stands elsewhere than in UTC."""
    return Workspace(
        id="00000000-0000-0000-0000-000000000002",
        name=HOSTILE[0],
        currency_code="INR",
        time_zone="Asia/Kolkata",
        etag="4",
    )


def make_audit() -> ListAuditEntriesResponse:
    """Of every sort, known and not."""
    kinds = (
        "crm.deal.v1.moved",
        "crm.client.v1.purged",
        "crm.export.v1.requested",
        "auth.member.v1.role_changed",
        "auth.session.v1.revoked",
        "crm.import.v1.finished",
        "crm.thing.v1.turned_round",
    )
    return ListAuditEntriesResponse(
        entries=[
            AuditEntry(
                id=f"e-{n}",
                type=kind,
                subject_id=f"s-{n}",
                actor_id="a" if n != 1 else "",
                actor_name="Mira Holm" if n not in (1, 4) else "",
                record_time=ago(days=n),
                address="192.0.2.7" if n != 1 else "",
                detail="12 clients, xlsx" if "export" in kind else "",
                bulk_id="b" if kind in ("crm.deal.v1.moved", "crm.import.v1.finished") else "",
            )
            for n, kind in enumerate(kinds)
        ],
        next_page_token="older",
    )


def people_answers() -> dict[str, dict[str, Any]]:
    """By the peers' names and their methods."""
    return {
        "workspaces": {
            "ListMembers": make_members(),
            "ChangeMemberRole": Member(),
            "RemoveMember": RemoveMemberResponse(),
            "GetWorkspace": make_workspace(),
            "UpdateWorkspace": make_workspace(),
        },
        "roles": {
            "ListRoles": make_roles(),
            "CreateRole": Role(),
            "UpdateRole": Role(),
            "DeleteRole": None,
        },
        "audit": {"ListAuditEntries": make_audit()},
        "setups": dict.fromkeys(("GetSetup", "AddSamples", "RemoveSamples"), Setup()),
        "timelines": {"ListTimeline": make_timeline()},
        "calendars": {
            "GetCalendarFeed": CalendarFeed(exists=True, create_time=ago(days=2)),
            "CreateCalendarFeed": CalendarFeed(
                exists=True, create_time=ago(days=0), token="a-secret"
            ),
            "DeleteCalendarFeed": DeleteCalendarFeedResponse(),
        },
        "contacts": {
            "ListDealContacts": make_contacts(),
            "PutDealContact": make_contacts().contacts[0],
            "RemoveDealContact": None,
        },
        "activities": {
            "ListActivities": ListActivitiesResponse(
                activities=[make_activity(n) for n in range(6)], next_page_token="next"
            ),
            "GetActivity": make_activity(1),
            "DraftActivity": DraftActivityResponse(activity=make_activity(1)),
            "CreateActivity": make_activity(1),
            "UpdateActivity": make_activity(1),
            "SetActivityDone": make_activity(1),
            "DeleteActivity": None,
        },
    }
