"""Which activities a list shows, and what of them, as its address says it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from freelanceflow.crm.v1.activity_service_pb2 import ListActivitiesRequest
from freelanceflow.crm.v1.view_service_pb2 import View
from freelanceflow.type.v1.filter_pb2 import SortKey
from gateway.entrypoints.api.activities import ACTIVITIES, KINDS
from gateway.entrypoints.filters import Asker, Term
from gateway.entrypoints.pages.owners import EVERYBODY, ME

PAGE = 50
HOME = "/activities"
SHOWS = ("open", "undated", "done")
# What a row shows beside what and when; an export calls it the same.
COLUMNS = {
    "client": "Client",
    "deal": "Deal",
    "owner": "Who",
    "body": "Details",
    "remind_at": "Reminder",
    "created_at": "Created",
}
USUAL = ("client", "deal", "owner", "body", "remind_at")


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """Which activities, as the address says it."""

    show: str
    text: str
    kind: str
    owner: str  # their own when empty
    chosen: tuple[str, ...] = ()  # columns; the usual ones when empty
    view_id: str = ""

    @classmethod
    def of(cls, request: Request) -> "ActivityQuery":
        """From query parameters."""
        return cls.reading(request.query_params.multi_items())

    @classmethod
    def reading(cls, items: Iterable[tuple[str, str]]) -> "ActivityQuery":
        """What is not known is left out."""
        given = dict(items)
        show, kind = given.get("show", ""), given.get("kind", "")
        return cls(
            show=show if show in SHOWS else SHOWS[0],
            text=given.get("q", "").strip()[:200],
            kind=kind if kind in KINDS else "",
            owner=_whose(given.get("owner", "").strip()[:64]),
            chosen=tuple(c for c in given.get("columns", "").split(",") if c in COLUMNS),
            view_id=given.get("view", ""),
        )

    @property
    def shown(self) -> tuple[str, ...]:
        """What rows show beside what and when."""
        return self.chosen or USUAL

    @property
    def export_columns(self) -> list[str]:
        """The same for an export."""
        when = ["done_at"] if self.show == "done" else []
        return ["subject", "kind", "due_at", *when, *self.shown]

    @property
    def all_terms(self) -> list[Term]:
        """The same in the filter grammar, as a saved view keeps it."""
        terms = [Term("done_at__isnull", str(self.show != "done").lower())]
        if self.show != "done":
            terms.append(Term("due_at__isnull", str(self.show == "undated").lower()))
        if self.text:
            terms.append(Term("subject__contains", self.text))
        if self.kind:
            terms.append(Term("kind", self.kind))
        if self.owner != EVERYBODY:
            terms.append(Term("owner_id", self.owner or ME))
        return terms

    def asked(self, user_id: str, page_token: str) -> ListActivitiesRequest:
        """The same for crm."""
        asker = Asker(user_id, date.min)  # no day is named
        asked = ListActivitiesRequest(
            conditions=[ACTIVITIES.grammar.condition(term, asker) for term in self.all_terms],
            page_size=PAGE,
            page_token=page_token,
        )
        order = {"open": ("due_at", False), "undated": ("created_at", True)}
        name, descending = order.get(self.show, ("done_at", True))
        asked.sort.append(SortKey(field=name, descending=descending))
        return asked

    def without(self, name: str) -> str:
        """The address less one term, as far as it can be without."""
        less = {
            "subject__contains": ("text", ""),
            "kind": ("kind", ""),
            "owner_id": ("owner", EVERYBODY),
        }
        field, value = less.get(name, ("view_id", ""))
        changed: dict[str, Any] = {"view_id": "", field: value}
        return replace(self, **changed).with_()

    def tab(self, show: str) -> str:
        """The address of what is open, has no date or is done, of the same people and kinds."""
        return replace(self, show=show, view_id="").href()

    def with_(self, **more: str) -> str:
        """The same as part of an address."""
        return self.href(**more).partition("?")[2]

    def href(self, **more: str) -> str:
        """The address that says the same."""
        given = {"q": self.text, "kind": self.kind, "owner": self.owner}
        given |= {"columns": ",".join(self.chosen), "view": self.view_id, **more}
        if self.show != SHOWS[0]:
            given["show"] = self.show
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{HOME}?{query}" if query else HOME


def _whose(id: str) -> str:
    return "" if id == ME else id


def address_of(view: View) -> str:
    """Where a saved view is seen."""
    kept = {term.name: term.value for term in view.filter}
    show = "open"
    if kept.get("done_at__isnull") == "false":
        show = "done"
    elif kept.get("due_at__isnull") == "true":
        show = "undated"
    query = ActivityQuery(
        show=show,
        text=kept.get("subject__contains", ""),
        kind=kept.get("kind", ""),
        owner=_whose(kept.get("owner_id", EVERYBODY)),
        chosen=tuple(view.columns),
        view_id=view.id,
    )
    return query.href()


def view_of(query: ActivityQuery, *, name: str, shared: bool) -> View:
    """What is seen, as a view to be saved."""
    view = View(resource="activities", name=name, shared=shared, columns=query.chosen)
    for term in query.all_terms:
        view.filter.add(name=term.name, value=term.value)
    return view
