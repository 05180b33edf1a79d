"""What operators do after a restore: accounts deleted since the backup are deleted again."""

from collections.abc import Callable, Sequence
from uuid import UUID

from auth.application.leaving import delete_again
from auth.domain.errors import OnlyOwner, UserNotFound
from auth.entrypoints.app import App


async def delete_accounts(app: App, user_ids: Sequence[UUID], say: Callable[[str], None]) -> bool:
    """Whether all of them are gone now; one that is gone already is no mistake."""
    all_gone = True
    for user_id in user_ids:
        try:
            async with app.system_unit(user_id) as uow:
                await delete_again(uow, user_id=user_id, now=app.clock.now())
            say(f"{user_id}: deleted")
        except UserNotFound:
            say(f"{user_id}: is gone already")
        except OnlyOwner as refusal:
            all_gone = False
            say(f"{user_id}: not deleted. They would be told: {refusal.message}")
    return all_gone
