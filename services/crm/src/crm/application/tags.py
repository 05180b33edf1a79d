"""What can be done with tags. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID

from crm.adapters import tags
from crm.adapters.tags import Carriers
from crm.domain.setting_errors import TagNotFound, TagsTooMany
from crm.domain.tag import MAX_COLORED, TagChanged, clean_tag
from kit.unit_of_work import UnitOfWork


async def put_tag(uow: UnitOfWork, *, name: str, color: str, by: UUID, now: datetime) -> str:
    """Give a tag a colour. Raises EntryRefused, TagsTooMany."""
    name = clean_tag("name", name, color)
    before = await tags.color_of(uow, name)
    if before is None and await tags.count(uow) >= MAX_COLORED:
        raise TagsTooMany(f"At most {MAX_COLORED} tags have a colour.")
    if color != before:
        await tags.put(uow, name, color)
        _tell(uow, name, name, color, color_before=before or "", by=by, now=now)
    await uow.commit()
    return name


async def rename_tag(
    uow: UnitOfWork, *, name: str, new_name: str, by: UUID, now: datetime
) -> Carriers:
    """Call a tag otherwise wherever it is; it becomes one with a tag of that name.

    Raises TagNotFound, EntryRefused.
    """
    new_name = clean_tag("new_name", new_name)
    await _expect(uow, name)
    if new_name == name:
        return Carriers(0, 0)
    carriers = await tags.change(uow, name, new_name, by=by, now=now)
    await tags.hand_over(uow, name, new_name)
    _tell(uow, name, new_name, await tags.color_of(uow, new_name) or "", by=by, now=now)
    await uow.commit()
    return carriers


async def remove_tag(uow: UnitOfWork, *, name: str, by: UUID, now: datetime) -> Carriers:
    """Take a tag off all records. Raises EntryRefused, TagNotFound."""
    await _expect(uow, name)
    carriers = await tags.change(uow, name, "", by=by, now=now)
    await tags.hand_over(uow, name, "")
    _tell(uow, name, "", "", by=by, now=now)
    await uow.commit()
    return carriers


async def _expect(uow: UnitOfWork, name: str) -> None:
    clean_tag("name", name, is_there=True)
    if not await tags.is_known(uow, name):
        raise TagNotFound("There is no such tag.")


def _tell(
    uow: UnitOfWork,
    name: str,
    new_name: str,
    color: str,
    *,
    color_before: str = "",
    by: UUID,
    now: datetime,
) -> None:
    uow.tell_facts(
        TagChanged(
            aggregate_id=uow.workspace_id,
            version=1,
            at=now,
            by=by,
            name=name,
            new_name=new_name,
            color=color,
            color_before=color_before,
        )
    )
