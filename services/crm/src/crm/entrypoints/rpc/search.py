"""Search over gRPC."""

import asyncpg

from crm.adapters.reading import rows
from crm.adapters.search import LONGEST, SEARCH
from crm.adapters.setting_events import STAGE_TYPES
from crm.domain.trash import RecordKind
from crm.entrypoints.app import App
from crm.entrypoints.rpc.mapping import CLIENT_KINDS, money, stamp
from crm.entrypoints.rpc.records import KINDS
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from freelanceflow.crm.v1 import search_service_pb2 as pb
from freelanceflow.crm.v1 import search_service_pb2_grpc as api
from kit.rpc.identity import Context, principal_of


class SearchService(api.SearchServiceServicer):
    """Finds clients, deals and activities."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        """The best of each kind."""
        text = request.text[:LONGEST].replace("\0", "").strip()
        if not text:
            return pb.SearchResponse()
        workspace_id = principal_of(context).workspace_id
        found = await rows(self._app.pool, workspace_id, SEARCH, asked=text)
        return pb.SearchResponse(results=[_result(row) for row in found])


def _result(row: asyncpg.Record) -> pb.SearchResult:
    result = pb.SearchResult(
        id=str(row["record_id"]),
        kind=KINDS[row["kind"]],
        title=row["title"],
        amount=money(row["amount_minor"], row["currency"]),
        stage_name=row["stage_name"],
        client_name=row["client_name"],
        deal_name=row["deal_name"],
        due_time=stamp(row["due_at"]),
        done_time=stamp(row["done_at"]),
    )
    if row["client_kind"]:
        result.client_kind = CLIENT_KINDS[row["client_kind"]]
    if row["stage_type"]:
        result.stage_type = STAGE_TYPES[row["stage_type"]]
    if row["kind"] == RecordKind.ACTIVITY:
        on_deal = row["on_deal_id"] is not None
        result.shown_on_id = str(row["on_deal_id"] or row["on_client_id"])
        result.shown_on_kind = (
            record_pb.RECORD_KIND_DEAL if on_deal else record_pb.RECORD_KIND_CLIENT
        )
    return result
