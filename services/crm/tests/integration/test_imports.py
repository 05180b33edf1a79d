"""Files come in: what is refused at once, what becomes of rows, and that nothing comes twice."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crm.application.imports import MANY
from crm.application.workspaces import keep_member, keep_workspace
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import import_service_pb2 as pb
from freelanceflow.crm.v1 import stage_service_pb2 as stage_pb
from freelanceflow.type.v1.filter_pb2 import Condition, Operator
from kit.errors import ErrorKind
from kit.sight import Sight
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Person,
    commit,
    import_of,
    imported,
    make_client,
    make_deal,
    refused,
    upload,
    where,
    work_off,
)

CLIENTS = pb.IMPORT_RESOURCE_CLIENTS


def table(*rows: dict[str, str]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


async def errors_of(person: Person, import_id: str) -> list[tuple[int, str]]:
    found = await person.call("ListImportErrors", pb.ListImportErrorsRequest(import_id=import_id))
    return [(error.row, error.column) for error in found.errors]


async def test_deals_come_with_their_past(app: App, person: Person) -> None:
    client = await make_client(person, name="Cancity")
    done = await imported(
        app,
        person,
        table(
            {
                "name": "GTX Basic",
                "external_id": "1C1I7A6R",
                "client": "cancity",
                "stage": "Won",
                "owner": "Moses Frase",
                "amount": "1054.5",
                "created_at": "2020-10-20",
                "closed_at": "2021-03-01",
                "tags": "gtx; hot",
            }
        ),
    )
    assert (done.status, done.total_rows, done.created_rows) == (pb.IMPORT_STATUS_DONE, 1, 1)
    (deal,) = (await person.list_deals()).deals
    assert (deal.name, deal.client_id, deal.owner_name) == ("GTX Basic", client.id, "Moses Frase")
    assert (deal.stage_name, deal.version, deal.amount.amount_minor) == ("Won", 2, 1054_50)
    assert list(deal.tags) == ["gtx", "hot"]
    assert deal.close_time.ToDatetime(UTC) == datetime(2021, 3, 1, tzinfo=UTC)
    history = await person.call("ListDealHistory", deal_pb.ListDealHistoryRequest(deal_id=deal.id))
    moved, created = history.entries
    assert (created.kind, created.to_stage_name) == ("created", "Prospecting")
    assert created.happen_time.ToDatetime(UTC) == datetime(2020, 10, 20, tzinfo=UTC)
    assert (moved.kind, moved.days_in_stage) == ("moved", 132.0)
    column = (await person.board())["Won"]
    assert (column.count, column.sum.amount_minor) == (1, 1054_50)


async def test_each_wrong_cell_is_named_and_the_other_rows_come(app: App, person: Person) -> None:
    done = await imported(
        app,
        person,
        table(
            {"name": "Good", "stage": "", "client": "", "amount": "1", "created_at": ""},
            {"name": "", "stage": "", "client": "", "amount": "1", "created_at": ""},
            {"name": "X", "stage": "Nowhere", "client": "Nobody", "amount": "", "created_at": ""},
            {"name": "X", "stage": "", "client": "", "amount": "much", "created_at": "yesterday"},
            {"name": "X", "stage": "", "client": "", "amount": "1", "created_at": "2999-01-01"},
        ),
    )
    assert (done.created_rows, done.failed_rows, done.done_rows) == (1, 4, 5)
    assert await errors_of(person, done.id) == [
        (3, "name"),
        (4, "client"),
        (4, "stage"),
        (5, "amount"),
        (5, "created_at"),
        (6, "created_at"),
    ]


EVERYTHING_WRONG = {
    pb.IMPORT_RESOURCE_DEALS: (
        "name,amount,currency,stage,client,created_at,lost_reason,next_step\n"
        f",much,EUR,Nowhere,Nobody,yesterday,Spite,{'x' * 3_000}\n",
        {"name", "amount", "stage", "client", "created_at", "lost_reason", "next_step"},
    ),
    CLIENTS: (
        "name,kind,parent,emails,phones,website,created_at\n"
        ",robot,Nobody,no mail,no phone,javascript:x,yesterday\n",
        {"name", "kind", "parent", "emails", "phones", "website", "created_at"},
    ),
    pb.IMPORT_RESOURCE_ACTIVITIES: (
        "subject,kind,client,deal,due_at,remind_at\n,dance,Nobody,Nothing,soon,never\n",
        {"subject", "kind", "client", "deal", "due_at", "remind_at"},
    ),
}


@pytest.mark.parametrize("resource", EVERYTHING_WRONG)
async def test_all_that_is_wrong_with_a_row_is_told_at_once(
    app: App, person: Person, resource: pb.ImportResource.ValueType
) -> None:
    text, columns = EVERYTHING_WRONG[resource]
    done = await imported(app, person, text, resource=resource)
    assert (done.created_rows, done.failed_rows) == (0, 1)
    assert {column for _, column in await errors_of(person, done.id)} == columns


async def test_a_lost_deal_with_a_wrong_cell_costs_its_own_row(app: App, person: Person) -> None:
    text = "name,stage,client\nGood,Lost,\nBad,Lost,Nobody\n"
    done = await imported(app, person, text)
    assert (done.created_rows, done.failed_rows) == (1, 1)
    assert await errors_of(person, done.id) == [(3, "client")]


async def test_a_row_that_is_refused_brings_no_label_of_an_owner(app: App, person: Person) -> None:
    rows = ({"name": "A", "amount": "much", "owner": "Mo"}, {"name": "B", "owner": "Lea"})
    await imported(app, person, table(*rows))
    listed = await person.call("ListOwners", stage_pb.ListOwnersRequest())
    assert [owner.name for owner in listed.owners] == ["Lea"]


async def test_a_file_without_owners_is_the_importers_and_an_empty_cell_is_nobodys(
    app: App, person: Person
) -> None:
    """Whoever will see only their own records one day still sees what they have brought."""
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_member(uow, user_id=person.user_id, version=1, name="Ida")
    await imported(app, person, "name\nWeir\n", resource=CLIENTS)
    await imported(app, person, "name,client\nMine,Weir\n")
    await imported(app, person, "name,owner\nNobody's,\n")
    (mine,) = (await person.list_deals(where("name", "CONTAINS", "Mine"))).deals
    (other,) = (await person.list_deals(where("name", "CONTAINS", "Nobody"))).deals
    assert (mine.owner_id, mine.owner_name) == (str(person.user_id), "Ida")
    assert other.owner_id == ""
    me = replace(person, sight=Sight((person.user_id,)))
    assert [deal.name for deal in (await me.list_deals()).deals] == ["Mine"]
    clients = await me.call("ListClients", client_pb.ListClientsRequest())
    assert [client.name for client in clients.clients] == ["Weir"]


async def test_owners_are_found_by_name_and_by_id(app: App, person: Person) -> None:
    names = ("Lea", "Leander", "Mo")
    await imported(app, person, table(*({"name": name, "owner": name} for name in names)))

    async def found(field: str, operator: Operator.ValueType, *values: str) -> list[str]:
        condition = Condition(field=field, operator=operator, values=values)
        asked = stage_pb.ListOwnersRequest(conditions=[condition])
        return [owner.name for owner in (await person.call("ListOwners", asked)).owners]

    assert await found("name", Operator.OPERATOR_CONTAINS, "LEA") == ["Lea", "Leander"]
    listed = await person.call("ListOwners", stage_pb.ListOwnersRequest())
    ids = [owner.id for owner in listed.owners if owner.name != "Lea"]
    assert await found("id", Operator.OPERATOR_IN, *ids) == ["Leander", "Mo"]


async def test_a_change_may_leave_out_the_name_and_says_what_else_is_wrong(
    app: App, person: Person
) -> None:
    await make_deal(person, external_id="7")
    made = await upload(person, "name,external_id,amount,stage\n,7,much,Nowhere\n,7,2,\n")
    await person.call(
        "UpdateImport", pb.UpdateImportRequest(import_id=made.id, on_duplicate="update")
    )
    await work_off(app, (await commit(person, made.id)).job_id)
    assert await errors_of(person, made.id) == [(2, "amount"), (2, "stage")]
    assert (await import_of(person, made.id)).updated_rows == 1


async def test_a_character_that_cannot_be_stored_is_named(app: App, person: Person) -> None:
    text = "name,client,stage,Memo\nA\0,B\0,,x\nC,,\0,\nD,,,\0\nE,,,\n"
    done = await imported(app, person, text)
    assert await errors_of(person, done.id) == [(2, "client"), (2, "name"), (3, "stage")]
    assert done.created_rows == 2


async def test_what_is_there_already_is_skipped(app: App, person: Person) -> None:
    await make_deal(person, external_id="A")
    text = table(*({"name": id, "external_id": id} for id in ("A", "B", "B", "C")))
    first, second = await imported(app, person, text), await imported(app, person, text)
    assert (first.created_rows, first.skipped_rows) == (2, 2)
    assert (second.created_rows, second.skipped_rows) == (0, 4)
    assert (await person.list_deals(with_total=True)).total == 3


async def test_the_planner_learns_what_came_in(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    """Else the first minute after a large import reads a whole workspace for one deal."""
    analyzed = "SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'deals'"
    before = await database.owner.fetchval(analyzed)
    await imported(app, person, table({"name": "A", "external_id": "A"}))
    assert await database.owner.fetchval(analyzed) == before
    await imported(app, person, table(*({"name": f"Deal {n}"} for n in range(MANY))))
    assert await database.owner.fetchval(analyzed) > before


async def test_clients_come_with_their_companies(app: App, person: Person) -> None:
    done = await imported(
        app,
        person,
        table(
            {"name": "Acme", "kind": "company", "parent": "", "emails": "a@b.ch;c@d.ch"},
            {"name": "Ann", "kind": "person", "parent": "acme", "emails": ""},
            {"name": "Bob", "kind": "person", "parent": "Ann", "emails": ""},
            {"name": "Cid", "kind": "robot", "parent": "", "emails": ""},
        ),
        resource=CLIENTS,
    )
    assert (done.created_rows, done.failed_rows) == (2, 2)
    assert await errors_of(person, done.id) == [(4, "parent"), (5, "kind")]
    acme, ann = (await person.call("ListClients", client_pb.ListClientsRequest())).clients
    assert (acme.name, list(acme.emails)) == ("Acme", ["a@b.ch", "c@d.ch"])
    assert (ann.parent_id, ann.parent_name) == (acme.id, "Acme")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "FILE_EMPTY"),
        (b"name\n", "FILE_EMPTY"),
        ("name\nZürich\n".encode() + "Zürich".encode("latin-1"), "ENCODING_MIXED"),
        (b'name\n"never closed\n', "FILE_UNREADABLE"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_refused_at_once(
    person: Person, content: bytes, reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await upload(person, content)
    assert not (await person.call("ListImports", pb.ListImportsRequest())).imports


async def test_a_file_may_have_a_mark_and_any_usual_delimiter(app: App, person: Person) -> None:
    text = '\ufeffname;source\r\n"A; ""quoted""\r\nname";web\r\n\r\nB;\r\n'
    done = await imported(app, person, text)
    assert done.created_rows == 2
    names = [deal.name for deal in (await person.list_deals()).deals]
    assert sorted(names) == ['A; "quoted"\r\nname', "B"]


async def test_a_file_that_is_too_large_is_not_taken(app: App, person: Person) -> None:
    with refused(ErrorKind.EXHAUSTED, "FILE_TOO_LARGE"):
        await upload(person, b"name\n" + b"ten bytes\n" * (app.max_import_bytes // 10))


async def test_an_import_is_committed_once(app: App, person: Person) -> None:
    done = await imported(app, person, table({"name": "A"}))
    with refused(ErrorKind.REFUSED, "IMPORT_NOT_READY"):
        await commit(person, done.id)
    await work_off(app, done.job_id)  # delivered once more
    assert (await import_of(person, done.id)).created_rows == 1
    assert (await person.list_deals(with_total=True)).total == 1


async def test_two_imports_of_one_file_at_once_bring_each_record_once(
    app: App, person: Person
) -> None:
    text = table(*({"name": f"D{n}", "external_id": str(n)} for n in range(700)))
    first, second = [await commit(person, (await upload(person, text)).id) for _ in range(2)]
    await asyncio.gather(work_off(app, first.job_id), work_off(app, second.job_id))
    found = [await import_of(person, made.id) for made in (first, second)]
    assert {made.status for made in found} == {pb.IMPORT_STATUS_DONE}
    assert sum(made.created_rows for made in found) == 700
    assert sum(made.skipped_rows for made in found) == 700
    assert (await person.list_deals(with_total=True)).total == 700


async def test_clients_that_are_there_already_are_skipped(app: App, person: Person) -> None:
    text = table(*({"name": id, "external_id": id} for id in ("A", "B", "A")))
    await make_client(person, external_id="B")
    done = await imported(app, person, text, resource=CLIENTS)
    assert (done.created_rows, done.skipped_rows) == (1, 2)


async def test_an_import_that_failed_goes_on_when_committed_again(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    committed = await commit(person, (await upload(person, "name\nA\n")).id)
    expiry = "UPDATE files SET expires_at = now() + $1 WHERE workspace_id = $2"
    await database.owner.execute(expiry, timedelta(days=-1), person.workspace_id)
    await work_off(app, committed.job_id)
    failed = await import_of(person, committed.id)
    assert (failed.status, failed.error) == (pb.IMPORT_STATUS_FAILED, "There is no such file.")
    await database.owner.execute(expiry, timedelta(days=1), person.workspace_id)
    again = await commit(person, committed.id)
    assert again.job_id != committed.job_id
    await work_off(app, again.job_id)
    assert (await import_of(person, committed.id)).created_rows == 1


async def test_errors_and_imports_come_in_pages(app: App, person: Person) -> None:
    wrong = [{"name": "A", "amount": "x"} for _ in range(3)]
    imports = [await imported(app, person, table(*wrong)) for _ in range(2)]
    found: list[tuple[int, str]] = []
    token = ""
    while token or not found:
        request = pb.ListImportErrorsRequest(import_id=imports[0].id, page_size=2, page_token=token)
        page = await person.call("ListImportErrors", request)
        found += [(error.row, error.column) for error in page.errors]
        token = page.next_page_token
    assert found == [(row, "amount") for row in (2, 3, 4)]
    newest = await person.call("ListImports", pb.ListImportsRequest(page_size=1))
    assert [made.id for made in newest.imports] == [imports[1].id]
    following = pb.ListImportsRequest(page_size=1, page_token=newest.next_page_token)
    oldest = await person.call("ListImports", following)
    assert ([made.id for made in oldest.imports], oldest.next_page_token) == ([imports[0].id], "")


async def test_a_workspace_in_a_zone_unknown_here_can_still_import(
    app: App, person: Person
) -> None:
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_workspace(
            uow, version=1, name="Studio", currency="CHF", time_zone="Mars/Olympus"
        )
    await imported(app, person, table({"name": "A", "amount": "2", "created_at": "2020-01-01"}))
    (deal,) = (await person.list_deals()).deals
    assert deal.create_time.ToJsonString() == "2020-01-01T00:00:00Z"
    assert deal.amount.currency_code == "CHF"


async def test_what_comes_first_is_the_header(person: Person) -> None:
    async def chunk_only() -> AsyncIterator[pb.CreateImportRequest]:
        yield pb.CreateImportRequest(chunk=b"name\nA\n")

    async def of_nothing() -> AsyncIterator[pb.CreateImportRequest]:
        yield pb.CreateImportRequest(header=pb.ImportHeader(file_name="a.csv"))

    for requests, reason in ((chunk_only, "HEADER_MISSING"), (of_nothing, "RESOURCE_UNKNOWN")):
        with refused(ErrorKind.INVALID, reason):
            await person.crm.caller.upload(
                person.crm.method("CreateImport"),
                requests(),
                identity=person.identity(),
                timeout=20,
            )
