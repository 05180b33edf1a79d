"""Erasing a workspace: some rows at a time, until nothing comes any more, and only its own."""

from uuid import UUID

import pytest

from kit import erasure
from kit.ids import new_id
from kit.testing.database import ServiceDatabase
from kit.testing.erasing import erased_without_trace

NOTES = "INSERT INTO notes SELECT gen_random_uuid(), $1, 1, 'n' FROM generate_series(1, $2)"
LEFT = "SELECT count(*) FROM notes WHERE workspace_id = $1"
OPEN = "SELECT finished_at IS NULL FROM erasures WHERE workspace_id = $1"
TELL = """
INSERT INTO outbox (event_id, workspace_id, subject, type, aggregate_id, happened_at, headers, body)
VALUES ($1, $2, 's', 't', $1, now(), '{}', '')"""


@pytest.fixture
async def workspace(database: ServiceDatabase) -> UUID:
    """To be erased since two hours."""
    workspace_id = new_id()
    await database.owner.execute(
        "INSERT INTO erasures VALUES ($1, now() - interval '2 hours')", workspace_id
    )
    return workspace_id


async def test_of_an_erased_workspace_nothing_is_left(database: ServiceDatabase) -> None:
    await erased_without_trace(database)


async def test_more_rows_than_one_statement_takes(
    database: ServiceDatabase, workspace: UUID
) -> None:
    await database.owner.execute(NOTES, workspace, 2 * erasure.BATCH + 1)
    await erasure.erase(database.system, workspace)
    assert await database.owner.fetchval(LEFT, workspace) == 0
    assert not await database.owner.fetchval(OPEN, workspace)


async def test_what_is_still_to_be_told_is_told_first(
    database: ServiceDatabase, workspace: UUID
) -> None:
    await database.owner.execute(TELL, new_id(), workspace)
    await erasure.erase(database.system, workspace)
    assert await database.owner.fetchval(OPEN, workspace)
    await database.owner.execute(
        "UPDATE outbox SET sent_at = now() WHERE workspace_id = $1", workspace
    )
    await erasure.erase(database.system, workspace)
    assert not await database.owner.fetchval(OPEN, workspace)


async def test_it_is_not_finished_before_what_is_under_way_must_be_over(
    database: ServiceDatabase,
) -> None:
    workspace = new_id()
    await database.owner.execute("INSERT INTO erasures VALUES ($1)", workspace)
    await database.owner.execute(NOTES, workspace, 1)
    await erasure.erase(database.system, workspace)
    assert await database.owner.fetchval(LEFT, workspace) == 0
    await database.owner.execute(NOTES, workspace, 1)  # a request that had begun before
    await erasure.erase(database.system, workspace)
    assert await database.owner.fetchval(LEFT, workspace) == 0
    assert await database.owner.fetchval(OPEN, workspace)
