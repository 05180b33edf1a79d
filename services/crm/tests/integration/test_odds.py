"""Odds come from analytics: the later scoring holds, the board weighs by them, versions stay."""

from uuid import UUID

from crm.entrypoints.app import App
from crm.entrypoints.consumers import deals_scored
from freelanceflow.analytics.v1 import score_events_pb2 as pb
from kit.bus.events import Event
from kit.clock import SystemClock, to_timestamp
from kit.ids import new_id
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Person, euros, make_deal


def told(
    workspace: UUID, run: int, odds: dict[str, float] | None = None, *, gone: tuple[str, ...] = ()
) -> Event:
    now = SystemClock().now()
    body = pb.DealsScored(
        scores=[
            pb.DealScore(deal_id=id, win_probability=p, advice="focus", evidence="low")
            for id, p in (odds or {}).items()
        ],
        unscored_deal_ids=gone,
        happen_time=to_timestamp(now),
        version=run,
    )
    event_id = new_id()
    return Event(
        id=event_id,
        type="analytics.deal.v1.scored",
        workspace_id=workspace,
        subject_id=workspace,
        time=now,
        version=run,
        bulk_id=None,
        actor_id=None,
        origin="",
        body=body.SerializeToString(),
        headers={},
    )


async def hear(app: App, event: Event) -> None:
    async with app.unit_of_work(event.workspace_id) as uow:
        await deals_scored(uow, event)


async def test_the_later_scoring_holds_and_the_board_weighs_by_it(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    workspace = person.workspace_id
    deal = await make_deal(person, amount=euros(1000))
    other = await make_deal(person, amount=euros(500))
    await hear(app, told(workspace, 2, {deal.id: 0.7, other.id: 0.2}))
    await hear(app, told(workspace, 1, {deal.id: 0.1}))  # came late
    found = await person.deal(deal.id)
    assert (found.win_probability, found.etag) == (0.7, deal.etag)
    assert (found.recommendation, found.odds_evidence) == ("focus", "low")
    column = (await person.board())["Prospecting"]
    assert {(card.recommendation, card.odds_evidence) for card in column.cards} == {
        ("focus", "low")
    }
    assert column.weighted_sum == euros(700 + 100)
    await hear(app, told(workspace, 3, gone=(deal.id,)))
    gone = await person.deal(deal.id)
    assert not gone.HasField("win_probability")
    assert (gone.recommendation, gone.odds_evidence) == ("", "")
    news = await database.owner.fetch(
        "SELECT headers->>'ff-version' FROM outbox WHERE workspace_id = $1 AND type = $2 "
        "ORDER BY number",
        workspace,
        "crm.board.v1.reweighted",
    )
    assert [row[0] for row in news] == ["2", "3"]


async def test_another_workspaces_deal_is_not_touched(app: App, person: Person) -> None:
    deal = await make_deal(person, amount=euros(1000))
    await hear(app, told(new_id(), 5, {deal.id: 0.9}))
    assert not (await person.deal(deal.id)).HasField("win_probability")
