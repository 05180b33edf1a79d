"""The wizard: what its forms ask for, and that nothing typed is lost."""

from typing import Any

from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.file_factories import make_import

FORM = {
    "column-0": "name",
    "column-1": "amount",
    "column-2": "",
    "delimiter": ";",
    "encoding": "utf-8",
    "decimal": ",",
    "date_order": "mdy",
    "on_duplicate": "update",
    "create_clients": "1",
}


async def test_columns_are_said_and_tried(site: Any) -> None:
    answer = await site.post("/imports/i-uploaded/columns", FORM)
    assert (answer.status, answer.headers["location"]) == (303, "/imports/i-uploaded")
    asked = site.neighbours.imports.asked
    change = next(request for request in asked if isinstance(request, pb.UpdateImportRequest))
    assert dict(change.fields) == {0: "name", 1: "amount", 2: ""}
    assert (change.date_order, change.on_duplicate, change.create_clients) == (
        "mdy",
        "update",
        True,
    )
    assert isinstance(asked[-1], pb.CheckImportRequest)


async def test_what_was_not_asked_is_not_said_by_leaving_it(site: Any) -> None:
    """The order of dates was in doubt, and shown; the decimal mark was not."""
    await site.post("/imports/i-uploaded/columns", FORM | {"date_order": "dmy"})
    change = site.neighbours.imports.asked[-2]
    assert (change.date_order, change.HasField("decimal")) == ("dmy", False)
    await site.post("/imports/i-uploaded/columns", FORM | {"decimal": "."})
    assert site.neighbours.imports.asked[-2].decimal == "."


async def test_a_doubt_that_comes_with_a_column_is_shown_before_anything_is_tried(
    site: Any,
) -> None:
    site.neighbours.imports.answers["UpdateImport"] = make_import()
    answer = await site.post("/imports/i-uploaded/columns", FORM)
    assert answer.headers["location"] == "/imports/i-uploaded?step=columns"
    assert isinstance(site.neighbours.imports.asked[-1], pb.UpdateImportRequest)


async def test_another_delimiter_shows_other_columns_first(site: Any) -> None:
    answer = await site.post("/imports/i-uploaded/columns", FORM | {"delimiter": "\t"})
    assert answer.headers["location"] == "/imports/i-uploaded?step=columns"
    change = site.neighbours.imports.asked[-1]
    assert isinstance(change, pb.UpdateImportRequest)
    assert (change.delimiter, dict(change.fields)) == ("\t", {})


async def test_what_is_refused_is_said_beside_the_form(site: Any) -> None:
    site.neighbours.imports.answers["UpdateImport"] = RemoteError(
        ErrorKind.INVALID, "FIELD_TWICE", "no", fields={"amount": "Two columns go into “amount”."}
    )
    answer = await site.post("/imports/i-uploaded/columns", FORM)
    assert answer.status == 422
    assert "Two columns go into “amount”." in answer.text
    assert 'name="column-1"' in answer.text


async def test_a_commit_and_a_revert_are_begun(site: Any) -> None:
    for verb, message in (("commit", pb.CommitImportRequest), ("revert", pb.RevertImportRequest)):
        answer = await site.post(f"/imports/i-ready/{verb}", {})
        assert (answer.status, answer.headers["location"]) == (303, "/imports/i-ready")
        assert site.neighbours.imports.asked[-1] == message(import_id="i-ready")


async def test_only_the_part_is_fetched_while_a_job_works(site: Any) -> None:
    answer = await site.get("/imports/i-committing", hx_request="true", hx_target="div#import")
    assert "<!doctype" not in answer.text
    assert 'hx-trigger="every 1500ms"' in answer.text
    done = await site.get("/imports/i-done", hx_request="true", hx_target="div#import")
    assert "hx-trigger" not in done.text


async def test_a_file_is_needed(site: Any) -> None:
    answer = await site.post("/imports", {"resource": "deals"})
    assert answer.status == 422
    assert "Choose a file." in answer.text


async def test_words_of_files_stay_words(site: Any, make: Any) -> None:
    for text in make.hostile:
        site.neighbours.imports.answers["GetImport"] = make_import(
            file_name=text,
            columns=[pb.ImportColumn(header=text, samples=[text])],
        )
        answer = await site.get("/imports/i-uploaded")
        assert answer.status == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


async def test_own_fields_can_be_chosen_for_a_column(site: Any) -> None:
    deals = await site.get("/imports/i-uploaded")
    assert '<option value="cf_multi_select">Multi_select</option>' in deals.text
    site.neighbours.imports.answers["GetImport"] = make_import(
        "i-uploaded", resource=pb.IMPORT_RESOURCE_ACTIVITIES
    )
    assert "cf_" not in (await site.get("/imports/i-uploaded")).text
