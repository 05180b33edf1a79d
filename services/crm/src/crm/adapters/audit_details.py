"""What the audit log says of a fact beyond who did what.

A line stays when a record is deleted for good, so no name of a record is ever in it, nor what a
filter asks for. What a private view is called is its maker's alone, and not the administrators'.
"""

from crm.domain.calendar import CalendarFeedChanged
from crm.domain.exports import ExportRequested
from crm.domain.view import ViewChanged, ViewChosen, ViewResource, ViewState
from kit.aggregate import Fact

FIELDS_OF_VIEW = ("filter", "sort", "columns", "layout", "card_fields")


def detail_of(fact: Fact) -> str:
    """In words; empty where type and subject say it all."""
    match fact:
        case ExportRequested():
            return f"{fact.total_rows} {fact.resource}, {fact.format}"
        case ViewChanged():
            return _view_changed(fact)
        case ViewChosen():
            return _view(fact.resource, fact.state) if fact.state else f"({fact.resource}): none"
        case CalendarFeedChanged():
            return ("renewed" if fact.replaced else "made") if fact.exists else "ended"
    return ""


def _view_changed(fact: ViewChanged) -> str:
    before, state = fact.before, fact.state
    if before is not None and before.shared and not state.shared:
        return f"{_view(fact.resource, before)}: private now"  # by the name that everybody knew
    view = _view(fact.resource, state)
    if before is None or fact.removed:
        return f"{view}: {'removed' if fact.removed else 'new'}"
    if not state.shared:
        return view
    if not before.shared:
        return f"{view}: shared now"
    changes = [f"name {before.name} → {state.name}"] if before.name != state.name else []
    changes += [
        name.replace("_", " ")
        for name in FIELDS_OF_VIEW
        if getattr(before, name) != getattr(state, name)
    ]
    return f"{view}: {', '.join(changes)}"


def _view(resource: ViewResource, state: ViewState) -> str:
    return f"{state.name} ({resource}, shared)" if state.shared else f"({resource}, private)"
