"""A saved view: a filter, an order and what is shown, under a name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from crm.domain.entries import Entry
from crm.domain.setting_errors import ViewHasChanged, ViewOfSomebodyElse
from kit.aggregate import Aggregate, Fact

MAX_VIEWS, MAX_VIEW_NAME = 100, 50
MAX_TERMS, MAX_SORT, MAX_COLUMNS, MAX_CARD_FIELDS = 20, 3, 30, 6
MAX_TERM_VALUE = 2000
_TERM = re.compile(r"[a-z][a-z0-9_]{0,80}")
_SORT = re.compile(r"-?[a-z][a-z0-9_]{0,60}")


class ViewResource(StrEnum):
    """Of which list it is."""

    DEALS = "deals"
    CLIENTS = "clients"
    ACTIVITIES = "activities"


class Layout(StrEnum):
    """How it is laid out."""

    USUAL = ""
    BOARD = "board"
    TABLE = "table"


class Term(NamedTuple):
    """One condition as it is written; words such as “me” are kept."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class ViewState:
    """All of a view that its maker decides."""

    name: str
    shared: bool
    filter: Sequence[Term]
    sort: Sequence[str]
    columns: Sequence[str]
    layout: str
    card_fields: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class ViewChanged(Fact):
    """A view came to be, is another one or is gone."""

    resource: ViewResource
    owner_id: UUID
    state: ViewState
    before: ViewState | None = None
    removed: bool = False


@dataclass(frozen=True, kw_only=True)
class ViewChosen(Fact):
    """A member sees another view first, or none; the aggregate is the member."""

    resource: ViewResource
    view_id: UUID | None
    state: ViewState | None


@dataclass(eq=False, kw_only=True)
class View(Aggregate):
    """Loaded and saved by adapters/views.py."""

    resource: ViewResource
    owner_id: UUID
    state: ViewState

    @classmethod
    def create(
        cls,
        id: UUID,
        workspace_id: UUID,
        *,
        resource: ViewResource,
        state: ViewState,
        at: datetime,
        by: UUID,
    ) -> "View":
        """A new view of one's own. Raises EntryRefused."""
        view = cls(
            id=id,
            workspace_id=workspace_id,
            version=1,
            resource=resource,
            owner_id=by,
            state=clean(state),
        )
        view._tell(None, version=1, at=at, by=by)
        return view

    def become(self, state: ViewState, *, at: datetime, by: UUID) -> bool:
        """Take other values; answers whether there is anything to tell. Raises EntryRefused."""
        before, self.state = self.state, clean(state)
        if self.state != before:
            self._tell(before, version=self.version + 1, at=at, by=by)
        return self.state != before

    def remove(self, *, at: datetime, by: UUID) -> None:
        """Be gone."""
        self._tell(self.state, version=self.version + 1, at=at, by=by, removed=True)

    def expect(self, etag: str) -> None:
        """Refuse a decision that was made on an older state."""
        if etag != str(self.version):
            raise ViewHasChanged("The view was changed meanwhile.", current=str(self.version))

    def expect_editor(self, user_id: UUID, *, administrates: bool) -> None:
        """Raises ViewOfSomebodyElse."""
        if not may_edit(self.owner_id, self.state.shared, user_id, administrates=administrates):
            raise ViewOfSomebodyElse("This view is somebody else's; save it under another name.")

    def _tell(
        self,
        before: ViewState | None,
        *,
        version: int,
        at: datetime,
        by: UUID,
        removed: bool = False,
    ) -> None:
        self.tell(
            ViewChanged(
                aggregate_id=self.id,
                version=version,
                at=at,
                by=by,
                resource=self.resource,
                owner_id=self.owner_id,
                state=self.state,
                before=before,
                removed=removed,
            )
        )


def may_edit(owner_id: UUID, shared: bool, user_id: UUID, *, administrates: bool) -> bool:
    """Its maker may, and of a shared one whoever administrates the workspace."""
    return owner_id == user_id or (shared and administrates)


def clean(state: ViewState) -> ViewState:
    """Raises EntryRefused."""
    entry = Entry()
    name = entry.text("name", state.name, limit=MAX_VIEW_NAME, needed=True)
    if len(state.filter) > MAX_TERMS:
        entry.refuse("filter", "FILTER_INVALID", f"At most {MAX_TERMS} conditions.")
    for term in state.filter:
        if not _TERM.fullmatch(term.name) or len(term.value) > MAX_TERM_VALUE or "\0" in term.value:
            entry.refuse(f"filter.{term.name[:60]}", "FILTER_INVALID", "This cannot be asked.")
    for field, values, limit, form in (
        ("sort", state.sort, MAX_SORT, _SORT),
        ("columns", state.columns, MAX_COLUMNS, _TERM),
        ("card_fields", state.card_fields, MAX_CARD_FIELDS, _TERM),
    ):
        if len(values) > limit:
            entry.refuse(field, f"{field.upper()}_TOO_MANY", f"At most {limit} of them.")
        if not all(form.fullmatch(value) for value in values):
            entry.refuse(field, f"{field.upper()}_INVALID", "These are no names of fields.")
    if state.layout not in list(Layout):
        entry.refuse("layout", "LAYOUT_UNKNOWN", "A board or a table.")
    entry.done()
    return ViewState(
        name=name,
        shared=state.shared,
        filter=tuple(state.filter),
        sort=tuple(state.sort),
        columns=tuple(dict.fromkeys(state.columns)),
        layout=state.layout,
        card_fields=tuple(dict.fromkeys(state.card_fields)),
    )
