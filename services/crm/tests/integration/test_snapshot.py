"""A new consumer reads all that was ever told, as the bus told it."""

from crm.entrypoints.app import App
from freelanceflow.crm.v1 import deal_events_pb2 as events_pb
from freelanceflow.crm.v1 import snapshot_service_pb2 as pb
from kit.bus.events import Event, decode, headers_of
from kit.rpc.identity import NOBODY
from services.crm.tests.factories import (
    Crm,
    Person,
    imported,
    make_activity,
    make_client,
    make_deal,
)

FILE = """name,stage,created_at,closed_at,amount,external_id
Old,Won,2024-01-02,2024-03-04,1000,o1
"""


async def snapshot_of(crm: Crm, person: Person, after: int = 0) -> tuple[list[str], list[Event]]:
    """Names of the stages, and the events."""
    stages: list[str] = []
    events: list[Event] = []
    request = pb.StreamWorkspaceRequest(workspace_id=str(person.workspace_id), after_number=after)
    stream = crm.caller.stream(crm.method("StreamWorkspace"), request, identity=NOBODY)
    async for part in stream:
        if part.WhichOneof("part") == "stages":
            stages += [stage.name for stage in part.stages.stages]
        else:
            events.append(decode("", dict(part.event.headers), part.event.body))
    return stages, events


async def test_the_stream_is_what_the_bus_was_told(
    crm: Crm, person: Person, stranger: Person, app: App
) -> None:
    client = await make_client(person)
    deal = await make_deal(person, client_id=client.id)
    stages = await person.stages()
    await person.move(deal, stages["Engaging"])
    await make_activity(person, deal_id=deal.id)
    await make_deal(stranger)
    await imported(app, person, FILE)
    names, events = await snapshot_of(crm, person)
    assert names == list(stages)
    rows = await app.system.fetch(
        "SELECT * FROM outbox WHERE workspace_id = $1 ORDER BY number", person.workspace_id
    )
    assert events == [decode("", headers_of(row), row["body"]) for row in rows]
    told = {event.type: event.body for event in events}
    assert {f"crm.{noun}.v1.created" for noun in ("client", "deal", "activity")} <= told.keys()
    (body,) = (e.body for e in events if e.type == "crm.deal.v1.moved" and not e.bulk_id)
    moved = events_pb.DealMoved.FromString(body)
    assert (moved.from_stage_name, moved.deal.stage_name) == ("Prospecting", "Engaging")
    assert [event.time.year for event in events if event.bulk_id][:2] == [2024, 2024]
    _, rest = await snapshot_of(crm, person, after=rows[2]["number"])
    assert rest == events[3:]


async def test_workspaces_are_listed_page_by_page(crm: Crm, app: App, person: Person) -> None:
    for number in range(3):
        async with app.unit_of_work(Person(crm).workspace_id) as uow:
            await uow._connection.execute(
                "INSERT INTO workspaces (workspace_id, version, name, currency, time_zone)"
                " VALUES ($1, 1, $2, 'EUR', 'UTC')",
                uow.workspace_id,
                str(number),
            )
            await uow.commit()
    found: list[str] = []
    token = ""
    while True:
        request = pb.ListWorkspacesRequest(page_size=2, page_token=token)
        page = await crm.caller.call(
            crm.method("ListWorkspaces"), request, identity=NOBODY, timeout=20
        )
        found += page.workspace_ids
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(found)
    assert len(set(found)) == len(found) >= 3
