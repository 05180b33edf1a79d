"""Columns and the names that they are read by."""

from crm.adapters.deal_columns import DealRow, deal_columns
from crm.adapters.tables import deals


def test_a_row_is_named_in_the_order_of_its_columns() -> None:
    assert [column.key for column in deal_columns(deals)] == list(DealRow._fields)
