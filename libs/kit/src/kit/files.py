"""Files in the service's own database: written and read in chunks, gone when they expire.

No transaction stays open while a slow client sends or fetches: each chunk has one of its own. A
file is found once it is complete; what was left half written expires like everything else.
"""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from kit.database import Statement, SystemTransaction, Transaction
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id
from kit.outbox import metadata
from kit.pool import Pool

CHUNK = 256 * 1024

files = Table(
    "files",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger),  # NULL until complete
    Column("sha256", LargeBinary),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("workspace_id", "id"),
)
Index("ix_files_expires_at", files.c.expires_at)

file_chunks = Table(
    "file_chunks",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("file_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["workspace_id", "file_id"], ["files.workspace_id", "files.id"], ondelete="CASCADE"
    ),
)

_WORKSPACE, _FILE = (bindparam(name, type_=Uuid()) for name in ("workspace", "file"))
_this_file = files.c.workspace_id == _WORKSPACE, files.c.id == _FILE

BEGIN = Statement(
    insert(files)
    .values(
        {
            name: bindparam(name)
            for name in ("id", "workspace_id", "name", "content_type", "expires_at")
        }
    )
    .inline()
)
ADD = Statement(
    insert(file_chunks)
    .values({name: bindparam(name) for name in ("workspace_id", "file_id", "number", "data")})
    .inline()
)
COMPLETE = Statement(
    update(files)
    .where(*_this_file)
    .values(
        size=bindparam("bytes", type_=BigInteger()), sha256=bindparam("hash", type_=LargeBinary())
    )
)
FIND = Statement(
    select(
        files.c.id,
        files.c.name,
        files.c.content_type,
        files.c.size,
        files.c.sha256,
        files.c.expires_at,
    ).where(*_this_file, files.c.size.is_not(None), files.c.expires_at > func.now())
)
READ = Statement(
    select(file_chunks.c.data).where(
        file_chunks.c.workspace_id == _WORKSPACE,
        file_chunks.c.file_id == _FILE,
        file_chunks.c.number == bindparam("number", type_=Integer()),
    )
)
REMOVE = Statement(delete(files).where(*_this_file))
PURGE = Statement(delete(files).where(files.c.expires_at <= func.now()))

OpenTransaction = Callable[[], Transaction]


class FileNotFound(DomainError):
    """No such file in this workspace, or not any more."""

    kind, reason = ErrorKind.NOT_FOUND, "FILE_NOT_FOUND"


class FileTooLarge(DomainError):
    """More bytes than this kind of file may have."""

    kind, reason = ErrorKind.INVALID, "FILE_TOO_LARGE"


@dataclass(frozen=True)
class File:
    """What is known of a complete file without reading it."""

    id: UUID
    name: str
    content_type: str
    size: int
    sha256: bytes
    expires_at: datetime


async def store(
    open_transaction: OpenTransaction,
    content: AsyncIterable[bytes],
    *,
    name: str,
    content_type: str,
    limit: int,
    expires_at: datetime,
) -> File:
    """Keep a stream of bytes, at most `limit` of them. Raises FileTooLarge."""
    file_id, size, digest = new_id(), 0, hashlib.sha256()
    async with open_transaction() as tx:
        await tx.run(
            BEGIN,
            id=file_id,
            workspace_id=tx.workspace_id,
            name=name,
            content_type=content_type,
            expires_at=expires_at,
        )
        await tx.commit()
    number = 0
    async for chunk in _evenly(content):
        size += len(chunk)
        if size > limit:
            raise FileTooLarge(f"The file is larger than {limit} bytes.", limit=str(limit))
        digest.update(chunk)
        await _add(open_transaction, file_id, number, chunk)
        number += 1
    async with open_transaction() as tx:
        await tx.run(
            COMPLETE, workspace=tx.workspace_id, file=file_id, bytes=size, hash=digest.digest()
        )
        await tx.commit()
    return File(file_id, name, content_type, size, digest.digest(), expires_at)


async def find(tx: Transaction, file_id: UUID) -> File:
    """A complete file that has not expired. Raises FileNotFound."""
    row = await tx.row(FIND, workspace=tx.workspace_id, file=file_id)
    if row is None:
        raise FileNotFound("There is no such file.")
    return File(**row)


async def read(open_transaction: OpenTransaction, file_id: UUID) -> AsyncIterator[bytes]:
    """The bytes of a file, chunk by chunk. Raises FileNotFound, also halfway if it goes away."""
    async with open_transaction() as tx:
        file = await find(tx, file_id)
    given = number = 0
    while given < file.size:
        async with open_transaction() as tx:
            data = await tx.value(READ, workspace=tx.workspace_id, file=file_id, number=number)
        if data is None:
            raise FileNotFound("The file is gone.")
        yield data
        given += len(data)
        number += 1


async def remove(tx: Transaction, file_id: UUID) -> None:
    """Delete a file with its chunks when `tx` commits; one that is not there is no error."""
    await tx.run(REMOVE, workspace=tx.workspace_id, file=file_id)


async def purge(pool: Pool) -> int:
    """Delete what has expired, of all workspaces; for the system role."""
    async with SystemTransaction(pool) as tx:
        count = await tx.run(PURGE)
        await tx.commit()
    return count


async def _add(open_transaction: OpenTransaction, file_id: UUID, number: int, data: bytes) -> None:
    async with open_transaction() as tx:
        await tx.run(ADD, workspace_id=tx.workspace_id, file_id=file_id, number=number, data=data)
        await tx.commit()


async def _evenly(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in chunks of one size."""
    waiting = bytearray()
    async for piece in content:
        waiting += piece
        while len(waiting) >= CHUNK:
            yield bytes(waiting[:CHUNK])
            del waiting[:CHUNK]
    if waiting:
        yield bytes(waiting)
