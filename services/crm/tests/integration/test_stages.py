"""Stages and lost reasons are the workspace's own: they change, and what was stays what it was."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from crm.application import stages as use_cases
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import stage_service_pb2 as pb
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.rpc.errors import RemoteError
from kit.sight import Sight
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import Person, make_deal, mask, refused, work_off
from services.crm.tests.integration.test_events import told

OPEN, WON, LOST = pb.STAGE_TYPE_OPEN, pb.STAGE_TYPE_WON, pb.STAGE_TYPE_LOST


async def board_of(person: Person) -> dict[str, pb.Stage]:
    found = await person.call("ListStages", pb.ListStagesRequest())
    assert [stage.position for stage in found.stages] == list(range(len(found.stages)))
    return {stage.name: stage for stage in found.stages}


async def make_stage(person: Person, name: str, **over: Any) -> pb.Stage:
    stage = pb.Stage(**{"name": name, "type": OPEN, "default_probability": 0.4, **over})
    made: pb.Stage = await person.call("CreateStage", pb.CreateStageRequest(stage=stage))
    return made


async def change(person: Person, stage: pb.Stage, **values: Any) -> pb.Stage:
    request = pb.UpdateStageRequest(
        stage=pb.Stage(id=stage.id, **values), update_mask=mask(*values), etag=stage.etag
    )
    changed: pb.Stage = await person.call("UpdateStage", request)
    return changed


async def remove(person: Person, stage: pb.Stage, target: pb.Stage | None = None) -> Any:
    request = pb.DeleteStageRequest(
        stage_id=stage.id, move_to_stage_id=target.id if target else "", etag=stage.etag
    )
    return await person.call("DeleteStage", request)


async def changes_told(
    database: ServiceDatabase, person: Person
) -> list[tuple[str, int, bool, int]]:
    return [
        (body.name, body.position, body.removed, body.version)
        for kind, body, _ in await told(database, person.workspace_id)
        if kind == "crm.stage.v1.changed"
    ]


async def test_a_stage_comes_behind_the_open_ones(
    person: Person, database: ServiceDatabase
) -> None:
    stage = await make_stage(person, " Waiting ", color="teal", rotting_days=9)
    assert (stage.name, stage.color, stage.rotting_days, stage.position, stage.etag) == (
        "Waiting", "teal", 9, 3, "1",
    )  # fmt: skip
    gone = await make_stage(person, "Gone", type=LOST, default_probability=0.9)
    assert gone.default_probability == 0
    names = ["Prospecting", "Engaging", "Proposal", "Waiting", "Won", "Lost", "Gone"]
    assert list(await board_of(person)) == names
    assert [name for name in await person.board()] == names
    assert await changes_told(database, person) == [
        ("Waiting", 3, False, 1), ("Won", 4, False, 2), ("Lost", 5, False, 2),
        ("Gone", 6, False, 1),
    ]  # fmt: skip


async def test_the_first_stages_are_told_as_well(person: Person, database: ServiceDatabase) -> None:
    await person.stages()
    events = [body for _, body, _ in await told(database, person.workspace_id, set_up=True)]
    assert [body.name for body in events[:5]] == list(await board_of(person))
    assert [body.name for body in events[5:]] == list(await person.lost_reasons())


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": " "}, "NAME_MISSING"),
        ({"name": "x" * 51}, "NAME_TOO_LONG"),
        ({"color": "mauve"}, "COLOR_UNKNOWN"),
        ({"rotting_days": -1}, "ROTTING_DAYS_INVALID"),
        ({"default_probability": 1.1}, "PROBABILITY_INVALID"),
        ({"default_probability": float("nan")}, "PROBABILITY_INVALID"),
        ({"type": pb.STAGE_TYPE_UNSPECIFIED}, "TYPE_UNKNOWN"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    person: Person, values: dict[str, Any], reason: str
) -> None:
    stage = (await board_of(person))["Engaging"]
    with refused(ErrorKind.INVALID, reason):
        await change(person, stage, **values)
    assert (await board_of(person))["Engaging"] == stage


async def test_a_stage_is_called_otherwise_and_its_cards_know(
    person: Person, database: ServiceDatabase
) -> None:
    stage = (await board_of(person))["Engaging"]
    deal = await make_deal(person, stage_id=stage.id)
    changed = await change(person, stage, name="Talking", default_probability=0.0)
    assert (changed.etag, changed.default_probability) == ("2", 0.0)
    assert await change(person, changed, name="Talking") == changed
    assert (await person.deal(deal.id)).stage_name == "Talking"
    with refused(ErrorKind.STALE, "STAGE_HAS_CHANGED"):
        await change(person, stage, name="Other")
    with refused(ErrorKind.DUPLICATE, "STAGE_NAME_TAKEN"):
        await change(person, changed, name="prospecting")
    assert await changes_told(database, person) == [("Talking", 1, False, 2)]


async def test_only_an_empty_stage_becomes_another_type(person: Person) -> None:
    stages = await board_of(person)
    deal = await make_deal(person, stage_id=stages["Engaging"].id)
    with refused(ErrorKind.REFUSED, "STAGE_NOT_EMPTY"):
        await change(person, stages["Engaging"], type=WON)
    with refused(ErrorKind.REFUSED, "STAGE_IS_LAST_OF_TYPE"):
        await change(person, stages["Won"], type=OPEN)
    await person.move(deal, stages["Proposal"].id)
    won = await change(person, stages["Engaging"], type=WON)
    assert (won.type, won.default_probability) == (WON, 1.0)


async def test_moves_and_a_change_of_type_at_once_agree(person: Person) -> None:
    for _ in range(6):
        stages = await board_of(person)
        open_ = await make_stage(person, f"Stage {new_id()}")
        deals = [await make_deal(person) for _ in range(4)]
        await asyncio.gather(
            *(person.move(deal, open_.id) for deal in deals),
            change(person, open_, type=WON),
            return_exceptions=True,
        )
        for deal in [await person.deal(deal.id) for deal in deals]:
            assert deal.HasField("close_time") == (deal.stage_type == WON)
        assert stages


async def test_another_order(person: Person, database: ServiceDatabase) -> None:
    stages = await board_of(person)
    ids = [stages[name].id for name in ("Engaging", "Prospecting", "Proposal", "Lost", "Won")]
    await person.call("ReorderStages", pb.ReorderStagesRequest(stage_ids=ids))
    assert [stage.id for stage in (await board_of(person)).values()] == ids
    assert (await make_deal(person)).stage_name == "Engaging"
    assert len(await changes_told(database, person)) == 4
    for wrong in (ids[1:], [*ids[1:], ids[1]], [*ids, str(new_id())]):
        with refused(ErrorKind.INVALID, "STAGES_INCOMPLETE") as refusal:
            await person.call("ReorderStages", pb.ReorderStagesRequest(stage_ids=wrong))
        assert list(refusal.value.fields) == ["ids"]


async def test_a_removed_stage_leaves_its_deals_and_its_name_in_the_history(
    person: Person, database: ServiceDatabase
) -> None:
    stages = await board_of(person)
    engaging, proposal = stages["Engaging"], stages["Proposal"]
    there = await make_deal(person, stage_id=proposal.id)
    low, high = [await make_deal(person, stage_id=engaging.id) for _ in range(2)]
    trashed = await make_deal(person, stage_id=engaging.id)
    await person.call(
        "DeleteDeal", deal_pb.DeleteDealRequest(deal_id=trashed.id, etag=trashed.etag)
    )
    with refused(ErrorKind.INVALID, "TARGET_MISSING"):
        await remove(person, engaging)
    for wrong in (engaging, stages["Won"]):
        with refused(ErrorKind.INVALID, "TARGET_UNFIT"):
            await remove(person, engaging, wrong)
    with refused(ErrorKind.NOT_FOUND, "STAGE_NOT_FOUND"):
        await remove(person, engaging, pb.Stage(id=str(new_id())))
    with refused(ErrorKind.REFUSED, "STAGE_IS_LAST_OF_TYPE"):
        await remove(person, stages["Won"])
    with recorded_queries(database.app) as queries:
        answer = await remove(person, engaging, proposal)
    assert (answer.moved_deals, answer.job_id) == (2, "")
    # BEGIN, the board, any deals?, how many, the deals, the top, who, rates, deals, history, the
    # trash, the stage itself, three that move up, outbox, COMMIT
    assert len(queries) == 17, queries
    assert list(await board_of(person)) == ["Prospecting", "Proposal", "Won", "Lost"]
    board = await person.board()
    assert [card.id for card in board["Proposal"].cards] == [high.id, low.id, there.id]
    history = (
        await person.call("ListDealHistory", deal_pb.ListDealHistoryRequest(deal_id=high.id))
    ).entries
    assert [entry.kind for entry in history] == ["moved", "created"]
    assert (history[0].from_stage_name, history[1].to_stage_name) == ("Engaging", "Engaging")
    assert (history[0].from_stage_id, history[0].version) == (engaging.id, 2)
    row = await database.owner.fetchrow(
        "SELECT stage_id, version FROM deals WHERE id = $1", UUID(trashed.id)
    )
    assert tuple(row or ()) == (UUID(proposal.id), 3)
    events = await told(database, person.workspace_id)
    moved = [(body, headers) for kind, body, headers in events if kind == "crm.deal.v1.moved"]
    assert [body.deal.deal_id for body, _ in moved] == [high.id, low.id]
    assert len({headers["ce-bulkid"] for _, headers in moved}) == 1
    assert ("Engaging", 1, True, 2) in await changes_told(database, person)


async def test_won_stays_won_on_its_day(person: Person) -> None:
    stages = await board_of(person)
    second = await make_stage(person, "Paid", type=WON)
    deal = await person.move(await make_deal(person), stages["Won"].id)
    await remove(person, (await board_of(person))["Won"], second)
    after = await person.deal(deal.id)
    assert (after.stage_name, after.close_time) == ("Paid", deal.close_time)
    reasons = await person.lost_reasons()
    lost = await person.move(after, stages["Lost"].id, lost_reason_id=reasons["Price"])
    other = await make_stage(person, "Cold", type=LOST)
    await remove(person, (await board_of(person))["Lost"], other)
    assert (await person.deal(lost.id)).lost_reason_name == "Price"


async def test_deals_that_one_does_not_see_go_along(person: Person) -> None:
    stages = await board_of(person)
    deal = await make_deal(person, stage_id=stages["Engaging"].id)
    admin = Person(person.crm, person.workspace_id)
    admin.sight = Sight((admin.user_id,))
    with refused(ErrorKind.INVALID, "TARGET_MISSING"):
        await remove(admin, stages["Engaging"])
    with refused(ErrorKind.REFUSED, "STAGE_NOT_EMPTY"):
        await change(admin, stages["Engaging"], type=WON)
    await remove(admin, stages["Engaging"], stages["Proposal"])
    assert (await person.deal(deal.id)).stage_name == "Proposal"


async def test_many_deals_are_a_jobs_to_move(
    person: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_cases, "BATCH", 2)
    stages = await board_of(person)
    made = [(await make_deal(person, stage_id=stages["Engaging"].id)).id for _ in range(5)]
    answer = await remove(person, stages["Engaging"], stages["Proposal"])
    assert answer.job_id
    assert "Engaging" in await board_of(person)
    await work_off(app, answer.job_id, use_cases.JOB)
    assert "Engaging" not in await board_of(person)
    cards = (await person.board())["Proposal"].cards
    assert [card.id for card in cards] == made[::-1]
    await work_off(app, answer.job_id, use_cases.JOB)


async def test_moves_into_a_stage_that_goes_are_moved_along_or_refused(person: Person) -> None:
    stages = await board_of(person)
    stage = await make_stage(person, "Short lived")
    deals = [await make_deal(person) for _ in range(8)]
    results = await asyncio.gather(
        *(person.move(deal, stage.id) for deal in deals),
        remove(person, stage, stages["Engaging"]),
        return_exceptions=True,
    )
    reasons = {error.reason for error in results if isinstance(error, RemoteError)}
    assert reasons <= {"STAGE_NOT_FOUND", "STAGE_NOT_EMPTY", "DEAL_HAS_CHANGED"}
    alive = {stage.id for stage in (await board_of(person)).values()}
    assert {(await person.deal(deal.id)).stage_id for deal in deals} <= alive


async def test_lost_reasons_are_edited_and_stay_on_what_was_lost(
    person: Person, database: ServiceDatabase
) -> None:
    stages, reasons = await person.stages(), await person.lost_reasons()
    lost = await person.move(
        await make_deal(person), stages["Lost"], lost_reason_id=reasons["Price"]
    )

    async def create(name: str) -> pb.LostReason:
        request = pb.CreateLostReasonRequest(lost_reason=pb.LostReason(name=name))
        made: pb.LostReason = await person.call("CreateLostReason", request)
        return made

    async def rename(id: str, name: str) -> Any:
        reason = pb.LostReason(id=id, name=name)
        return await person.call("UpdateLostReason", pb.UpdateLostReasonRequest(lost_reason=reason))

    async def delete(id: str) -> None:
        await person.call("DeleteLostReason", pb.DeleteLostReasonRequest(lost_reason_id=id))

    scope = await create("Scope")
    with refused(ErrorKind.DUPLICATE, "LOST_REASON_NAME_TAKEN"):
        await create("scope")
    with refused(ErrorKind.INVALID, "NAME_MISSING"):
        await create(" ")
    await rename(reasons["Price"], "Too dear")
    assert (await person.deal(lost.id)).lost_reason_name == "Too dear"
    await delete(reasons["Price"])
    assert (await person.deal(lost.id)).lost_reason_name == "Too dear"
    assert "Too dear" not in await person.lost_reasons()
    with refused(ErrorKind.NOT_FOUND, "LOST_REASON_NOT_FOUND"):
        await person.move(await make_deal(person), stages["Lost"], lost_reason_id=reasons["Price"])
    with refused(ErrorKind.NOT_FOUND, "LOST_REASON_NOT_FOUND"):
        await rename(reasons["Price"], "x")
    assert (await create("too dear")).id == reasons["Price"]
    ids = list((await person.lost_reasons()).values())[::-1]
    answer = await person.call(
        "ReorderLostReasons", pb.ReorderLostReasonsRequest(lost_reason_ids=ids)
    )
    assert [reason.id for reason in answer.lost_reasons] == ids
    with refused(ErrorKind.INVALID, "LOST_REASONS_INCOMPLETE"):
        request = pb.ReorderLostReasonsRequest(lost_reason_ids=ids[1:])
        await person.call("ReorderLostReasons", request)
    for id in ids[1:]:
        await delete(id)
    with refused(ErrorKind.REFUSED, "LOST_REASON_IS_LAST"):
        await delete(ids[0])
    events = [
        (body.name, body.removed)
        for kind, body, _ in await told(database, person.workspace_id, set_up=True)
        if kind == "crm.reason.v1.changed" and body.lost_reason_id == reasons["Price"]
    ]
    assert events[:4] == [
        ("Price", False), ("Too dear", False), ("Too dear", True), ("too dear", False),
    ]  # fmt: skip
    assert scope.id in ids


async def test_only_who_may_sets_up(person: Person) -> None:
    seller = Person(person.crm, person.workspace_id, permissions=("deals.read", "deals.write"))
    stage = (await board_of(person))["Engaging"]
    for call in (make_stage(seller, "x"), change(seller, stage, name="y"), remove(seller, stage)):
        with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
            await call
