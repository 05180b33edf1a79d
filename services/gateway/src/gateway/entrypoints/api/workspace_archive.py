"""All of a workspace as one ZIP: behind crm's records comes what the other services keep.

crm has written the records into its file, with their maker's sight; the rest is asked for at the
download, page by page, with the rights of whoever downloads. It is asked for while the records pass
by, and not behind them: on a slow connection these rights end before the records do.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NamedTuple

import orjson

from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.auth.v1 import audit_service_pb2 as audit_pb
from freelanceflow.auth.v1 import role_service_pb2 as role_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from freelanceflow.auth.v1.account_service_pb2 import GetMeRequest
from gateway.adapters.clients import Call, Clients
from gateway.entrypoints.api.account import member_json, workspace_json
from gateway.entrypoints.api.analytics_json import (
    accuracy_json,
    forecast_json,
    odds_json,
    risks_json,
)
from gateway.entrypoints.api.audit import entry_json
from gateway.entrypoints.api.roles import role_json
from kit.archive import Archive, Entry, Preceding
from kit.clock import SystemClock
from kit.rpc.identity import CallIdentity

FOLDER = "workspace"
PAGE = 200
IN_MEMORY = 1024 * 1024  # bytes of what waits for its turn; more is in a temporary file
PIECE = 64 * 1024
Rows = AsyncIterator[list[dict[str, Any]]]


class Lines(NamedTuple):
    """All of a kind, until its turn comes."""

    text: IO[bytes]
    number: int


async def whole_workspace(
    clients: Clients, identity: CallIdentity, chunks: AsyncIterator[Any]
) -> AsyncIterator[bytes]:
    """The bytes of the archive. What is refused, or away, is told before the first of them."""
    records = aiter(chunks)
    first = await anext(records)
    documents = await _documents(clients, identity)
    rest = asyncio.create_task(_asked_for(_kinds(clients, identity)))

    async def written() -> AsyncIterator[bytes]:
        try:
            preceding = Preceding()
            yield preceding.passed(first.chunk)
            async for piece in records:
                yield preceding.passed(piece.chunk)
            yield preceding.end()
            archive, entries = Archive(SystemClock().now(), preceding), list[tuple[Entry, int]]()
            for name, value in documents.items():
                entries.append((archive.add(f"{FOLDER}/{name}.json", _json(value)), 1))
            for name, lines in (await rest).items():
                archive.begin(f"{FOLDER}/{name}.jsonl")
                while text := lines.text.read(PIECE):
                    archive.write(text)
                    for piece in archive.pieces():
                        yield piece
                entries.append((archive.end(), lines.number))
            archive.add(f"{FOLDER}/manifest.json", _manifest(entries))
            archive.close()
            for piece in archive.pieces():
                yield piece
        finally:
            rest.cancel()  # for a reader who had enough

    return written()


async def _asked_for(kinds: Mapping[str, Rows]) -> dict[str, Lines]:
    return {name: await _lines(rows) for name, rows in kinds.items()}


async def _lines(rows: Rows) -> Lines:
    text, number = SpooledTemporaryFile(IN_MEMORY), 0  # noqa: SIM115 closed with its last reader
    async for page in rows:
        text.write(b"".join(map(_json, page)))
        number += len(page)
    text.seek(0)
    return Lines(text, number)


async def _documents(clients: Clients, identity: CallIdentity) -> dict[str, Any]:
    me = await clients.account.GetMe(GetMeRequest(), identity)
    asked = workspace_pb.GetWorkspaceRequest(workspace_id=me.workspace_id)
    workspace = await clients.workspaces.GetWorkspace(asked, identity)
    forecast = await clients.predictions.GetForecast(
        pre.GetForecastRequest(interval_percent=80), identity
    )
    roles = await clients.roles.ListRoles(role_pb.ListRolesRequest(), identity)
    accuracy = await clients.predictions.GetAccuracy(pre.GetAccuracyRequest(), identity)
    return {
        "workspace": workspace_json(workspace),
        "roles": [role_json(role) for role in roles.roles],
        "forecast": forecast_json(forecast),
        "accuracy": accuracy_json(accuracy),
    }


def _kinds(clients: Clients, identity: CallIdentity) -> dict[str, Rows]:
    def rows(call: Call, request: Any, items: Any) -> Rows:
        return _pages(call, identity, request, items)

    return {
        "members": rows(
            clients.workspaces.ListMembers,
            workspace_pb.ListMembersRequest(page_size=PAGE),
            lambda answer: map(member_json, answer.members),
        ),
        "audit-log": rows(
            clients.audit.ListAuditEntries,
            audit_pb.ListAuditEntriesRequest(page_size=PAGE),
            lambda answer: map(entry_json, answer.entries),
        ),
        "client-risks": rows(
            clients.predictions.ListClientRisks,
            pre.ListClientRisksRequest(page_size=PAGE, with_answered=True),
            lambda answer: risks_json(answer)["items"],
        ),
        "deal-odds": rows(
            clients.predictions.ListDealOdds,
            pre.ListDealOddsRequest(page_size=PAGE),
            lambda answer: odds_json(answer)["items"],
        ),
    }


async def _pages(call: Call, identity: CallIdentity, request: Any, items: Any) -> Rows:
    while True:
        answer = await call(request, identity)
        yield list(items(answer))
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def _manifest(entries: list[tuple[Entry, int]]) -> bytes:
    files = [
        {"name": entry.name, "rows": rows, "bytes": entry.size, "sha256": entry.sha256}
        for entry, rows in entries
    ]
    said = {"version": 1, "made_at": SystemClock().now(), "files": files}
    return orjson.dumps(said, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
