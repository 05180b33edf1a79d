"""A dry run tells what a commit does; a revert takes it back."""

import asyncio

import pytest

from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.errors import ErrorKind
from kit.sight import Sight
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Crm,
    Person,
    commit,
    import_of,
    imported,
    make_client,
    make_deal,
    mask,
    refused,
    upload,
    work_off,
)
from services.crm.tests.integration.test_own_settings import details

CLIENTS, DEALS = pb.IMPORT_RESOURCE_CLIENTS, pb.IMPORT_RESOURCE_DEALS
ACTIVITIES = pb.IMPORT_RESOURCE_ACTIVITIES


async def checked(app: App, person: Person, import_id: str) -> pb.Import:
    begun = await person.call("CheckImport", pb.CheckImportRequest(import_id=import_id))
    assert begun.status == pb.IMPORT_STATUS_ANALYZING
    await work_off(app, begun.job_id)
    return await import_of(person, import_id)


async def told(person: Person, import_id: str, **said: object) -> pb.Import:
    request = pb.UpdateImportRequest(import_id=import_id, **said)  # type: ignore[arg-type]
    changed: pb.Import = await person.call("UpdateImport", request)
    return changed


async def reverted(app: App, person: Person, import_id: str) -> pb.Import:
    begun = await person.call("RevertImport", pb.RevertImportRequest(import_id=import_id))
    await work_off(app, begun.job_id)
    return await import_of(person, import_id)


async def rows_of(person: Person, import_id: str) -> list[tuple[int, str, str, str]]:
    found = await person.call("ListImportRows", pb.ListImportRowsRequest(import_id=import_id))
    return [(row.row, row.action, row.matched_by, row.record_name) for row in found.rows]


async def clients_of(person: Person) -> dict[str, client_pb.Client]:
    found = await person.call("ListClients", client_pb.ListClientsRequest(page_size=200))
    return {client.name: client for client in found.clients}


async def test_duplicates_are_found_by_mail_domain_phone_and_name(app: App, person: Person) -> None:
    await make_client(person, name="Acme Studios GmbH", emails=["info@acme.com"])
    await make_client(person, name="Beta", phones=["+41 44 123 45 67"])
    await make_client(person, name="Gamma Labs", website="https://www.gamma.io/team")
    await make_client(person, name="Müller Design")
    text = (
        "Company,Email,Phone,Website\n"
        "Somebody,INFO@acme.com,,\n"
        "Beta AG,,044 123 45 67,\n"
        "Gamma Group,,,gamma.io\n"
        "Mueller Design Ltd.,,,\n"
        "Different,me@gmail.com,,\n"
        "Different,,,\n"
    )
    made = await upload(person, text, resource=CLIENTS)
    ready = await checked(app, person, made.id)
    assert ready.status == pb.IMPORT_STATUS_READY
    expected = [
        (2, "skipped", "email", "Acme Studios GmbH"),
        (3, "skipped", "phone", "Beta"),
        (4, "skipped", "domain", "Gamma Labs"),
        (5, "skipped", "name", "Müller Design"),
        (7, "skipped", "file", "Different"),
    ]
    assert await rows_of(person, made.id) == expected
    assert (ready.check.created_rows, ready.check.skipped_rows) == (1, 5)
    assert len(await clients_of(person)) == 4  # nothing is written yet
    done = await commit(person, made.id)
    await work_off(app, done.job_id)
    done = await import_of(person, made.id)
    assert (done.created_rows, done.skipped_rows) == (1, 5)


async def test_a_person_is_not_taken_for_the_company(app: App, person: Person) -> None:
    await make_client(person, name="Acme", emails=["info@acme.com"], phones=["044 123 45 67"])
    text = "Name,Type,Email,Phone\nAnn Acme,person,info@acme.com,044 123 45 67\n"
    done = await imported(app, person, text, resource=CLIENTS)
    assert (done.created_rows, done.skipped_rows) == (1, 0)


async def test_an_upsert_fills_what_the_file_says_and_leaves_the_rest(
    app: App, person: Person
) -> None:
    before = await make_client(
        person, name="Acme", emails=["a@acme.com"], address="Bern", notes="old", tags=["x"]
    )
    text = "Name,Email,Address,Tags,Notes\nACME,b@acme.com,Zürich,y,\n"
    made = await upload(person, text, resource=CLIENTS)
    await told(person, made.id, on_duplicate="update")
    ready = await checked(app, person, made.id)
    assert ready.check.updated_rows == 1
    committed = await commit(person, made.id)
    await work_off(app, committed.job_id)
    after = (await clients_of(person))["ACME"]
    assert (after.id, list(after.emails)) == (before.id, ["a@acme.com", "b@acme.com"])
    assert (after.address, after.notes, list(after.tags)) == ("Zürich", "old", ["x", "y"])
    taken_back = await reverted(app, person, made.id)
    assert (taken_back.reverted_records, taken_back.kept_records) == (1, 0)
    again = (await clients_of(person))["Acme"]
    assert (list(again.emails), again.address, list(again.tags)) == (["a@acme.com"], "Bern", ["x"])


async def test_deals_are_changed_and_moved_and_put_back(app: App, person: Person) -> None:
    deal = await make_deal(person, external_id="7", name="Website", source="web")
    text = "id,title,value,stage,closed at\n7,Web shop,99,Won,2020-01-01\n8,New,1,,\n"
    made = await upload(person, text)
    await told(person, made.id, on_duplicate="update")
    committed = await commit(person, made.id)
    await work_off(app, committed.job_id)
    done = await import_of(person, made.id)
    assert (done.updated_rows, done.created_rows) == (1, 1)
    after = await person.deal(deal.id)
    assert (after.name, after.stage_name, after.source) == ("Web shop", "Won", "web")
    assert (after.amount.amount_minor, after.version) == (99_00, 3)
    taken_back = await reverted(app, person, made.id)
    assert (taken_back.status, taken_back.reverted_records) == (pb.IMPORT_STATUS_REVERTED, 2)
    again = await person.deal(deal.id)
    assert (again.name, again.stage_name) == ("Website", "Prospecting")
    assert again.amount == deal.amount
    assert (await person.list_deals(with_total=True)).total == 1
    assert (await person.board())["Won"].count == 0


async def test_deals_may_bring_their_clients(app: App, person: Person) -> None:
    await make_client(person, name="Acme GmbH")
    text = "deal,client,value\nA,acme,1\nB,Beta,2\nC,Beta,3\n"
    made = await upload(person, text)
    without = await checked(app, person, made.id)
    assert (without.check.created_rows, without.check.failed_rows) == (0, 3)
    await told(person, made.id, create_clients=True)
    ready = await checked(app, person, made.id)
    assert (ready.check.created_rows, ready.check.new_clients) == (3, 1)
    committed = await commit(person, made.id)
    await work_off(app, committed.job_id)
    deals = {deal.name: deal.client_name for deal in (await person.list_deals()).deals}
    assert deals == {"A": "Acme GmbH", "B": "Beta", "C": "Beta"}
    assert set(await clients_of(person)) == {"Acme GmbH", "Beta"}
    taken_back = await reverted(app, person, made.id)
    assert (taken_back.reverted_records, taken_back.kept_records) == (4, 0)
    assert set(await clients_of(person)) == {"Acme GmbH"}


async def test_a_row_that_brings_no_deal_brings_no_client(app: App, person: Person) -> None:
    """Skipped, refused for its stage, or there already: their clients are named by nobody."""
    await make_deal(person, external_id="7", name="Website")
    text = (
        "id,deal,client,stage,value\n"
        "7,Website,Skipped,,1\n"
        "8,Shop,Refused,Nowhere,1\n"
        "9,Logo,Later,Nowhere,1\n"
        "10,Signs,Later,,1\n"
    )
    made = await upload(person, text)
    await told(person, made.id, create_clients=True)
    ready = await checked(app, person, made.id)
    assert (ready.check.created_rows, ready.check.new_clients) == (1, 1)
    committed = await commit(person, made.id)
    await work_off(app, committed.job_id)
    assert set(await clients_of(person)) == {"Later"}
    taken_back = await reverted(app, person, made.id)
    assert (taken_back.reverted_records, await clients_of(person)) == (2, {})


async def test_a_revert_leaves_alone_what_somebody_has_changed(app: App, person: Person) -> None:
    done = await imported(app, person, "deal,client\nA,\nB,\n")
    first = next(deal for deal in (await person.list_deals()).deals if deal.name == "A")
    await person.call(
        "UpdateDeal",
        deal_pb.UpdateDealRequest(
            deal=deal_pb.Deal(id=first.id, name="A, agreed"), update_mask=mask("name"), etag="1"
        ),
    )
    taken_back = await reverted(app, person, done.id)
    assert (taken_back.reverted_records, taken_back.kept_records) == (1, 1)
    assert [deal.name for deal in (await person.list_deals()).deals] == ["A, agreed"]
    with refused(ErrorKind.REFUSED, "IMPORT_NOT_DONE"):
        await person.call("RevertImport", pb.RevertImportRequest(import_id=done.id))


async def test_the_audit_log_says_how_many(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    await make_deal(person, external_id="1")
    file = "name,external_id,amount,client\nA,1,5,\nB,2,,\nC,3,,\nD,4,many,\n"
    await reverted(app, person, (await imported(app, person, file)).id)
    assert [line for line in await details(database, person) if ":" in line] == [
        "new deals: 2, changed: 0, there already: 1, could not be taken: 1",
        "taken back: 2, left alone: 0",
    ]


async def test_a_client_with_other_deals_stays_when_its_import_is_reverted(
    app: App, person: Person
) -> None:
    done = await imported(app, person, "name\nAcme\nBeta\n", resource=CLIENTS)
    await make_deal(person, client_id=(await clients_of(person))["Acme"].id)
    taken_back = await reverted(app, person, done.id)
    assert (taken_back.reverted_records, taken_back.kept_records) == (1, 1)
    assert set(await clients_of(person)) == {"Acme"}


async def test_a_row_may_change_a_deal_and_bring_its_client(app: App, person: Person) -> None:
    deal = await make_deal(person, external_id="7", name="Website")
    made = await upload(person, "id,title,client\n7,Web shop,Acme\n")
    await told(person, made.id, on_duplicate="update", create_clients=True)
    committed = await commit(person, made.id)
    await work_off(app, committed.job_id)
    assert (await person.deal(deal.id)).client_name == "Acme"
    taken_back = await reverted(app, person, made.id)
    assert (taken_back.reverted_records, taken_back.kept_records) == (2, 0)
    assert (await person.deal(deal.id)).client_id == ""
    assert await clients_of(person) == {}


async def test_a_company_stays_with_those_of_its_people_who_stay(app: App, person: Person) -> None:
    text = "name,kind,parent\nAcme,company,\nAnn,person,Acme\nBeta,company,\nBob,person,Beta\n"
    done = await imported(app, person, text, resource=CLIENTS)
    ann = (await clients_of(person))["Ann"]
    await person.call(
        "UpdateClient",
        client_pb.UpdateClientRequest(
            client=client_pb.Client(id=ann.id, notes="met"), update_mask=mask("notes"), etag="1"
        ),
    )
    taken_back = await reverted(app, person, done.id)
    assert (taken_back.reverted_records, taken_back.kept_records) == (2, 2)
    assert set(await clients_of(person)) == {"Acme", "Ann"}


async def test_activities_come_with_what_they_are_about(app: App, person: Person) -> None:
    client = await make_client(person, name="Acme")
    deal = await make_deal(person, name="Website", client_id=client.id)
    text = (
        "subject,type,due,done,client,deal\n"
        "Ask,Call,2020-03-01 10:00,yes,,website\n"
        "Meet,Meeting,2020-04-01,,Acme,\n"
        "Nobody,Task,,,,\n"
    )
    done = await imported(app, person, text, resource=ACTIVITIES)
    assert (done.created_rows, done.failed_rows) == (2, 1)
    found = await person.call("ListActivities", activity_pb.ListActivitiesRequest())
    meet, ask = found.activities
    assert (ask.deal_id, ask.client_id, ask.kind) == (
        deal.id,
        client.id,
        activity_pb.ACTIVITY_KIND_CALL,
    )
    assert (ask.done_time, meet.HasField("done_time")) == (ask.due_time, False)
    again = await imported(app, person, text, resource=ACTIVITIES)
    assert (again.created_rows, again.skipped_rows) == (0, 2)
    await reverted(app, person, done.id)
    left = await person.call("ListActivities", activity_pb.ListActivitiesRequest())
    assert not left.activities


async def test_the_same_file_twice_brings_deals_without_ids_once(app: App, person: Person) -> None:
    text = "deal,value\nA,1\nA,1\nB,2\n"  # two that look alike in one file are two
    first, second = await imported(app, person, text), await imported(app, person, text)
    assert (first.created_rows, second.created_rows, second.skipped_rows) == (3, 0, 3)


async def test_the_rows_that_failed_come_back_as_a_file(app: App, person: Person) -> None:
    text = 'Deal;Value;Note\n"A;1";1;x\nB;much;=cmd()\n"C\nD";2;y\nE;1;2;3\n'
    done = await imported(app, person, text)
    asked = pb.DownloadImportErrorsRequest(import_id=done.id)
    content = (await person.download("DownloadImportErrors", asked)).decode("utf-8-sig")
    header, first, second = content.splitlines()
    assert header == "Why it was not imported,Deal,Value,Note"
    assert first.endswith(",B,much,'=cmd()")
    assert second == '"The row has 4 cells and the header 3.",E,1,2,3' or second.endswith("E,1,2,3")
    corrected = content.replace("much", "3").encode()
    made = await upload(person, corrected)
    assert [column.field for column in made.columns] == ["", "name", "amount", ""]


async def test_settings_that_make_no_sense_are_refused(person: Person) -> None:
    made = await upload(person, "deal,value\nA,1\n")
    for said, reason in (
        ({"encoding": "klingon"}, "ENCODING_UNKNOWN"),
        ({"delimiter": "x"}, "DELIMITER_UNKNOWN"),
        ({"decimal": "!"}, "DECIMAL_UNKNOWN"),
        ({"date_order": "mmm"}, "DATE_ORDER_UNKNOWN"),
        ({"on_duplicate": "eat"}, "ON_DUPLICATE_UNKNOWN"),
        ({"fields": {0: "shoe_size"}}, "FIELD_UNKNOWN"),
        ({"fields": {0: "amount"}}, "FIELD_TWICE"),
        ({"fields": {9: "name"}}, "COLUMN_UNKNOWN"),
    ):
        with refused(ErrorKind.INVALID, reason):
            await told(person, made.id, **said)
    other = await told(person, made.id, delimiter=";")
    assert [column.header for column in other.columns] == ["deal,value"]


async def test_settings_change_no_more_once_rows_are_written(app: App, person: Person) -> None:
    done = await imported(app, person, "deal\nA\n")
    for method, request in (
        ("UpdateImport", pb.UpdateImportRequest(import_id=done.id)),
        ("CheckImport", pb.CheckImportRequest(import_id=done.id)),
    ):
        with refused(ErrorKind.REFUSED, "IMPORT_NOT_READY"):
            await person.call(method, request)


async def test_a_revert_that_was_cut_off_goes_on(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    done = await imported(app, person, "deal\n" + "".join(f"D{n}\n" for n in range(1_200)))
    begun = await person.call("RevertImport", pb.RevertImportRequest(import_id=done.id))
    await asyncio.gather(work_off(app, begun.job_id), work_off(app, begun.job_id))
    taken_back = await import_of(person, done.id)
    assert (taken_back.status, taken_back.reverted_records) == (pb.IMPORT_STATUS_REVERTED, 1_200)
    kinds = await database.owner.fetch(
        "SELECT type, count(*) FROM outbox WHERE workspace_id = $1 GROUP BY 1", person.workspace_id
    )
    counts = {row["type"].split(".v1.")[-1]: row["count"] for row in kinds}
    assert counts["deleted"] == 1_200
    assert counts["reverted"] == 1


@pytest.mark.parametrize("method", ["CommitImport", "CheckImport", "RevertImport"])
async def test_a_job_is_asked_for_once_per_key(person: Person, method: str, app: App) -> None:
    made = await upload(person, "deal\nA\n")
    if method == "RevertImport":
        committed = await commit(person, made.id)
        await work_off(app, committed.job_id)
    request = getattr(pb, f"{method}Request")(import_id=made.id)
    first, second = [await person.call(method, request, key="k") for _ in range(2)]
    assert first.job_id == second.job_id


async def test_an_id_of_a_record_out_of_sight_costs_its_own_row(
    app: App, crm: Crm, person: Person
) -> None:
    await make_deal(person, external_id="b3", owner_id=str(person.user_id))
    seller = Person(crm, person.workspace_id)
    seller.sight = Sight((seller.user_id,))
    rows = "".join(f"b{number},Work {number}\n" for number in range(7))
    done = await imported(app, seller, "id,title\n" + rows)
    assert (done.status, done.created_rows, done.failed_rows) == (pb.IMPORT_STATUS_DONE, 6, 1)
    found = await seller.call("ListImportErrors", pb.ListImportErrorsRequest(import_id=done.id))
    told = [(error.row, error.column, error.value) for error in found.errors]
    assert told == [(5, "id", "b3")]
