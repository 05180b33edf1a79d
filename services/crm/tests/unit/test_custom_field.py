"""What a field of the workspace's own takes."""

import pytest

from crm.domain.custom_field import FieldState, FieldType, Resource, problem_with


def problem(type: FieldType, value: str) -> str | None:
    kept = FieldState(
        resource=Resource.DEALS, key="field", name="Field", type=type, options=(), position=0
    )
    return problem_with(kept, value)


@pytest.mark.parametrize("value", ["2026-W01-1", "20260101", "2026-1-1", "2026-02-30", " "])
def test_a_date_is_written_in_one_way_only(value: str) -> None:
    assert problem(FieldType.DATE, value)


@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "data:text/html,x", "//host/x", "https://", "https://a\nb.example"],
)
def test_an_address_leads_to_the_web_only(value: str) -> None:
    assert problem(FieldType.URL, value)


def test_what_is_right_is_taken() -> None:
    assert problem(FieldType.DATE, "2026-02-28") is None
    assert problem(FieldType.URL, "https://example.org/a?b=c") is None
