"""Many at once: no change is lost, none happens twice."""

import asyncio
from uuid import UUID

from freelanceflow.crm.v1 import deal_service_pb2 as pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Crm, Person, make_deal, mask

WRITERS, EDITS = 20, 50


async def test_a_thousand_edits_by_twenty_writers_lose_nothing(
    crm: Crm, person: Person, database: ServiceDatabase
) -> None:
    """Each adds a tag of its own to what it read; who was too late reads again."""
    deals = [await make_deal(person) for _ in range(4)]
    done: dict[str, int] = {deal.id: 0 for deal in deals}

    async def edit(writer: Person, deal_id: str, text: str) -> None:
        while True:
            seen = await writer.deal(deal_id)
            longer = f"{seen.next_step}{text}"[-500:]
            request = pb.UpdateDealRequest(
                deal=pb.Deal(id=deal_id, next_step=longer, tags=[str(seen.version)]),
                update_mask=mask("next_step", "tags"),
                etag=seen.etag,
            )
            try:
                changed = await writer.call("UpdateDeal", request)
            except RemoteError as refusal:
                if refusal.kind is not ErrorKind.STALE:
                    raise
                continue  # somebody else was quicker
            assert changed.version == seen.version + 1
            done[deal_id] += 1
            return

    async def write(number: int) -> None:
        writer = Person(crm, person.workspace_id)
        for turn in range(EDITS):
            await edit(writer, deals[(number + turn) % len(deals)].id, f"{number:02}.")

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    assert sum(done.values()) == WRITERS * EDITS
    for deal in deals:
        found = await person.deal(deal.id)
        assert found.version == 1 + done[deal.id]
        lines = await database.owner.fetch(
            "SELECT version, changes FROM deal_history WHERE deal_id = $1 ORDER BY version",
            UUID(deal.id),
        )
        assert [line["version"] for line in lines] == list(range(1, found.version + 1))
        before = ""
        for line in lines[1:]:
            values = {field: (was, now) for field, was, now in line["changes"]}
            was, now = values["next_step"]
            assert was == before, "an edit was made on a state that nobody had written"
            before = now
        told = await database.owner.fetchval(
            "SELECT count(*) FROM outbox WHERE aggregate_id = $1", UUID(deal.id)
        )
        assert told == found.version
