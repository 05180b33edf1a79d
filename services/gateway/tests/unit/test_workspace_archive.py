"""A workspace's archive on a slow connection, with the services played by what they answer."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest

from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.auth.v1 import audit_service_pb2 as audit_pb
from freelanceflow.auth.v1 import role_service_pb2 as role_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from freelanceflow.auth.v1.account_service_pb2 import User
from freelanceflow.crm.v1.export_service_pb2 import DownloadExportResponse
from gateway.adapters.clients import STREAM_TIMEOUT
from gateway.entrypoints.api.workspace_archive import whole_workspace
from kit.archive import Archive
from kit.clock import SystemClock
from kit.errors import DomainError
from kit.rpc.identity import NOBODY, TokenExpired

MEMBERS = 450
LARGEST = 500 * 1000 * 1000  # bytes of an export
SLOW = 2_000_000 / 8  # bytes a second of a slow connection


class Services:
    """Answer until the token has expired."""

    def __init__(self) -> None:
        self.expired = False
        self.last_asked = asyncio.Event()

    def answering(self, answer: Any) -> Any:
        async def method(request: Any, identity: Any) -> Any:
            if self.expired:
                raise TokenExpired("The token has expired.")
            return answer(request)

        return method

    def members(self, request: workspace_pb.ListMembersRequest) -> Any:
        begin = int(request.page_token or 0)
        end = min(begin + request.page_size, MEMBERS)
        return workspace_pb.ListMembersResponse(
            members=[workspace_pb.Member(user_id=str(n)) for n in range(begin, end)],
            next_page_token=str(end) if end < MEMBERS else "",
        )

    def odds(self, request: pre.ListDealOddsRequest) -> Any:
        self.last_asked.set()
        return pre.ListDealOddsResponse()

    @property
    def clients(self) -> Any:
        of = self.answering
        return SimpleNamespace(
            account=SimpleNamespace(GetMe=of(lambda _: User())),
            roles=SimpleNamespace(ListRoles=of(lambda _: role_pb.ListRolesResponse())),
            audit=SimpleNamespace(
                ListAuditEntries=of(lambda _: audit_pb.ListAuditEntriesResponse())
            ),
            workspaces=SimpleNamespace(
                GetWorkspace=of(lambda _: workspace_pb.Workspace()), ListMembers=of(self.members)
            ),
            predictions=SimpleNamespace(
                GetForecast=of(lambda _: pre.Forecast()),
                GetAccuracy=of(lambda _: pre.Accuracy()),
                ListClientRisks=of(lambda _: pre.ListClientRisksResponse()),
                ListDealOdds=of(self.odds),
            ),
        )


async def records() -> AsyncIterator[DownloadExportResponse]:
    archive = Archive(SystemClock().now())
    archive.add("records/deals.jsonl", b'{"name": "Retainer"}\n')
    archive.close()
    for piece in archive.pieces():
        for at in range(0, len(piece), 100):
            yield DownloadExportResponse(chunk=piece[at : at + 100])


async def test_what_follows_the_records_does_not_wait_until_the_token_has_expired() -> None:
    services = Services()
    pieces = await whole_workspace(services.clients, NOBODY, records())
    got = await anext(pieces)
    await asyncio.wait_for(services.last_asked.wait(), 10)
    services.expired = True
    archive = ZipFile(BytesIO(got + b"".join([piece async for piece in pieces])))
    assert archive.testzip() is None
    assert len(archive.read("workspace/members.jsonl").splitlines()) == MEMBERS


async def test_what_is_refused_is_told_before_the_first_byte() -> None:
    services = Services()
    services.expired = True
    with pytest.raises(DomainError):
        await whole_workspace(services.clients, NOBODY, records())


def test_the_largest_file_has_the_time_it_takes() -> None:
    assert LARGEST / SLOW < STREAM_TIMEOUT
