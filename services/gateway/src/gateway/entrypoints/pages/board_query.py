"""What the pipeline is narrowed to and how it is laid out, as its address says it.

The address speaks the filter grammar; `q` and `owner` are short for a name and an owner. So a saved
view, a bookmark and a program's request are the same words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request

from freelanceflow.crm.v1.field_service_pb2 import CustomField
from freelanceflow.crm.v1.view_service_pb2 import View
from freelanceflow.type.v1.filter_pb2 import Condition, SortKey
from gateway.entrypoints.api.deals import BOARD, DEALS
from gateway.entrypoints.filters import CUSTOM, Asker, Term, asker_for
from gateway.entrypoints.pages.calls import signed_in
from gateway.entrypoints.pages.owners import Owners
from gateway.entrypoints.pages.rendering import rendering_of

BOARD_LAYOUT, TABLE_LAYOUT = "board", "table"
CARD_FIELDS = {"tags": "Tags", "expected_close_date": "Expected close"}
MOST_SHOWN = 6
MOST_TERMS = 18


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """What the board is filtered by, and what it shows."""

    text: str = ""
    owner_id: str = ""
    terms: tuple[Term, ...] = ()
    layout: str = BOARD_LAYOUT
    sort: str = ""
    shown: tuple[str, ...] = ()  # what cards show beyond the usual
    view_id: str = ""
    asker: Asker | None = None

    @classmethod
    def of(cls, request: Request) -> "BoardQuery":
        """From the query parameters."""
        return cls.reading(request.query_params.multi_items(), asker_of(request))

    @classmethod
    def of_page(cls, request: Request) -> "BoardQuery":
        """The filter of the page that sends this request."""
        query = urlsplit(request.headers.get("hx-current-url", "")).query
        return cls.reading(parse_qsl(query), asker_of(request))

    @classmethod
    def reading(cls, items: Iterable[tuple[str, str]], asker: Asker) -> "BoardQuery":
        """Empty ones and what is not known, here or to the asker, are left out; of two the last
        one counts."""
        given = {name: value.strip()[:200] for name, value in items if value.strip()}
        layout = TABLE_LAYOUT if given.get("layout") == TABLE_LAYOUT else BOARD_LAYOUT
        grammar = (DEALS if layout == TABLE_LAYOUT else BOARD).grammar
        terms = [Term(name, value) for name, value in given.items()]
        sorts = set(DEALS.sorts) - asker.hidden
        return cls(
            text=given.get("q", ""),
            owner_id=given.get("owner", ""),
            terms=tuple(
                term
                for term in terms
                if grammar.knows(term.field) and term.field not in asker.hidden
            )[:MOST_TERMS],
            layout=layout,
            sort=given.get("sort", "") if given.get("sort", "").lstrip("-") in sorts else "",
            shown=tuple(given.get("show", "").split(","))[:MOST_SHOWN] if "show" in given else (),
            view_id=given.get("view", ""),
            asker=asker,
        )

    @property
    def conditions(self) -> list[Condition]:
        """The same for crm. Raises HttpProblem for an operator that is none."""
        if self.asker is None:
            return []
        grammar = (DEALS if self.layout == TABLE_LAYOUT else BOARD).grammar
        return [grammar.condition(term, self.asker) for term in self.all_terms]

    @property
    def all_terms(self) -> list[Term]:
        """With those that have short names."""
        short = (("name__contains", self.text), ("owner_id", self.owner_id))
        return [*(Term(name, value) for name, value in short if value), *self.terms]

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return bool(self.all_terms)

    @property
    def is_table(self) -> bool:
        """Whether deals stand in rows, not in columns."""
        return self.layout == TABLE_LAYOUT

    @property
    def is_of_closed(self) -> bool:
        """Whether only deals that are won or lost are asked for."""
        ends = {("stage_type", "won"), ("stage_type", "lost")}
        return any(
            (term.field == "closed_at" and term.operator != "isnull") or tuple(term) in ends
            for term in self.terms
        )

    @property
    def sort_keys(self) -> list[SortKey]:
        """Newest first when there is none."""
        if not self.sort:
            return []
        return [SortKey(field=self.sort.lstrip("-"), descending=self.sort.startswith("-"))]

    def value(self, name: str) -> str:
        """What a field of the form holds."""
        return next((term.value for term in self.terms if term.name == name), "")

    def with_(self, **more: str) -> str:
        """The same as part of an address."""
        return urlencode(
            {name: value for name, value in {**self._given(), **more}.items() if value}
        )

    def without(self, name: str) -> str:
        """The same, less one term; `q` and `owner` count as terms."""
        given = self._given()
        given.pop({"name__contains": "q", "owner_id": "owner"}.get(name, name), None)
        return urlencode({key: value for key, value in given.items() if value and key != "view"})

    def sorted_by(self, field: str) -> str:
        """The address of the table sorted by a column; again the other way round."""
        descending = self.sort == field
        return self.with_(sort=f"-{field}" if descending else field)

    def _given(self) -> dict[str, str]:
        return {
            "q": self.text,
            "owner": self.owner_id,
            **{term.name: term.value for term in self.terms},
            "layout": self.layout if self.is_table else "",
            "sort": self.sort,
            "show": ",".join(self.shown),
            "view": self.view_id,
        }


def address_of(view: View) -> str:
    """Where a saved view is seen."""
    query = BoardQuery(
        terms=tuple(Term(term.name, term.value) for term in view.filter),
        layout=view.layout or BOARD_LAYOUT,
        sort=view.sort[0] if view.sort else "",
        shown=tuple(view.card_fields),
        view_id=view.id,
    )
    return "/pipeline?" + query.with_()


def view_of(query: BoardQuery, *, name: str, shared: bool) -> View:
    """What is seen, as a view to be saved."""
    view = View(
        resource="deals",
        name=name,
        shared=shared,
        layout=query.layout,
        sort=[query.sort] if query.sort else [],
        card_fields=query.shown,
    )
    for term in query.all_terms:
        view.filter.add(name=term.name, value=term.value)
    return view


def asker_of(request: Request) -> Asker:
    """Who looks. Raises SignInNeeded."""
    return asker_for(request, signed_in(request), rendering_of(request).now())


def show_options(fields: Iterable[CustomField]) -> list[tuple[str, str]]:
    """What cards and tables can show beyond the usual."""
    return [*CARD_FIELDS.items(), *((f"{CUSTOM}{field.key}", field.name) for field in fields)]


class Narrowed(Protocol):
    """What a list is narrowed to."""

    @property
    def all_terms(self) -> list[Term]:
        """Every condition."""

    def without(self, name: str) -> str:
        """The address less one term."""


def words_of(
    query: Narrowed,
    names: Mapping[str, str],
    known: Mapping[str, str],
    owners: Owners,
    home: str = "/pipeline",
) -> list[tuple[str, str]]:
    """Each term in words, with the address that is left without it. `known` are names by ids."""
    found = []
    for term in query.all_terms:
        label = names.get(term.field, term.field.removeprefix(CUSTOM).replace("_", " "))
        value = term.value
        if term.field == "owner_id":
            value = owners.name(value)
        elif term.field.endswith("_id"):
            value = known.get(value, value)
        said = _SAID.get(term.operator, term.operator).format(value)
        if term.operator == "isnull":
            said = "is empty" if value == "true" else "is filled in"
        found.append((f"{label} {said}", f"{home}?{query.without(term.name)}"))
    return found


_SAID = {
    "eq": "is {}",
    "ne": "is not {}",
    "lt": "below {}",
    "lte": "up to {}",
    "gt": "above {}",
    "gte": "from {}",
    "in": "is one of {}",
    "contains": "contains “{}”",
}
