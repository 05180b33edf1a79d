"""Files in the database: whole, bounded, of one workspace, gone in time."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kit import files
from kit.database import Transaction
from kit.files import OpenTransaction
from kit.ids import new_id
from kit.testing.database import ServiceDatabase

TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.fixture
def open_tx(database: ServiceDatabase, workspace: UUID) -> OpenTransaction:
    return lambda: Transaction(database.app, workspace)


async def kept(
    open_tx: OpenTransaction,
    content: bytes,
    *,
    limit: int = 2**20,
    expires_at: datetime = TOMORROW,
) -> files.File:
    return await files.store(
        open_tx,
        pieces(content, 100_000),
        name="deals.csv",
        content_type="text/csv",
        limit=limit,
        expires_at=expires_at,
    )


async def test_what_is_read_is_what_was_written(open_tx: OpenTransaction) -> None:
    content = bytes(range(256)) * 3000
    file = await kept(open_tx, content)
    async with open_tx() as tx:
        assert await files.find(tx, file.id) == file
    assert file.sha256 == hashlib.sha256(content).digest()
    chunks = [chunk async for chunk in files.read(open_tx, file.id)]
    assert b"".join(chunks) == content
    assert [len(chunk) for chunk in chunks] == [
        files.CHUNK,
        files.CHUNK,
        len(content) - 2 * files.CHUNK,
    ]


async def test_an_empty_file_is_a_file(open_tx: OpenTransaction) -> None:
    file = await kept(open_tx, b"")
    assert [chunk async for chunk in files.read(open_tx, file.id)] == []


async def test_one_byte_too_many_is_refused_and_not_found(
    open_tx: OpenTransaction, database: ServiceDatabase, workspace: UUID
) -> None:
    with pytest.raises(files.FileTooLarge):
        await kept(open_tx, b"x" * 1001, limit=1000)
    [row] = await database.owner.fetch("SELECT * FROM files WHERE workspace_id = $1", workspace)
    async with open_tx() as tx:
        with pytest.raises(files.FileNotFound):
            await files.find(tx, row["id"])


async def test_another_workspace_finds_nothing(
    open_tx: OpenTransaction, database: ServiceDatabase
) -> None:
    file = await kept(open_tx, b"secret")
    elsewhere = new_id()
    with pytest.raises(files.FileNotFound):
        [_ async for _ in files.read(lambda: Transaction(database.app, elsewhere), file.id)]


async def test_an_expired_file_is_gone_with_its_chunks(
    open_tx: OpenTransaction, database: ServiceDatabase, workspace: UUID
) -> None:
    gone = await kept(open_tx, b"old", expires_at=TOMORROW - timedelta(days=2))
    stays = await kept(open_tx, b"new")
    async with open_tx() as tx:
        with pytest.raises(files.FileNotFound):
            await files.find(tx, gone.id)
    await files.purge(database.system)
    left = await database.owner.fetch(
        "SELECT file_id FROM file_chunks WHERE workspace_id = $1", workspace
    )
    assert [row["file_id"] for row in left] == [stays.id]


async def test_a_file_that_goes_away_while_it_is_read_says_so(open_tx: OpenTransaction) -> None:
    file = await kept(open_tx, b"x" * (files.CHUNK + 1))
    reading = files.read(open_tx, file.id)
    await anext(reading)
    async with open_tx() as tx:
        await files.remove(tx, file.id)
        await tx.commit()
    with pytest.raises(files.FileNotFound):
        await anext(reading)
