"""The one filter grammar: `field=value` and `field__op=value`, in addresses, saved views, bulk
actions and exports alike. crm knows the types and has the last word; see docs/filters.md.

`me` stands for who asks, `today`, `today+7`, `today-30` for days: a filter that is kept or shared
keeps the word, and every use of it asks anew.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple, Self

from starlette.requests import Request

from freelanceflow.type.v1.filter_pb2 import Condition, Operator
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.zones import may_speak_of_days
from kit.rpc.identity import Principal
from kit.years import is_plausible

CUSTOM = "cf_"  # before the key of a custom field
MOST = 20
OPERATORS = {
    "eq": Operator.OPERATOR_EQ,
    "ne": Operator.OPERATOR_NE,
    "lt": Operator.OPERATOR_LT,
    "lte": Operator.OPERATOR_LTE,
    "gt": Operator.OPERATOR_GT,
    "gte": Operator.OPERATOR_GTE,
    "in": Operator.OPERATOR_IN,
    "contains": Operator.OPERATOR_CONTAINS,
    "isnull": Operator.OPERATOR_ISNULL,
}
# Fields that it takes more to know of than to see the list.
_KNOWN_WITH = {"win_probability": "analytics.read"}
_DAY = re.compile(r"today(?:([+-])(\d{1,4}))?")
_PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ORDERED = ("lt", "lte", "gt", "gte")


class Asker(NamedTuple):
    """Who asks, and on which day of theirs."""

    user_id: str
    today: date
    zone: tzinfo = UTC  # of the workspace: where its days begin
    hidden: frozenset[str] = frozenset()  # fields that their role keeps from them

    @classmethod
    def of(cls, principal: Principal, today: date, zone: tzinfo) -> Self:
        """Whoever has signed in."""
        hidden = (name for name, needed in _KNOWN_WITH.items() if not principal.may(needed))
        return cls(str(principal.user_id), today, zone, frozenset(hidden))


class Term(NamedTuple):
    """One condition as it was written."""

    name: str
    value: str

    @property
    def field(self) -> str:
        """What is compared."""
        return self.name.partition("__")[0]

    @property
    def operator(self) -> str:
        """How; equal unless said."""
        return self.name.partition("__")[2] or "eq"


class Grammar:
    """Which fields a list can be filtered by."""

    def __init__(self, fields: Iterable[str], *, custom: bool) -> None:
        self.fields = tuple(fields)
        self._custom = custom

    def knows(self, field: str) -> bool:
        """Whether there may be such a field; of custom ones crm knows."""
        return field in self.fields or (self._custom and field.startswith(CUSTOM))

    def condition(self, term: Term, asker: Asker, *, status: int = 400) -> Condition:
        """For crm. Raises HttpProblem with this status."""
        name = term.name
        if not self.knows(term.field):
            raise _bad(status, name, f"{name} is not a parameter here.", "PARAMETER_UNKNOWN")
        if term.operator not in OPERATORS:
            said = f"{term.operator} is not one of {', '.join(OPERATORS)}."
            raise _bad(status, name, said, "OPERATOR_UNKNOWN")
        if term.operator in _ORDERED and (day := _day_of(term, asker)):
            operator, instant = _bound(term.operator, day, asker.zone)
            return Condition(field=term.field, operator=operator, values=[instant])
        values = term.value.split(",") if term.operator == "in" else [term.value]
        return Condition(
            field=term.field,
            operator=OPERATORS[term.operator],
            values=[_meant(term, value, asker) for value in values],
        )

    def conditions_of(self, filter: Mapping[str, Any], asker: Asker) -> list[Condition]:
        """Of a JSON object such as `{"stage_type": "open", "amount_minor__gte": 100000}`.

        Raises HttpProblem 422.
        """
        return [self.condition(term, asker, status=422) for term in terms_of(filter)]


def terms_of(filter: Mapping[str, Any]) -> list[Term]:
    """A JSON object as it would stand in an address. Raises HttpProblem 422."""
    if len(filter) > MOST:
        raise _bad(422, "filter", f"At most {MOST} conditions.", "FILTER_INVALID")
    return [Term(name, _written(name, value)) for name, value in filter.items()]


def _written(name: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case [*items] if items and all(isinstance(i, str | int | float) for i in items):
            several = [_written(name, item) for item in items]
            # They are written with commas between: one with a comma would be two.
            if any("," in one for one in several):
                said = "Of several values none has a comma; a text with one is compared by itself."
                raise _bad(422, name, said, "FILTER_INVALID")
            return ",".join(several)
    raise _bad(422, name, "A text, a number, true, false, or a list of these.", "FILTER_INVALID")


def _meant(term: Term, value: str, asker: Asker) -> str:
    if value == "me" and term.field == "owner_id":
        return asker.user_id
    then = _said_by_word(value, asker) if _is_time(term) else None
    if then is None:
        return value
    return beginning(then, asker.zone) if term.field.endswith("_at") else then.isoformat()


def _said_by_word(value: str, asker: Asker) -> date | None:
    word = _DAY.fullmatch(value)
    if word is None:
        return None
    return asker.today + timedelta(days=int(f"{word[1] or '+'}{word[2] or 0}"))


def _day_of(term: Term, asker: Asker) -> date | None:
    """The day with which an instant is compared, when it is compared with a whole day."""
    if not term.field.endswith("_at"):
        return None
    if _PLAIN_DAY.fullmatch(term.value):
        try:
            day = date.fromisoformat(term.value)
        except ValueError:  # crm says so
            return None
        return day if is_plausible(day) else None
    return _said_by_word(term.value, asker)


def _bound(operator: str, day: date, zone: tzinfo) -> tuple[Operator.ValueType, str]:
    """A day belongs to what is up to it: `lte` ends where the next day begins."""
    if operator in ("lte", "gt"):
        operator = {"lte": "lt", "gt": "gte"}[operator]
        day += timedelta(days=1)
    return OPERATORS[operator], beginning(day, zone)


def beginning(day: date, zone: tzinfo) -> str:
    """The instant at which a day begins somewhere, as crm reads it."""
    begins = datetime.combine(day, time(), zone).astimezone(UTC)
    return begins.strftime("%Y-%m-%dT%H:%M:%SZ")


def asker_for(request: Request, principal: Principal, now: datetime) -> Asker:
    """Who asks. The edge knows the zone whenever the address speaks of days."""
    zone = getattr(request.state, "zone", UTC)
    return Asker.of(principal, now.astimezone(zone).date(), zone)


async def know_days(request: Request, body: bytes) -> None:
    """The same for a filter that comes in a body."""
    state = request.state
    if may_speak_of_days(body) and state.principal is not None:
        state.zone = await state.zones.of(state.principal, state.identity)


def _is_time(term: Term) -> bool:
    custom = term.field.startswith(CUSTOM) and term.operator in _ORDERED
    return custom or term.field.endswith(("_at", "_date"))


def _bad(status: int, name: str, said: str, reason: str) -> HttpProblem:
    return HttpProblem(status, reason, said, fields={name: said})
