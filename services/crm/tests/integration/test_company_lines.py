"""No company stands under itself, by whatever way and however many try at once."""

import asyncio
from typing import Any

from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as pb
from freelanceflow.crm.v1 import duplicate_service_pb2 as duplicate_pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Crm,
    Person,
    commit,
    import_of,
    make_client,
    mask,
    refused,
    upload,
    work_off,
)
from services.crm.tests.integration.test_visibility import narrow

CLIENTS = import_pb.IMPORT_RESOURCE_CLIENTS


async def put_under(person: Person, client: pb.Client, parent: pb.Client, etag: str = "") -> Any:
    request = pb.UpdateClientRequest(
        client=pb.Client(id=client.id, parent_id=parent.id),
        update_mask=mask("parent_id"),
        etag=etag or (await get(person, client)).etag,
    )
    return await person.call("UpdateClient", request)


async def get(person: Person, client: pb.Client) -> pb.Client:
    found: pb.Client = await person.call("GetClient", pb.GetClientRequest(client_id=client.id))
    return found


async def family(person: Person, *names: str) -> list[pb.Client]:
    """Companies, each under the one before it."""
    made: list[pb.Client] = []
    for name in names:
        above = {"parent_id": made[-1].id} if made else {}
        made.append(await make_client(person, name=name, **above))
    return made


async def merged(person: Person, client: pb.Client, other: pb.Client) -> str:
    answer = await person.call(
        "MergeClients",
        duplicate_pb.MergeClientsRequest(
            client_id=client.id,
            etag=(await get(person, client)).etag,
            other_id=other.id,
            other_etag=(await get(person, other)).etag,
        ),
    )
    return str(answer.id)


async def expect_no_circle(database: ServiceDatabase) -> None:
    async with database.owner.acquire() as connection:
        rows = await connection.fetch(
            "WITH RECURSIVE line AS (SELECT id, parent_id FROM clients"
            " UNION ALL SELECT line.id, c.parent_id FROM line JOIN clients c"
            " ON c.id = line.parent_id) CYCLE parent_id SET again USING path"
            " SELECT id FROM line WHERE again"
        )
    assert rows == []


async def test_a_company_is_put_under_nothing_that_is_under_it(person: Person) -> None:
    top, middle, bottom = await family(person, "Top", "Middle", "Bottom")
    for parent in (middle, bottom):
        with refused(ErrorKind.INVALID, "CLIENT_UNDER_ITSELF"):
            await put_under(person, top, parent)
    with refused(ErrorKind.INVALID, "CLIENT_UNDER_ITSELF"):
        await put_under(person, top, top)
    assert (await get(person, top)).etag == top.etag
    aside = await make_client(person, name="Aside")
    await put_under(person, top, aside)
    assert (await get(person, bottom)).parent_id == middle.id


async def test_what_one_does_not_see_counts_as_well(crm: Crm, person: Person) -> None:
    seller = narrow(crm, person)
    top, bottom = await make_client(seller, name="Top"), await make_client(seller, name="Bottom")
    middle = await make_client(person, name="Middle", parent_id=top.id)
    await put_under(person, bottom, middle)
    with refused(ErrorKind.INVALID, "CLIENT_UNDER_ITSELF"):
        await put_under(seller, top, bottom)


async def test_of_many_who_try_at_once_one_is_too_late(
    database: ServiceDatabase, person: Person
) -> None:
    ring = [await make_client(person, name=f"Ring {n}") for n in range(6)]
    pairs = [(one, ring[(n + 1) % len(ring)]) for n, one in enumerate(ring)]
    answers = await asyncio.gather(
        *(put_under(person, one, other, one.etag) for one, other in pairs), return_exceptions=True
    )
    late = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [isinstance(error, RemoteError) for error in late] == [True], late
    await expect_no_circle(database)


async def test_a_file_brings_no_circle(app: App, database: ServiceDatabase, person: Person) -> None:
    """Neither with what is there nor with its own rows; a dry run says the same."""
    await family(person, "Top", "Bottom")
    text = "id,name,parent\n,Top,Bottom\n,Next,Bottom\n,Top,Next\n"
    made = await upload(person, text, resource=CLIENTS)
    await person.call(
        "UpdateImport", import_pb.UpdateImportRequest(import_id=made.id, on_duplicate="update")
    )
    begun = await person.call("CheckImport", import_pb.CheckImportRequest(import_id=made.id))
    await work_off(app, begun.job_id)
    checked = await person.call("GetImport", import_pb.GetImportRequest(import_id=made.id))
    errors = await person.call(
        "ListImportErrors", import_pb.ListImportErrorsRequest(import_id=made.id)
    )
    assert (errors.errors[0].row, errors.errors[0].column) == (2, "parent")
    begun = await person.call("CommitImport", import_pb.CommitImportRequest(import_id=made.id))
    await work_off(app, begun.job_id)
    done = await person.call("GetImport", import_pb.GetImportRequest(import_id=made.id))
    assert (done.failed_rows, done.created_rows) == (
        checked.check.failed_rows,
        checked.check.created_rows,
    )
    assert done.failed_rows >= 1
    await expect_no_circle(database)


async def test_a_merge_makes_none(database: ServiceDatabase, person: Person) -> None:
    """The lowest of a line takes the place of the highest, and is two again."""
    top, middle, bottom = await family(person, "Top", "Middle", "Bottom")
    merge_id = await merged(person, bottom, top)
    await expect_no_circle(database)
    assert (await get(person, middle)).parent_id == bottom.id
    assert (await get(person, bottom)).parent_id == ""
    await person.call("UndoMerge", duplicate_pb.UndoMergeRequest(merge_id=merge_id))
    await expect_no_circle(database)
    first, second = await family(person, "First", "Second")
    third = await make_client(person, name="Third", parent_id=second.id)
    await merged(person, first, third)
    await expect_no_circle(database)


async def test_taking_back_makes_none(app: App, database: ServiceDatabase, person: Person) -> None:
    """What stood under a company stands above it by now: it stays where it is."""
    top, bottom = await family(person, "Top", "Bottom")
    await make_client(person, name="Aside")
    made = await upload(person, "name,parent\nBottom,Aside\n", resource=CLIENTS)
    await person.call(
        "UpdateImport", import_pb.UpdateImportRequest(import_id=made.id, on_duplicate="update")
    )
    begun = await commit(person, made.id)
    await work_off(app, begun.job_id)
    done = await import_of(person, made.id)
    assert done.updated_rows == 1
    await put_under(person, top, bottom)
    begun = await person.call("RevertImport", import_pb.RevertImportRequest(import_id=done.id))
    await work_off(app, begun.job_id)
    await expect_no_circle(database)
    gone = await get(person, top)
    await person.call("DeleteClient", pb.DeleteClientRequest(client_id=top.id, etag=gone.etag))
    with refused(ErrorKind.INVALID, "CLIENT_UNDER_ITSELF"):
        await put_under(person, await get(person, bottom), bottom)
