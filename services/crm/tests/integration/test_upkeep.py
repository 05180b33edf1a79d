"""What the service does for itself."""

from crm.entrypoints.app import App
from crm.entrypoints.upkeep import compact_totals, tidy_up
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Person, make_deal


async def test_sums_are_compacted_and_what_has_had_its_time_is_forgotten(
    person: Person, app: App, database: ServiceDatabase
) -> None:
    deal, stages = await make_deal(person), await person.stages()
    await make_deal(person)
    await person.move(deal, stages["Engaging"], key="k")
    await database.owner.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' "
        "WHERE workspace_id = $1",
        person.workspace_id,
    )

    async def is_tidy() -> bool:
        rows = "SELECT count(*) FROM {} WHERE workspace_id = $1 {}"
        loose = await database.owner.fetchval(
            rows.format("board_totals", "AND NOT compacted"), person.workspace_id
        )
        keys = await database.owner.fetchval(
            rows.format("idempotency_keys", ""), person.workspace_id
        )
        return bool(loose == keys == 0)

    assert not await is_tidy()
    async with running(lambda: compact_totals(app.system), lambda: tidy_up(app.system)):
        await until(is_tidy)
    assert [column.count for column in (await person.board()).values()] == [1, 1, 0, 0, 0]
