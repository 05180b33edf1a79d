"""What is taken back when whom it names is gone for good, or is no company any more."""

import pytest

from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import import_service_pb2 as pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from services.crm.tests.factories import (
    Person,
    commit,
    import_of,
    make_client,
    make_deal,
    upload,
    work_off,
)
from services.crm.tests.integration.test_duplicates import PERSON, change, get, merge, undo, whose


async def delete_for_good(person: Person, client: client_pb.Client) -> None:
    etag = (await get(person, client.id)).etag
    request = client_pb.DeleteClientRequest(client_id=client.id, etag=etag)
    await person.call("DeleteClient", request)
    await person.call("PurgeRecord", record_pb.PurgeRecordRequest(record_id=client.id))


async def updated(
    app: App, person: Person, text: str, resource: pb.ImportResource.ValueType
) -> pb.Import:
    made = await upload(person, text, resource=resource)
    told = pb.UpdateImportRequest(import_id=made.id, on_duplicate="update")
    await person.call("UpdateImport", told)
    await work_off(app, (await commit(person, made.id)).job_id)
    done = await import_of(person, made.id)
    assert done.updated_rows == 1
    return done


async def reverted(app: App, person: Person, done: pb.Import) -> None:
    request = pb.RevertImportRequest(import_id=done.id)
    await work_off(app, (await person.call("RevertImport", request)).job_id)
    found = await import_of(person, done.id)
    assert (found.status, found.reverted_records) == (pb.IMPORT_STATUS_REVERTED, 1)


async def test_a_merge_whose_company_is_gone_for_good(person: Person) -> None:
    old, new = await make_client(person), await make_client(person)
    one, other = [await make_client(person, parent_id=above.id) for above in (old, new)]
    made = await merge(person, one, other, "parent_id")
    await delete_for_good(person, old)
    await undo(person, made)
    assert [(await get(person, each.id)).parent_id for each in (one, other)] == ["", new.id]


async def test_an_import_of_clients_whose_company_is_gone_for_good(
    app: App, person: Person
) -> None:
    old, new = await make_client(person, name="Old"), await make_client(person, name="New")
    client = await make_client(person, name="Branch", parent_id=old.id)
    text = "name,parent\nBranch,New\n"
    done = await updated(app, person, text, pb.IMPORT_RESOURCE_CLIENTS)
    assert (await get(person, client.id)).parent_id == new.id
    await delete_for_good(person, old)
    await reverted(app, person, done)
    assert (await get(person, client.id)).parent_id == ""


async def test_an_import_of_deals_whose_client_is_gone_for_good(app: App, person: Person) -> None:
    old, new = await make_client(person, name="Old"), await make_client(person, name="New")
    deal = await make_deal(person, name="Work", client_id=old.id, external_id="1")
    text = "name,client,external_id\nWork,New,1\n"
    done = await updated(app, person, text, pb.IMPORT_RESOURCE_DEALS)
    assert await whose(person, deal) == new.id
    await delete_for_good(person, old)
    await reverted(app, person, done)
    assert await whose(person, deal) == ""


@pytest.mark.parametrize("turned", ["other", "parent"])
async def test_a_merge_of_what_stands_under_a_person_by_now(person: Person, turned: str) -> None:
    """Nobody is put under a person; who stood under one before stands there again."""
    old, new = await make_client(person), await make_client(person)
    one, other = [await make_client(person, parent_id=above.id) for above in (old, new)]
    ann = await make_client(person, name="Ann", kind=PERSON, parent_id=other.id)
    if turned == "other":
        await change(person, other.id, kind=PERSON)
    made = await merge(person, one, other, "parent_id")
    if turned == "parent":
        await change(person, old.id, kind=PERSON)
    await undo(person, made)
    under = {"other": one.id, "parent": other.id}[turned]
    found = [(await get(person, each.id)).parent_id for each in (one, other, ann)]
    assert found == [old.id, new.id, under]
    await change(person, one.id, name="Renamed")
