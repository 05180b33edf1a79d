"""What the audit log says of a changed setting: before and after, in words."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crm.adapters.audit_details import MOST, detail_of
from crm.application import failures
from crm.domain import import_fields
from crm.domain.board_stage import StageChanged, StageState
from crm.domain.custom_field import CustomFieldChanged, FieldState, FieldType, Resource
from crm.domain.imports import ImportFailed
from crm.domain.lost_reason import LostReasonChanged, ReasonState
from crm.domain.rates import Rate, RateChange, RatesChanged
from crm.domain.stage import StageType
from crm.domain.tag import TagChanged
from kit.clock import SystemClock
from kit.ids import new_id

FACT: dict[str, Any] = {
    "aggregate_id": new_id(), "version": 2, "at": SystemClock().now(), "by": new_id(),
}  # fmt: skip
STAGE = StageState(
    name="Offer", type=StageType.OPEN, color="", rotting_days=14, default_probability=0.5,
    position=1,
)  # fmt: skip
FIELD = FieldState(
    resource=Resource.DEALS, key="kind", name="Kind", type=FieldType.SELECT, options=("a", "b"),
    position=0,
)  # fmt: skip
PRICE = ReasonState("Price", 0)


@pytest.mark.parametrize(
    ("before", "removed", "said"),
    [
        (None, False, "Offer: new"),
        (STAGE, True, "Offer: removed"),
        (replace(STAGE, name="Proposal"), False, "Offer: name Proposal → Offer"),
        (
            replace(STAGE, color="red", rotting_days=0, position=0),
            False,
            "Offer: color red → none, rotting days 0 → 14, position 0 → 1",
        ),
        (
            replace(STAGE, type=StageType.WON, default_probability=1.0),
            False,
            "Offer: type won → open, default probability 1.0 → 0.5",
        ),
    ],
)
def test_a_stage(before: StageState | None, removed: bool, said: str) -> None:
    assert detail_of(StageChanged(**FACT, stage=STAGE, before=before, removed=removed)) == said


@pytest.mark.parametrize(
    ("before", "removed", "said"),
    [
        (None, False, "Kind (deals): new"),
        (FIELD, True, "Kind (deals): removed"),
        (replace(FIELD, name="Sort"), False, "Kind (deals): name Sort → Kind"),
        (replace(FIELD, options=()), False, "Kind (deals): options none → a, b"),
    ],
)
def test_a_custom_field(before: FieldState | None, removed: bool, said: str) -> None:
    fact = CustomFieldChanged(**FACT, field=FIELD, before=before, removed=removed)
    assert detail_of(fact) == said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, PRICE, "Price: new"),
        (PRICE, PRICE._replace(removed=True), "Price: removed"),
        (PRICE._replace(removed=True, name="price"), PRICE, "Price: offered again"),
        (PRICE, ReasonState("Budget", 2), "Budget: name Price → Budget, position 0 → 2"),
    ],
)
def test_a_lost_reason(before: ReasonState | None, after: ReasonState, said: str) -> None:
    assert detail_of(LostReasonChanged(**FACT, reason=after, before=before)) == said


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        (("web", "web", "teal", ""), "web: color none → teal"),
        (("web", "web", "", "teal"), "web: color teal → none"),
        (("web", "Website", "teal", ""), "web → Website"),
        (("web", "", "", ""), "web: removed"),
    ],
)
def test_a_tag(tag: tuple[str, str, str, str], said: str) -> None:
    name, new_name, color, before = tag
    fact = TagChanged(**FACT, name=name, new_name=new_name, color=color, color_before=before)
    assert detail_of(fact) == said


def decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def rates(changes: Sequence[tuple[str | None, str | None]]) -> RatesChanged:
    made = [
        RateChange(Rate("USD", date(2026, 1, n + 1), decimal(new)), 1, decimal(old))
        for n, (old, new) in enumerate(changes)
    ]
    return RatesChanged(**FACT, base="EUR", changes=made)


def test_rates() -> None:
    assert detail_of(rates([(None, "0.90")])) == "USD of 2026-01-01: none → 0.90"
    assert detail_of(rates([("0.9", "0.0000001"), ("1", None)])) == (
        "USD of 2026-01-01: 0.9 → 0.0000001, USD of 2026-01-02: 1 → none"
    )
    assert detail_of(rates([(None, "1")] * 12)).endswith("2026-01-03: none → 1 and 9 more")


def test_no_detail_is_longer_than_a_line_keeps() -> None:
    long = replace(FIELD, options=tuple(f"{number:0>100}" for number in range(100)))
    assert len(detail_of(CustomFieldChanged(**FACT, field=long, before=FIELD))) == MOST


@pytest.mark.parametrize("step", sorted(failures.STEPS.values()))
def test_an_import_that_failed_says_at_what_and_not_why(step: str) -> None:
    fact = ImportFailed(
        **FACT,
        resource=import_fields.Resource.DEALS,
        file_name="deals.csv",
        step=step,
        why="Row 4 is about Acme.",
    )
    said = detail_of(fact)
    assert said.startswith(
        {"open": "reading", "check": "checking", "write": "writing"}.get(step, "taking")
    )
    assert "Acme" not in said
