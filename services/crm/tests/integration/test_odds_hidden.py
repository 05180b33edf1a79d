"""Whoever may not read analytics knows nothing of odds: not seen, not sorted or filtered by, not
added up, and not in files."""

from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message import Message

from crm.entrypoints.app import App
from freelanceflow.crm.v1 import bulk_service_pb2 as bulk_pb
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from kit.errors import ErrorKind
from services.crm.tests.factories import Person, by, euros, make_deal, mask, refused, where
from services.crm.tests.integration.test_exports import CSV, DEALS, exported, table
from services.crm.tests.integration.test_odds import hear, told

LIKELY = where("win_probability", "GTE", "0.5")
ODDS = "Odds"


def bookkeeper(person: Person) -> Person:
    """The same person, in a role without analytics."""
    return replace(
        person, permissions=tuple(p for p in person.permissions if p != "analytics.read")
    )


async def scored(app: App, person: Person) -> pb.Deal:
    """A deal of 1,000 with odds of 70 %, on a stage that usually has other ones."""
    deal = await make_deal(person, amount=euros(1000))
    await hear(app, told(person.workspace_id, 1, {deal.id: 0.7}))
    return await person.deal(deal.id)


def tells_odds(shown: pb.Deal | pb.Card) -> bool:
    return bool(shown.HasField("win_probability") or shown.recommendation or shown.odds_evidence)


async def test_nothing_that_is_read_or_written_tells_them(app: App, person: Person) -> None:
    deal, clerk = await scored(app, person), bookkeeper(person)
    stages = await person.stages()
    asked = pb.ListCardsRequest(stage_id=deal.stage_id)
    change = pb.UpdateDealRequest(
        deal=pb.Deal(id=deal.id, source="fair"), update_mask=mask("source"), etag=deal.etag
    )
    seen: dict[bool, list[pb.Deal | pb.Card]] = {}
    for who in (person, clerk):
        seen[who is clerk] = [
            await who.deal(deal.id),
            *(await who.list_deals()).deals,
            *(await who.board())["Prospecting"].cards,
            *(await who.call("ListCards", asked)).cards,
        ]
    assert all(tells_odds(shown) for shown in seen[False])
    assert not any(tells_odds(shown) for shown in seen[True])
    updated = await clerk.call("UpdateDeal", change)
    assert not tells_odds(updated)
    assert not tells_odds(await clerk.move(updated, stages["Engaging"]))
    assert tells_odds(await person.deal(deal.id))  # it is kept


async def test_the_board_weighs_by_the_stage_alone(app: App, person: Person) -> None:
    deal, clerk = await scored(app, person), bookkeeper(person)
    usual = (await person.board())["Prospecting"].stage.default_probability
    assert usual != 0.7
    for conditions in (
        (),
        (where("name", "EQ", deal.name),),
        (where("owner_id", "EQ", deal.owner_id),),
    ):
        mine = (await person.board(*conditions))["Prospecting"]
        theirs = (await clerk.board(*conditions))["Prospecting"]
        assert mine.sum == theirs.sum == euros(1000)
        assert mine.weighted_sum == euros(700)
        assert theirs.weighted_sum == euros(round(1000 * usual))


def file_of(**asked: Any) -> tuple[str, Message]:
    return "CreateExport", export_pb.CreateExportRequest(resource=DEALS, format=CSV, **asked)


ASKED: dict[str, tuple[str, Message]] = {
    "filter": ("ListDeals", pb.ListDealsRequest(conditions=[LIKELY])),
    "order": ("ListDeals", pb.ListDealsRequest(sort=[by("win_probability")])),
    "total": ("ListDeals", pb.ListDealsRequest(conditions=[LIKELY], with_total=True)),
    "board": ("GetBoard", pb.GetBoardRequest(conditions=[LIKELY], totals_only=True)),
    "bulk": (
        "ChangeDeals",
        bulk_pb.ChangeDealsRequest(
            change=bulk_pb.BulkChange(
                action=bulk_pb.BULK_ACTION_TAG, conditions=[LIKELY], add_tags=["likely"]
            )
        ),
    ),
    "filter of a file": file_of(conditions=[LIKELY]),
    "order of a file": file_of(sort=[by("win_probability")]),
    "column of a file": file_of(columns=["name", "win_probability"]),
}


@pytest.mark.parametrize("how", ASKED)
async def test_no_question_finds_them_out(app: App, person: Person, how: str) -> None:
    await scored(app, person)
    method, request = ASKED[how]
    with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
        await bookkeeper(person).call(method, request)
    await person.call(method, request)


async def test_files_hold_none_nor_do_those_of_before(app: App, person: Person) -> None:
    await scored(app, person)
    clerk = bookkeeper(person)
    assert ODDS in table(await exported(app, person))[0]
    assert ODDS not in table(await exported(app, clerk))[0]
    mine = (await clerk.call("ListExports", export_pb.ListExportsRequest())).exports
    wanted = {
        "win_probability" in made.columns: export_pb.DownloadExportRequest(export_id=made.id)
        for made in mine
    }
    assert await clerk.download("DownloadExport", wanted[False])
    with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
        await clerk.download("DownloadExport", wanted[True])
