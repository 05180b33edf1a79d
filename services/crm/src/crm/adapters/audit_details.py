"""What the audit log says of a fact beyond who did what.

Records have a history of their own. Settings have none: their line says what was before and after.
A line stays when a record is deleted for good, so no name of a record is ever in it, nor what a
filter asks for. What a private view is called is its maker's alone, and not the administrators'.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from crm.domain.board_stage import StageChanged
from crm.domain.calendar import CalendarFeedChanged
from crm.domain.custom_field import CustomFieldChanged
from crm.domain.exports import WORKSPACE, ExportRequested
from crm.domain.imports import ImportFailed, ImportFinished, ImportReverted
from crm.domain.lost_reason import LostReasonChanged
from crm.domain.merges import ClientsMerged
from crm.domain.rates import RateChange, RatesChanged
from crm.domain.tag import TagChanged
from crm.domain.view import ViewChanged, ViewChosen, ViewResource, ViewState
from kit.aggregate import Fact

MOST = 200  # characters; auth keeps no more
MOST_RATES = 3
# What an import was about to do; why it could not may quote its rows, and stays in its own page.
STEPS = {
    "open": "reading the file",
    "check": "checking the rows",
    "write": "writing the records",
    "revert": "taking the records back",
}
OF_STAGE = ("name", "type", "color", "rotting_days", "default_probability", "position")
OF_FIELD = ("name", "options", "position")
OF_REASON = ("name", "position")
OF_VIEW = ("filter", "sort", "columns", "layout", "card_fields")


def detail_of(fact: Fact) -> str:
    """In words; empty where type and subject say it all."""
    return _words(fact)[:MOST]


def _words(fact: Fact) -> str:
    match fact:
        case StageChanged() | CustomFieldChanged() if fact.removed:
            return f"{_named(fact)}: removed"
        case StageChanged():
            return _changed(_named(fact), fact.before, fact.stage, OF_STAGE)
        case LostReasonChanged():
            return _reason(fact)
        case CustomFieldChanged():
            return _changed(_named(fact), fact.before, fact.field, OF_FIELD)
        case TagChanged():
            return _tag(fact)
        case RatesChanged():
            return _rates(fact)
        case ExportRequested():
            what = "rows of all kinds" if fact.resource == WORKSPACE else fact.resource
            return f"{fact.total_rows} {what}, {fact.format}"
        case ImportFinished():
            return _import_finished(fact)
        case ImportFailed():
            return STEPS[fact.step]
        case ImportReverted():
            return f"taken back: {fact.reverted_records}, left alone: {fact.kept_records}"
        case ClientsMerged():
            return (
                f"{fact.deals} deals, {fact.activities} activities, {fact.people} people went over"
            )
        case ViewChanged():
            return _view_changed(fact)
        case ViewChosen():
            return _view(fact.resource, fact.state) if fact.state else f"({fact.resource}): none"
        case CalendarFeedChanged():
            return ("renewed" if fact.replaced else "made") if fact.exists else "ended"
    return ""


def _named(fact: StageChanged | CustomFieldChanged) -> str:
    if isinstance(fact, StageChanged):
        return fact.stage.name
    return f"{fact.field.name} ({fact.field.resource})"


def _changed(what: str, before: Any, after: Any, names: Sequence[str]) -> str:
    if before is None:
        return f"{what}: new"
    values = [(name, getattr(before, name), getattr(after, name)) for name in names]
    changes = [_change(name, old, new) for name, old, new in values if old != new]
    return f"{what}: {', '.join(changes)}"


def _change(name: str, before: Any, after: Any) -> str:
    return f"{name.replace('_', ' ')} {_said(before)} → {_said(after)}"


def _said(value: Any) -> str:
    match value:
        case None | "" | ():
            return "none"
        case Decimal():
            return format(value, "f")
        case tuple() | list():
            return ", ".join(value)
    return str(value)


def _reason(fact: LostReasonChanged) -> str:
    name, before = fact.reason.name, fact.before
    if fact.reason.removed:
        return f"{name}: removed"
    if before is not None and before.removed:
        return f"{name}: offered again"
    return _changed(name, before, fact.reason, OF_REASON)


def _tag(fact: TagChanged) -> str:
    if not fact.new_name:
        return f"{fact.name}: removed"
    if fact.new_name != fact.name:
        return f"{fact.name} → {fact.new_name}"
    return f"{fact.name}: {_change('color', fact.color_before, fact.color)}"


def _rates(fact: RatesChanged) -> str:
    named = ", ".join(map(_rate, fact.changes[:MOST_RATES]))
    more = len(fact.changes) - MOST_RATES
    return f"{named} and {more} more" if more > 0 else named


def _rate(change: RateChange) -> str:
    currency, day, rate = change.rate
    return _change(f"{currency} of {day.isoformat()}:", change.before, rate)


def _import_finished(fact: ImportFinished) -> str:
    """In the words of the import's own page."""
    counts = {
        f"new {fact.resource}": fact.created_rows,
        "changed": fact.updated_rows,
        "there already": fact.skipped_rows,
        "could not be taken": fact.failed_rows,
    }
    return ", ".join(f"{words}: {count}" for words, count in counts.items())


def _view_changed(fact: ViewChanged) -> str:
    before, state = fact.before, fact.state
    if before is not None and before.shared and not state.shared:
        return f"{before.name} ({fact.resource}): private now"  # by the name that everybody knew
    view = _view(fact.resource, state)
    if before is None or fact.removed:
        return f"{view}: {'removed' if fact.removed else 'new'}"
    if not state.shared:
        return view
    if not before.shared:
        return f"{state.name} ({fact.resource}): shared now"
    changes = [_change("name", before.name, state.name)] if before.name != state.name else []
    changes += [
        name.replace("_", " ") for name in OF_VIEW if getattr(before, name) != getattr(state, name)
    ]
    return f"{view}: {', '.join(changes)}"


def _view(resource: ViewResource, state: ViewState) -> str:
    return f"{state.name} ({resource}, shared)" if state.shared else f"({resource}, private)"
