"""What search, trash and the list of devices answer to the pages under test."""

from datetime import timedelta
from typing import Any

from freelanceflow.auth.v1.account_service_pb2 import ListSessionsResponse, Session
from freelanceflow.auth.v1.google_service_pb2 import GoogleAccount, ListGoogleAccountsResponse
from freelanceflow.crm.v1.deal_service_pb2 import FieldChange
from freelanceflow.crm.v1.record_service_pb2 import (
    ListRecordHistoryResponse,
    ListTrashResponse,
    RecordHistoryEntry,
    RecordKind,
    RestoreRecordResponse,
    TrashedRecord,
)
from freelanceflow.crm.v1.search_service_pb2 import SearchResponse, SearchResult
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.type.v1.money_pb2 import Money
from kit.clock import to_timestamp
from services.gateway.tests.unit.pages.factories import HOSTILE, NOW, ago, make_deal


def make_trash() -> ListTrashResponse:
    """One of each kind, with names of the worst sort."""
    return ListTrashResponse(
        records=[
            TrashedRecord(
                id=f"t-{kind}",
                kind=RecordKind.ValueType(kind),
                name=HOSTILE[kind],
                owner_name="Mira Holm",
                delete_time=to_timestamp(NOW - timedelta(hours=kind)),
                purge_time=to_timestamp(NOW + timedelta(days=30 - kind)),
            )
            for kind in (1, 2, 3)
        ],
        next_page_token="next",
    )


def make_found(text: str) -> SearchResponse:
    """A deal, a client and an activity; nothing for “nothing”."""
    if text in ("", "nothing"):
        return SearchResponse()
    return SearchResponse(
        results=[
            SearchResult(
                id="d-1",
                kind=RecordKind.RECORD_KIND_DEAL,
                title=HOSTILE[0],
                client_name="Weir & Heron",
                amount=Money(amount_minor=125_000, currency_code="EUR"),
                stage_name="Proposal",
                stage_type=StageType.STAGE_TYPE_OPEN,
            ),
            SearchResult(id="c-1", kind=RecordKind.RECORD_KIND_CLIENT, title="Weir & Heron"),
            SearchResult(
                id="a-1",
                kind=RecordKind.RECORD_KIND_ACTIVITY,
                title="Call Mira",
                deal_name="Website",
                due_time=to_timestamp(NOW),
                shown_on_id="d-1",
                shown_on_kind=RecordKind.RECORD_KIND_DEAL,
            ),
        ]
    )


def make_sessions() -> ListSessionsResponse:
    """This device and another one."""
    return ListSessionsResponse(
        sessions=[
            Session(
                id="1",
                device="Firefox on Linux",
                create_time=ago(days=3),
                last_seen_time=ago(minutes=2),
                current=True,
            ),
            Session(
                id="2",
                device="Safari on iPhone",
                create_time=ago(days=9),
                last_seen_time=ago(days=1),
            ),
        ]
    )


def make_google_accounts() -> ListGoogleAccountsResponse:
    """One, with an address that is no good page."""
    return ListGoogleAccountsResponse(
        accounts=[GoogleAccount(email=f"{HOSTILE[0]}@example.com", connect_time=ago(days=20))]
    )


def make_history(kind: str) -> ListRecordHistoryResponse:
    """Made, changed, thrown away and taken back."""
    changes = [
        FieldChange(field="subject", before=HOSTILE[1], after="Ask again"),
        FieldChange(field="due_at", before="2026-03-02T09:00+00:00", after=""),
        FieldChange(field="owner_id", after="Mira Holm"),
    ]
    verbs = ("restored", "deleted", "updated", "created")
    return ListRecordHistoryResponse(
        entries=[
            RecordHistoryEntry(
                id=f"{kind}-{n}",
                kind=verb,
                actor_name="" if verb == "created" else "Mira Holm",
                happen_time=ago(days=n),
                changes=changes if verb == "updated" else [],
                version=4 - n,
            )
            for n, verb in enumerate(verbs)
        ],
        next_page_token="older",
    )


RECORDS: dict[str, dict[str, Any]] = {
    "records": {
        "ListTrash": make_trash(),
        "RestoreRecord": RestoreRecordResponse(
            record_id="d-1", kind=RecordKind.RECORD_KIND_DEAL, etag="3"
        ),
        "PurgeRecord": None,
        "ListClientHistory": make_history("client"),
        "ListActivityHistory": make_history("activity"),
        "ReopenDeal": make_deal(id="d-1"),
    },
    "search": {"Search": lambda request: make_found(request.text)},
}
