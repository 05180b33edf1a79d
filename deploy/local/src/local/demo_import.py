"""Files into a workspace, as a person would bring them: upload, start the job, wait for it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from freelanceflow.crm.v1 import (
    import_service_pb2,
    import_service_pb2_grpc,
    stage_service_pb2,
    stage_service_pb2_grpc,
)
from kit.rpc.client import Caller
from kit.rpc.errors import DeadlineExceeded, PeerUnavailable
from kit.rpc.identity import CallIdentity

UPLOAD_TIMEOUT = 60.0
JOB_TIMEOUT = 240.0
CHUNK = 256 * 2**10
POLL = 0.1

_OVER = (import_service_pb2.IMPORT_STATUS_DONE, import_service_pb2.IMPORT_STATUS_FAILED)

T = TypeVar("T")


class SeedingFailed(RuntimeError):
    """The demo could not be filled; the message says at which point."""


async def stages_of(crm: Caller, identity: CallIdentity) -> Sequence[stage_service_pb2.Stage]:
    """A workspace gets its stages when crm has heard of it."""
    stub = stage_service_pb2_grpc.StageServiceStub(crm.channel)
    all_of_them = stage_service_pb2.ListStagesRequest()
    answer = await _until(
        lambda: crm.call(stub.ListStages, all_of_them, identity=identity),
        lambda answer: bool(answer.stages),
    )
    return answer.stages


async def import_file(
    crm: Caller,
    identity: CallIdentity,
    resource: import_service_pb2.ImportResource.ValueType,
    text: str,
) -> None:
    """Upload, commit, and wait until every row has become a record."""
    stub = import_service_pb2_grpc.ImportServiceStub(crm.channel)
    name = import_service_pb2.ImportResource.Name(resource).removeprefix("IMPORT_RESOURCE_").lower()
    begun = time.monotonic()
    uploaded = await crm.upload(
        stub.CreateImport,
        _parts(resource, f"{name}.csv", text.encode()),
        identity=identity,
        timeout=UPLOAD_TIMEOUT,
    )
    started = import_service_pb2.CommitImportRequest(import_id=uploaded.id)
    await crm.call(stub.CommitImport, started, identity=identity)
    wanted = import_service_pb2.GetImportRequest(import_id=uploaded.id)
    done = await _until(
        lambda: crm.call(stub.GetImport, wanted, identity=identity),
        lambda found: found.status in _OVER,
    )
    if done.status != import_service_pb2.IMPORT_STATUS_DONE or done.failed_rows:
        raise SeedingFailed(await _why(crm, stub, identity, done))
    sys.stdout.write(
        f"{name}: {done.created_rows} of {done.total_rows} created"
        f" in {time.monotonic() - begun:.1f} s\n"
    )


async def _parts(
    resource: import_service_pb2.ImportResource.ValueType, file_name: str, content: bytes
) -> AsyncIterator[import_service_pb2.CreateImportRequest]:
    header = import_service_pb2.ImportHeader(resource=resource, file_name=file_name)
    yield import_service_pb2.CreateImportRequest(header=header)
    for start in range(0, len(content), CHUNK):
        yield import_service_pb2.CreateImportRequest(chunk=content[start : start + CHUNK])


async def _until(ask: Callable[[], Awaitable[T]], fits: Callable[[T], bool]) -> T:
    """Ask until it fits. On a busy machine a look may come back without an answer; look again."""
    async with asyncio.timeout(JOB_TIMEOUT):
        while True:
            with suppress(DeadlineExceeded, PeerUnavailable):
                answer = await ask()
                if fits(answer):
                    return answer
            await asyncio.sleep(POLL)


async def _why(
    crm: Caller,
    stub: "import_service_pb2_grpc.ImportServiceAsyncStub",
    identity: CallIdentity,
    failed: import_service_pb2.Import,
) -> str:
    wanted = import_service_pb2.ListImportErrorsRequest(import_id=failed.id, page_size=5)
    errors = (await crm.call(stub.ListImportErrors, wanted, identity=identity)).errors
    rows = "; ".join(f"row {e.row}, {e.column}: {e.message}" for e in errors)
    return f"{failed.file_name}: {failed.failed_rows} rows failed. {failed.error} {rows}"
