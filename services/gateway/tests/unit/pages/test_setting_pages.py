"""Settings of a workspace: what the forms ask of crm, and what they say when it refuses."""

import re
from typing import Any

import pytest

from freelanceflow.crm.v1 import stage_service_pb2 as pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError


def asked(site: Any, message: type) -> Any:
    return next(m for m in reversed(site.neighbours.stages.asked) if isinstance(m, message))


async def test_a_stage_is_added(site: Any) -> None:
    site.neighbours.stages.answers["CreateStage"] = pb.Stage(id="s-9")
    form = {
        "name": " Waiting ", "type": "won", "color": "teal", "rotting_days": "9",
        "default_probability": "35",
    }  # fmt: skip
    answer = await site.post("/settings/stages/new", form)
    assert (answer.status, answer.headers["location"]) == (303, "/settings/stages?saved=stage")
    stage = asked(site, pb.CreateStageRequest).stage
    assert stage == pb.Stage(
        name="Waiting",
        type=pb.StageType.STAGE_TYPE_WON,
        color="teal",
        rotting_days=9,
        default_probability=0.35,
    )


@pytest.mark.parametrize("typed", ["soon", "9" * 10, "9" * 5_000])
async def test_what_was_typed_comes_back_with_the_error(site: Any, typed: str) -> None:
    site.neighbours.stages.answers["CreateStage"] = RemoteError(
        ErrorKind.DUPLICATE, "STAGE_NAME_TAKEN", "Taken.", fields={"name": "This name is taken."}
    )
    form = {"name": "Won too", "type": "open", "rotting_days": typed, "default_probability": typed}
    answer = await site.post("/settings/stages/new", form)
    assert answer.status == 422
    assert "This name is taken." in answer.text
    assert 'value="Won too"' in answer.text
    assert f'value="{typed}"' in answer.text
    stage = asked(site, pb.CreateStageRequest).stage
    assert (stage.rotting_days, stage.default_probability) == (-1, -0.01)


async def test_a_stage_that_was_changed_meanwhile_can_be_saved_again(site: Any) -> None:
    site.neighbours.stages.answers["UpdateStage"] = RemoteError(
        ErrorKind.STALE, "STAGE_HAS_CHANGED", "Changed."
    )
    answer = await site.post("/settings/stages/s-1/edit", {"name": "Mine", "etag": "7"})
    assert answer.status == 422
    assert 'name="etag" value="1"' in answer.text
    assert 'value="Mine"' in answer.text


@pytest.mark.parametrize(
    ("press", "order"),
    [("up", "s-1 s-3 s-2 s-4 s-5"), ("down", "s-1 s-2 s-4 s-3 s-5")],
)
async def test_a_stage_goes_a_place_further(site: Any, press: str, order: str) -> None:
    site.neighbours.stages.answers["ReorderStages"] = pb.ListStagesResponse()
    answer = await site.post("/settings/stages/order", {"id": "s-3", "do": press})
    assert answer.status == 303
    assert list(asked(site, pb.ReorderStagesRequest).stage_ids) == order.split()


async def test_a_stage_is_removed_and_its_deals_go_where_the_form_says(site: Any) -> None:
    stages = site.neighbours.stages
    stages.answers["DeleteStage"] = pb.DeleteStageResponse(moved_deals=3)
    answer = await site.post("/settings/stages/s-1/remove", {"move_to": "s-2", "etag": "1"})
    assert answer.headers["location"] == "/settings/stages?saved=removed"
    assert asked(site, pb.DeleteStageRequest) == pb.DeleteStageRequest(
        stage_id="s-1", move_to_stage_id="s-2", etag="1"
    )
    stages.answers["DeleteStage"] = pb.DeleteStageResponse(job_id="j")
    answer = await site.post("/settings/stages/s-1/remove", {"move_to": "s-2", "etag": "1"})
    assert answer.headers["location"] == "/settings/stages?saved=removing"
    stages.answers["DeleteStage"] = RemoteError(ErrorKind.REFUSED, "STAGE_NOT_EMPTY", "Try again.")
    answer = await site.post("/settings/stages/s-1/remove", {"move_to": "s-2", "etag": "1"})
    assert (answer.status, "Try again." in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("form", "request_"),
    [
        (
            {"do": "add", "name": "Scope"},
            pb.CreateLostReasonRequest(lost_reason=pb.LostReason(name="Scope")),
        ),
        (
            {"do": "rename", "id": "r-1", "name": "Later"},
            pb.UpdateLostReasonRequest(lost_reason=pb.LostReason(id="r-1", name="Later")),
        ),
        ({"do": "remove", "id": "r-1"}, pb.DeleteLostReasonRequest(lost_reason_id="r-1")),
        (
            {"do": "up", "id": "r-1"},
            pb.ReorderLostReasonsRequest(lost_reason_ids=["r-1", "r-0", "r-2", "r-3", "r-4"]),
        ),
    ],
)
async def test_the_button_says_what_becomes_of_a_reason(
    site: Any, form: dict[str, str], request_: Any
) -> None:
    answers = site.neighbours.stages.answers
    for name in ("Create", "Update", "Delete", "Reorder"):
        plural = "s" if name == "Reorder" else ""
        answers[f"{name}LostReason{plural}"] = pb.LostReason()
    answer = await site.post("/settings/lost-reasons", form)
    assert answer.status == 303
    assert asked(site, type(request_)) == request_


async def test_who_may_not_change_anything_is_shown_no_buttons(site: Any) -> None:
    site.may("deals.read")
    answer = await site.get("/settings/stages")
    assert "Your role cannot change these." in answer.text
    assert "/settings/stages/new" not in answer.text
    assert 'value="remove"' not in answer.text


async def test_a_rate_is_entered_as_it_is_written(site: Any) -> None:
    form = {"currency": "USD", "valid_from": "2026-01-02", "rate": "0,92"}
    answer = await site.post("/settings/currencies", form)
    assert answer.headers["location"] == "/settings/currencies?saved=rate"
    rates = site.neighbours.rates
    assert rates.asked[-1].rates[0].rate == "0.92"
    fields = {"rates.0.rate": "A number above 0."}
    rates.answers["PutRates"] = RemoteError(ErrorKind.INVALID, "RATE_INVALID", "x", fields=fields)
    answer = await site.post("/settings/currencies", {**form, "rate": "much"})
    assert (answer.status, "A number above 0." in answer.text) == (422, True)
    assert 'value="much"' in answer.text


async def test_a_rate_is_taken_away(site: Any) -> None:
    form = {"currency": "CHF", "valid_from": "2026-01-02"}
    answer = await site.post("/settings/currencies/remove", form)
    assert answer.headers["location"] == "/settings/currencies?saved=removed"


async def test_a_file_that_is_none_is_no_dead_end(site: Any) -> None:
    answer = await site.post("/settings/currencies/import", {"file": "x"})
    assert (answer.status, "multipart/form-data" in answer.text) == (422, True)


# ---------------------------------------------------------------- fields, tags, views


async def test_a_field_is_added_with_its_options(site: Any) -> None:
    site.neighbours.fields.answers["CreateCustomField"] = None
    form = {"name": "Kind", "resource": "deals", "type": "select", "options": " a \r\n\r\nb"}
    answer = await site.post("/settings/fields/new", form)
    assert answer.headers["location"] == "/settings/fields?saved=field"
    field = site.neighbours.fields.asked[-1].custom_field
    assert (field.resource, field.name, field.type) == ("deals", "Kind", "select")
    assert list(field.options) == ["a", "b"]


async def test_a_tag_gets_a_name_and_a_colour(site: Any) -> None:
    fields = site.neighbours.fields
    fields.answers |= {"RenameTag": None, "PutTag": None, "DeleteTag": None}
    form = {"name": "web", "new_name": "Website", "color": "teal", "do": "save"}
    await site.post("/settings/tags", form)
    rename, put = fields.asked[-2:]
    assert (rename.name, rename.new_name) == ("web", "Website")
    assert (put.tag.name, put.tag.color) == ("Website", "teal")
    await site.post("/settings/tags", {**form, "new_name": "web"})
    assert fields.asked[-1].tag.name == "web"
    await site.post("/settings/tags", {"name": "web", "do": "remove"})
    assert fields.asked[-1].name == "web"


async def test_what_is_seen_is_saved_as_a_view(site: Any) -> None:
    form = {
        "query": "owner=me&amount__gte=5&layout=table&sort=-amount_minor&nonsense=1",
        "name": "Mine",
        "shared": "1",
        "choose": "1",
        "show_tags": "1",
        "show_cf_money": "1",
    }
    answer = await site.post("/pipeline/views/save", form)
    create, choose = site.neighbours.views.asked[-2:]
    view = create.view
    assert [(term.name, term.value) for term in view.filter] == [
        ("owner_id", "me"), ("amount__gte", "5"),
    ]  # fmt: skip
    assert (view.name, view.shared, view.layout) == ("Mine", True, "table")
    assert (list(view.sort), list(view.card_fields)) == (["-amount_minor"], ["tags", "cf_money"])
    assert choose.view_id == "v-1"
    assert answer.headers["location"].startswith("/pipeline?owner_id=me&")


async def test_a_view_is_seen_where_its_filter_is_in_the_address(site: Any) -> None:
    answer = await site.get("/pipeline?view=v-1")
    assert (answer.status, answer.headers["location"]) == (
        303,
        "/pipeline?owner_id=me&expected_close_date__lte=today%2B7&layout=table"
        "&sort=-amount_minor&show=tags%2Ccf_money&view=v-1",
    )
    page = await site.get(answer.headers["location"])
    asked = next(m for m in reversed(site.neighbours.deals.asked) if hasattr(m, "with_total"))
    conditions = [(c.field, list(c.values)) for c in asked.conditions]
    assert conditions == [
        ("owner_id", ["00000000-0000-0000-0000-000000000001"]),
        ("expected_close_date", ["2026-12-02"]),
    ]
    assert "My week" in page.text
    assert (await site.get("/pipeline?view=gone")).headers["location"] == "/pipeline?view="
    site.neighbours.views.answers["ListViews"].views[0].chosen = True
    assert (await site.get("/pipeline")).status == 303
    assert (await site.get("/pipeline?view=")).status == 200
    site.neighbours.views.answers["ListViews"].views[0].chosen = False


async def test_custom_fields_are_typed_as_people_write(site: Any) -> None:
    form = {
        "name": "x", "cf_text": "a", "cf_number": "1.5", "cf_money": "12.50", "cf_checkbox": "1",
        "cf_multi_select__b": "1", "tags": "web, big ,", "etag": "1",
    }  # fmt: skip
    await site.post("/deals/d-1/edit", form)
    deal = next(m for m in reversed(site.neighbours.deals.asked) if hasattr(m, "update_mask")).deal
    values = dict(deal.custom_fields.items())
    assert (values["text"], values["number"], values["checkbox"]) == ("a", 1.5, True)
    assert dict(values["money"]) == {"amount_minor": 1250, "currency": "EUR"}
    assert (list(values["multi_select"]), values["date"]) == (["b"], None)
    assert list(deal.tags) == ["web", "big"]
    answer = await site.post("/deals/d-1/edit", {**form, "cf_number": "many"})
    assert (answer.status, "Enter a number." in answer.text) == (422, True)


async def test_what_a_record_holds_stays_to_choose_when_it_is_not_offered_any_more(
    site: Any, make: Any
) -> None:
    deal = make.deal()
    deal.custom_fields.update({"select": "old", "multi_select": ["older", "a"]})
    site.neighbours.deals.answers["GetDeal"] = deal
    page = await site.get("/deals/d-1/edit")
    assert '<option value="old" selected>old</option>' in page.text
    assert re.findall(r'name="cf_multi_select__(\w+)" value="1"( checked)?', page.text) == [
        ("a", " checked"),
        ("b", ""),
        ("older", " checked"),
    ]


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("1.234", 1234, "1234"),
        ("1.234,5", 1234.5, "1234,5"),
        ("0,5", 0.5, "0,5"),
        ("1.5", 1.5, "1,5"),
    ],
)
async def test_a_number_is_read_and_shown_as_the_viewer_writes_it(
    site: Any, make: Any, typed: str, kept: float, shown: str
) -> None:
    site.neighbours.account.answers["GetMe"].locale = "de"
    await site.post("/deals/d-1/edit", {"name": "x", "cf_number": typed, "etag": "1"})
    sent = next(m for m in reversed(site.neighbours.deals.asked) if hasattr(m, "update_mask")).deal
    assert sent.custom_fields["number"] == kept
    deal = make.deal()
    deal.custom_fields.update({"number": kept})
    site.neighbours.deals.answers["GetDeal"] = deal
    page = await site.get("/deals/d-1/edit")
    assert f'name="cf_number" type="text" value="{shown}"' in page.text


async def test_odds_that_are_none_are_refused_in_the_words_of_the_form(site: Any) -> None:
    site.neighbours.stages.answers["CreateStage"] = RemoteError(
        ErrorKind.INVALID, "PROBABILITY_INVALID", "", fields={"default_probability": "From 0 to 1."}
    )
    answer = await site.post("/settings/stages/new", {"name": "x", "default_probability": "150"})
    assert (answer.status, "A whole number from 0 to 100." in answer.text) == (422, True)


@pytest.mark.parametrize(("count", "words"), [(1, "1 rate was new"), (2, "2 rates were new")])
async def test_rates_that_came_in_are_counted(site: Any, count: int, words: str) -> None:
    assert words in (await site.get(f"/settings/currencies?imported={count}")).text
