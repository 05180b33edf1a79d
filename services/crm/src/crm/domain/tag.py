"""Tags: labels that records carry, with a colour where somebody gave them one."""

from dataclasses import dataclass

from crm.domain.board_stage import Color
from crm.domain.entries import MAX_TAG, Entry
from kit.aggregate import Fact

MAX_COLORED = 500


@dataclass(frozen=True, kw_only=True)
class TagChanged(Fact):
    """A tag has another colour, is called otherwise, or is on no record any more; the aggregate is
    the workspace."""

    name: str
    new_name: str
    color: str
    color_before: str = ""


def clean_tag(field: str, name: str, color: str = "", *, is_there: bool = False) -> str:
    """A name as it is kept; one that is there already may be any. Raises EntryRefused."""
    entry = Entry()
    name = entry.text(field, name, limit=MAX_TAG, needed=True)
    if "," in name and not is_there:
        entry.refuse(field, "TAG_WITH_COMMA", "A tag has no comma in it.")
    if color not in list(Color):
        entry.refuse("color", "COLOR_UNKNOWN", "Choose one of the colours.")
    entry.done()
    return name
