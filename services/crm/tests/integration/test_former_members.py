"""Whoever has deleted their account is named no longer, and no late event brings the name back."""

from uuid import UUID

from crm.application.calendars import create_feed
from crm.application.workspaces import forget_member, keep_member
from crm.entrypoints.app import App
from kit.clock import FakeClock
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Person, make_deal
from services.crm.tests.integration.test_views import make_view

LAST = 2**31 - 1


async def own(database: ServiceDatabase, user_id: UUID) -> list[str]:
    """Names of views, and how many calendar feeds there are."""
    views = await database.owner.fetch("SELECT name FROM views WHERE owner_id = $1", user_id)
    feeds = await database.owner.fetch("SELECT 1 FROM calendar_feeds WHERE user_id = $1", user_id)
    return [*(row["name"] for row in views), *("feed" for _ in feeds)]


async def test_what_was_theirs_stays_and_names_nobody(
    person: Person, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_member(uow, user_id=person.user_id, version=1, name="Ines Quiroga")
    colleague = Person(person.crm, person.workspace_id)
    await make_deal(person, name="Website", owner_id=str(person.user_id))
    await make_view(person, "Only mine")
    await make_view(person, "Ours", shared=True)
    await make_view(colleague, "Theirs")
    async with app.unit_of_work(person.workspace_id) as uow:
        await create_feed(uow, by=person.user_id, now=clock.now())
    async with app.unit_of_work(person.workspace_id) as uow:
        await forget_member(uow, user_id=person.user_id, version=LAST, at=clock.now())
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_member(uow, user_id=person.user_id, version=2, name="Ines Quiroga")
    (deal,) = (await colleague.list_deals()).deals
    assert (deal.name, deal.owner_name) == ("Website", "A former member")
    assert await own(database, person.user_id) == ["Ours"]
    assert await own(database, colleague.user_id) == ["Theirs"]
