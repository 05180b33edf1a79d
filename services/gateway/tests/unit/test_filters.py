"""The filter grammar: what is written in addresses and bodies is the same condition."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from freelanceflow.type.v1.filter_pb2 import Condition, Operator
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.filters import Asker, Grammar, Term

ANNA = Asker("anna", date(2026, 3, 30))
GRAMMAR = Grammar(("name", "owner_id", "created_at", "expected_close_date", "tags"), custom=True)


def condition(field: str, operator: str, *values: str) -> Condition:
    return Condition(
        field=field, operator=Operator.Value(f"OPERATOR_{operator}"), values=list(values)
    )


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("name", "web, a", condition("name", "EQ", "web, a")),
        ("name__in", "a,b", condition("name", "IN", "a", "b")),
        ("name", "me", condition("name", "EQ", "me")),
        ("name", "today", condition("name", "EQ", "today")),
        ("owner_id", "me", condition("owner_id", "EQ", "anna")),
        ("owner_id__in", "me,x", condition("owner_id", "IN", "anna", "x")),
        (
            "expected_close_date__lte",
            "today+7",
            condition("expected_close_date", "LTE", "2026-04-06"),
        ),
        ("created_at__gte", "today-30", condition("created_at", "GTE", "2026-02-28T00:00:00Z")),
        ("created_at", "today-x", condition("created_at", "EQ", "today-x")),
        ("cf_start__gt", "today", condition("cf_start", "GT", "2026-03-30")),
        ("cf_note", "today", condition("cf_note", "EQ", "today")),
    ],
)
def test_a_term_is_a_condition(name: str, value: str, meant: Condition) -> None:
    assert GRAMMAR.condition(Term(name, value), ANNA) == meant
    assert GRAMMAR.conditions_of({name: value}, ANNA) == [meant]


def test_days_begin_where_the_workspace_is() -> None:
    asker = Asker("anna", date(2026, 3, 30), ZoneInfo("Europe/Berlin"))
    for value, begins in (("today", "2026-03-29T22:00:00Z"), ("today-1", "2026-03-28T23:00:00Z")):
        term = Term("created_at__gte", value)
        assert GRAMMAR.condition(term, asker) == condition("created_at", "GTE", begins)
    term = Term("expected_close_date", "today")
    assert GRAMMAR.condition(term, asker) == condition("expected_close_date", "EQ", "2026-03-30")


@pytest.mark.parametrize(
    ("operator", "meant", "instant"),
    [
        ("gte", "GTE", "2026-03-28T23:00:00Z"),
        ("lt", "LT", "2026-03-28T23:00:00Z"),
        ("lte", "LT", "2026-03-29T22:00:00Z"),  # the clock goes forward on that day
        ("gt", "GTE", "2026-03-29T22:00:00Z"),
    ],
)
def test_a_whole_day_belongs_to_what_is_up_to_it(operator: str, meant: str, instant: str) -> None:
    asker = Asker("anna", date(2026, 3, 30), ZoneInfo("Europe/Berlin"))
    for day in ("2026-03-29", "today-1"):
        term = Term(f"created_at__{operator}", day)
        assert GRAMMAR.condition(term, asker) == condition("created_at", meant, instant)


def test_what_is_no_day_is_left_to_the_service_that_knows_its_fields() -> None:
    ends = ("0001-01-01", "9999-12-31")  # where a day of one zone is none in another
    for value in ("2026-13-01", "2026-03-01T00:00:00Z", "yesterday", *ends):
        term = Term("created_at__lte", value)
        assert GRAMMAR.condition(term, ANNA) == condition("created_at", "LTE", value)


def test_a_body_holds_numbers_flags_and_lists() -> None:
    filter = {"cf_hours__lt": 1.5, "tags__isnull": True, "tags__in": ["a", "b"], "cf_n": 3}
    assert GRAMMAR.conditions_of(filter, ANNA) == [
        condition("cf_hours", "LT", "1.5"),
        condition("tags", "ISNULL", "true"),
        condition("tags", "IN", "a", "b"),
        condition("cf_n", "EQ", "3"),
    ]


@pytest.mark.parametrize(
    ("filter", "reason"),
    [
        ({"nothing": "x"}, "PARAMETER_UNKNOWN"),
        ({"name__like": "x"}, "OPERATOR_UNKNOWN"),
        ({"name": None}, "FILTER_INVALID"),
        ({"name": {"a": 1}}, "FILTER_INVALID"),
        ({"name__in": []}, "FILTER_INVALID"),
        ({"name__in": ["Smith, Jones", "Kelly"]}, "FILTER_INVALID"),
        ({f"cf_{n}": "x" for n in range(21)}, "FILTER_INVALID"),
    ],
)
def test_what_makes_no_sense_is_refused(filter: dict[str, Any], reason: str) -> None:
    with pytest.raises(HttpProblem) as refusal:
        GRAMMAR.conditions_of(filter, ANNA)
    assert (refusal.value.status, refusal.value.reason) == (422, reason)


def test_custom_fields_are_for_lists_that_have_some() -> None:
    with pytest.raises(HttpProblem) as refusal:
        Grammar(("name",), custom=False).condition(Term("cf_x", "1"), ANNA)
    assert refusal.value.status == 400
