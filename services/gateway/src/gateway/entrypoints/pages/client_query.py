"""What the list of clients is narrowed to and which columns it has, as its address says it.

The address speaks the filter grammar, as the pipeline does; `q` and `owner` are short for a name
and an owner.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

from freelanceflow.crm.v1.view_service_pb2 import View
from freelanceflow.type.v1.filter_pb2 import Condition, SortKey
from gateway.entrypoints.api.clients import CLIENTS
from gateway.entrypoints.filters import CUSTOM, Asker, Term
from gateway.entrypoints.pages.board_query import asker_of

HOME = "/clients"
MOST_SHOWN, MOST_TERMS = 12, 18
COLUMNS = {
    "kind": "Kind",
    "emails": "E-mail",
    "phones": "Phone",
    "open_deals": "Open deals",
    "open_value": "Open value",
    "won_value": "Won so far",
    "win_rate": "Win rate",
    "last_contact": "Last contact",
    "owner": "Owner",
    "tags": "Tags",
    "created_at": "Created",
}
USUAL = ("open_deals", "open_value", "won_value", "win_rate", "last_contact", "owner")
# Which columns the list can be sorted by, and what crm calls them.
_SORTED = {
    "kind": "kind",
    "won_value": "won_value",
    "last_contact": "last_contact_at",
    "created_at": "created_at",
}
_MOST_FIRST = ("won_value",)  # who brought nothing is of less interest
# What an export calls them; a name and a company are always there.
_EXPORTED = {
    "open_value": ("open_value", "currency"),
    "won_value": ("won_value", "currency"),
    "win_rate": ("won_deals", "lost_deals"),
    "last_contact": ("last_contact_at",),
}


@dataclass(frozen=True, slots=True)
class ClientQuery:
    """What the list is filtered by, and what it shows."""

    text: str = ""
    owner_id: str = ""
    terms: tuple[Term, ...] = ()
    sort: str = ""
    chosen: tuple[str, ...] = ()  # columns; the usual ones when empty
    view_id: str = ""
    asker: Asker | None = None

    @classmethod
    def of(cls, request: Request) -> "ClientQuery":
        """From the query parameters."""
        return cls.reading(request.query_params.multi_items(), asker_of(request))

    @classmethod
    def reading(cls, items: Iterable[tuple[str, str]], asker: Asker) -> "ClientQuery":
        """Empty ones and what is not known are left out; of two the last one counts."""
        given = {name: value.strip()[:200] for name, value in items if value.strip()}
        terms = [Term(name, value) for name, value in given.items()]
        sort = given.get("sort", "")
        columns = given.get("show", "").split(",")
        return cls(
            text=given.get("q", ""),
            owner_id=given.get("owner", ""),
            terms=tuple(term for term in terms if CLIENTS.grammar.knows(term.field))[:MOST_TERMS],
            sort=sort if sort.lstrip("-") in CLIENTS.sorts else "",
            chosen=tuple(c for c in columns if c in COLUMNS or c.startswith(CUSTOM))[:MOST_SHOWN],
            view_id=given.get("view", ""),
            asker=asker,
        )

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns beside the name."""
        return self.chosen or USUAL

    @property
    def export_columns(self) -> list[str]:
        """The same for an export."""
        columns = ["name", "parent"]
        for name in self.shown:
            columns += _EXPORTED.get(name, (name,))
        return list(dict.fromkeys(columns))

    @property
    def all_terms(self) -> list[Term]:
        """With those that have short names."""
        short = (("name__contains", self.text), ("owner_id", self.owner_id))
        return [*(Term(name, value) for name, value in short if value), *self.terms]

    @property
    def conditions(self) -> list[Condition]:
        """The same for crm. Raises HttpProblem for an operator that is none."""
        if self.asker is None:
            return []
        return [CLIENTS.grammar.condition(term, self.asker) for term in self.all_terms]

    @property
    def is_filtered(self) -> bool:
        """Whether anybody is left out."""
        return bool(self.all_terms)

    @property
    def sort_keys(self) -> list[SortKey]:
        """By name when there is none, and those that are equal, such as all who brought nothing."""
        if not self.sort:
            return []
        field = self.sort.lstrip("-")
        chosen = SortKey(field=field, descending=self.sort.startswith("-"))
        return [chosen] if field == "name" else [chosen, SortKey(field="name")]

    def value(self, name: str) -> str:
        """What a field of the form holds."""
        return next((term.value for term in self.terms if term.name == name), "")

    def with_(self, **more: str) -> str:
        """The same as part of an address."""
        given = {**self._given(), **more}
        return urlencode({name: value for name, value in given.items() if value})

    def without(self, name: str) -> str:
        """The same, less one term; `q` and `owner` count as terms."""
        given = self._given()
        given.pop({"name__contains": "q", "owner_id": "owner"}.get(name, name), None)
        return urlencode({key: value for key, value in given.items() if value and key != "view"})

    @staticmethod
    def sort_of(column: str) -> str:
        """What the list is sorted by at the head of a column, if it can be."""
        return _SORTED.get(column, "")

    @property
    def main_column(self) -> str:
        """The one that a phone has room for: what the list is sorted by."""
        field = self.sort.lstrip("-")
        return next((name for name in self.shown if _SORTED.get(name) == field), "open_deals")

    def sorted_by(self, field: str) -> str:
        """The address of the list sorted by a column; again the other way round."""
        first, then = field, f"-{field}"
        if field in _MOST_FIRST:
            first, then = then, first
        return self.with_(sort=then if self.sort == first else first)

    def _given(self) -> dict[str, str]:
        return {
            "q": self.text,
            "owner": self.owner_id,
            **{term.name: term.value for term in self.terms},
            "sort": self.sort,
            "show": ",".join(self.chosen),
            "view": self.view_id,
        }


def address_of(view: View) -> str:
    """Where a saved view is seen."""
    query = ClientQuery(
        terms=tuple(Term(term.name, term.value) for term in view.filter),
        sort=view.sort[0] if view.sort else "",
        chosen=tuple(view.columns),
        view_id=view.id,
    )
    return f"{HOME}?{query.with_()}"


def view_of(query: ClientQuery, *, name: str, shared: bool) -> View:
    """What is seen, as a view to be saved."""
    view = View(
        resource="clients",
        name=name,
        shared=shared,
        layout="table",
        sort=[query.sort] if query.sort else [],
        columns=query.chosen,
    )
    for term in query.all_terms:
        view.filter.add(name=term.name, value=term.value)
    return view
