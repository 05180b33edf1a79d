"""Reading requests: strictly, with every complaint in words."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from freelanceflow.type.v1.filter_pb2 import Condition, SortKey
from gateway.entrypoints.api.operations import Parameter
from gateway.entrypoints.errors import TITLES, HttpProblem
from gateway.entrypoints.filters import Asker, Grammar, Term, asker_for, know_days
from gateway.entrypoints.identity import caller_of, principal_of
from gateway.entrypoints.pages.rendering import rendering_of
from kit.rpc.identity import CallIdentity

LARGEST_PAGE = 200
# No more digits than any of ours has: a text of thousands is no number to Python.
_ETAG = re.compile(r'"(\d{1,19})"', re.ASCII)
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)


class Body(BaseModel):
    """What every body shares: unknown fields are refused, and so are values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


B = TypeVar("B", bound=Body)


async def read_body(request: Request, model: type[B]) -> B:
    """Raises HttpProblem 400, 413, 415, 422."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise HttpProblem(415, "JSON_NEEDED", "Send application/json.")
    body = await request.body()
    if "filter" in model.model_fields:
        await know_days(request, body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        raise HttpProblem(400, "MALFORMED_JSON", f"This is not JSON: {problems[0]['msg']}.")
    fields = {".".join(map(str, p["loc"])) or "body": p["msg"] for p in problems}
    raise HttpProblem(422, "INVALID_INPUT", TITLES[422] + ".", fields=fields)


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a message is made of: a field that is null is one that is not there."""
    return {name: value for name, value in values.items() if value is not None}


def identity_of(request: Request) -> CallIdentity:
    """What travels to the services."""
    return caller_of(request).identity


def read_query(request: Request, *names: str) -> Mapping[str, str]:
    """The query by name. Raises HttpProblem 400 for a name that is unknown or comes twice, and for
    a value that no database looks for."""
    given = request.query_params.multi_items()
    found: dict[str, str] = {}
    for name, value in given:
        if name not in names:
            raise _bad(name, f"{name} is not a parameter here.", "PARAMETER_UNKNOWN")
        if name in found:
            raise _bad(name, f"{name} is given twice.", "PARAMETER_TWICE")
        if "\0" in value:
            said = f"{name} contains a character that is none."
            raise _bad(name, said, "PARAMETER_INVALID")
        found[name] = value
    return found


class Page(NamedTuple):
    """Which page of a list is asked for."""

    size: int
    token: str


def read_page(query: Mapping[str, str]) -> Page:
    """Raises HttpProblem 400."""
    limit = read_number(query, "limit", most=LARGEST_PAGE, reason="LIMIT_INVALID")
    return Page(limit, query.get("cursor", ""))


def read_number(query: Mapping[str, str], name: str, *, most: int, reason: str) -> int:
    """From 1 up to `most`; 0 when it is not given. Raises HttpProblem 400."""
    if name not in query:
        return 0
    number = int(query[name]) if _NUMBER.fullmatch(query[name]) else 0
    if not 0 < number <= most:
        raise _bad(name, f"{name} is a number from 1 to {most}.", reason)
    return number


def read_flag(query: Mapping[str, str], name: str) -> bool:
    """False when it is not given. Raises HttpProblem 400."""
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise _bad(name, f"{name} is true or false.", "PARAMETER_INVALID")
    return value == "true"


class ListQuery(NamedTuple):
    """A list as it was asked for."""

    page: Page
    conditions: list[Condition]
    sort: list[SortKey]
    with_total: bool
    fields: frozenset[str]


class Listing:
    """What a list can be filtered and sorted by. The service knows types and has the last word."""

    def __init__(
        self,
        shown: type[BaseModel],
        *,
        filters: tuple[str, ...],
        sorts: tuple[str, ...],
        custom: bool = False,
    ) -> None:
        """`custom`: also by custom fields, as `cf_<key>`."""
        self._shown = frozenset(shown.model_fields)
        self.grammar = Grammar(filters, custom=custom)
        self.filters, self.sorts, self._custom = filters, sorts, custom

    def read(self, request: Request) -> ListQuery:
        """Raises HttpProblem 400."""
        given = request.query_params
        if not given:
            return ListQuery(Page(0, ""), [], [], False, frozenset())
        plain: dict[str, str] = {}
        conditions, asker = [], asker_of(request)
        for name, value in given.multi_items():
            if name in ("limit", "cursor", "total", "sort", "fields"):
                plain[name] = value
            else:
                conditions.append(self.grammar.condition(Term(name, value), asker))
        return ListQuery(
            read_page(plain),
            conditions,
            sort_keys(plain.get("sort", "")),
            read_flag(plain, "total"),
            self._fields(plain.get("fields", "")),
        )

    def conditions(self, request: Request, *others: str) -> list[Condition]:
        """Only the filters, where `others` are parameters of another kind."""
        items = [Term(*item) for item in request.query_params.multi_items()]
        asker = asker_of(request)
        return [self.grammar.condition(term, asker) for term in items if term.name not in others]

    def conditions_of(self, request: Request, filter: Mapping[str, Any]) -> list[Condition]:
        """Those of a body's `filter`: the same names and values. Raises HttpProblem 422."""
        return self.grammar.conditions_of(filter, asker_of(request))

    def _fields(self, text: str) -> frozenset[str]:
        wanted = frozenset(filter(None, text.split(",")))
        if unknown := wanted - self._shown:
            said = f"There is no field {', '.join(sorted(unknown))}."
            raise _bad("fields", said, "FIELD_UNKNOWN")
        return wanted

    def parameters(self) -> list[Parameter]:
        """For the documentation."""
        text = {"type": "string"}
        return [
            *PAGING,
            Parameter("total", "query", "true adds `total`.", {"type": "boolean"}),
            Parameter("sort", "query", f"Fields, - for descending: {', '.join(self.sorts)}.", text),
            Parameter("fields", "query", "Only these fields of each item.", text),
            *self.filter_parameters(),
        ]

    def filter_parameters(self) -> list[Parameter]:
        """The filters alone."""
        text = {"type": "string"}
        named = [
            Parameter(
                f"{name}", "query", f"Equal to; also {name}__ne, __lt, __lte, __gt, __gte, __in,"
                " __contains, __isnull where the type allows.", text,
            )
            for name in self.filters
        ]  # fmt: skip
        if self._custom:
            said = (
                "Custom fields by their keys, with the same operators: `cf_hours__gte=100`."
                " Amounts are in minor units, of the workspace's currency or of a named one:"
                " `cf_budget__gte=100 CHF`."
            )
            anything = {"type": "object", "additionalProperties": text}
            named.append(Parameter("cf_", "query", said, anything))
        return named


def asker_of(request: Request) -> Asker:
    """Who asks, and on which day of their workspace."""
    return asker_for(request, principal_of(request), rendering_of(request).now())


PAGING = [
    Parameter(
        "limit",
        "query",
        "Items on a page.",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": 50},
    ),
    Parameter("cursor", "query", "`next_cursor` of the page before.", {"type": "string"}),
]


def path_parameter(name: str, of: str) -> Parameter:
    """An id in the path, for the documentation."""
    return Parameter(name, "path", f"Id of the {of}.", {"type": "string", "format": "uuid"})


IF_MATCH = Parameter("If-Match", "header", "The record's ETag.", {"type": "string"}, required=True)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key", "header", "A repeat with the same key and body gets the first answer, for "
    "24 hours.", {"type": "string", "maxLength": 200},
)  # fmt: skip


def if_match(request: Request) -> str:
    """The version the sender saw. Raises HttpProblem 428, 400."""
    header = request.headers.get("if-match")
    if header is None:
        raise HttpProblem(
            428, "IF_MATCH_MISSING", "Send If-Match with the ETag of the record you saw."
        )
    found = _ETAG.fullmatch(header.strip())
    if found is None:
        raise HttpProblem(400, "IF_MATCH_INVALID", 'If-Match is an ETag such as "7".')
    return found[1]


def sort_keys(text: str) -> list[SortKey]:
    """`-created_at,name` as keys of an order."""
    keys = [key for key in text.split(",") if key]
    return [SortKey(field=key.lstrip("-"), descending=key.startswith("-")) for key in keys]


def _bad(name: str, said: str, reason: str) -> HttpProblem:
    return HttpProblem(400, reason, said, fields={name: said})


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None, for a message's constructor."""
    return {name: value for name, value in values.items() if value is not None}
