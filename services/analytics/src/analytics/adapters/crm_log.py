"""Everything crm ever told of a workspace, read from it in order."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import IO
from uuid import UUID

from freelanceflow.crm.v1 import snapshot_service_pb2 as pb
from freelanceflow.crm.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from kit.bus.events import Event, decode
from kit.errors import DomainError, ErrorKind
from kit.rpc.client import Caller
from kit.rpc.identity import NOBODY

PAGE = 200
DEADLINE = 3600.0  # seconds; a workspace of 100,000 deals is read in two minutes
TRIES = 5
BATCH = 500
IN_MEMORY = 16 * 2**20


class CrmLog:
    """For a consumer that begins anew."""

    def __init__(self, crm: Caller) -> None:
        self._crm = crm
        self._stub = SnapshotServiceStub(crm.channel)

    async def workspaces(self) -> list[UUID]:
        """All that have told something."""
        found: list[UUID] = []
        token = ""
        while True:
            request = pb.ListWorkspacesRequest(page_size=PAGE, page_token=token)
            page = await self._crm.call(self._stub.ListWorkspaces, request, identity=NOBODY)
            found += map(UUID, page.workspace_ids)
            token = page.next_page_token
            if not token:
                return found

    async def fetch(self, workspace_id: UUID, into: "Spool") -> None:
        """Write down all of it; an interrupted reading goes on behind what has come."""
        for attempt in range(1, TRIES + 1):
            try:
                await self._fetch(workspace_id, into)
            except DomainError as error:
                if error.kind is not ErrorKind.UNAVAILABLE or attempt == TRIES:
                    raise
            else:
                return

    async def _fetch(self, workspace_id: UUID, into: "Spool") -> None:
        request = pb.StreamWorkspaceRequest(
            workspace_id=str(workspace_id), after_number=into.last_number
        )
        stream = self._crm.stream(
            self._stub.StreamWorkspace, request, identity=NOBODY, timeout=DEADLINE
        )
        async for part in stream:
            if part.HasField("event"):
                into.add(part.event)


class Spool:
    """Events on their way, in a file: a transaction must not wait for another service."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.last_number = 0

    def add(self, told: pb.ToldEvent) -> None:
        """Another one, with a higher number than the last."""
        body = told.SerializeToString()
        self._file.write(len(body).to_bytes(4, "big") + body)
        self.last_number = told.number

    async def batches(self) -> AsyncIterator[list[Event]]:
        """From the beginning, some at a time."""
        self._file.seek(0)
        batch: list[Event] = []
        while head := self._file.read(4):
            told = pb.ToldEvent.FromString(self._file.read(int.from_bytes(head, "big")))
            batch.append(decode("", dict(told.headers), told.body))
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


@contextmanager
def spool() -> Iterator[Spool]:
    """An empty one, gone at the end."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        yield Spool(file)
