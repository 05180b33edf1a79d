"""Columns and the names that they are read by."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis.strategies import integers

from crm.adapters.deal_columns import DealRow, deal_columns
from crm.adapters.tables import deals
from crm.entrypoints.rpc.mapping import put
from kit.clock import to_timestamp


def test_a_row_is_named_in_the_order_of_its_columns() -> None:
    assert [column.key for column in deal_columns(deals)] == list(DealRow._fields)


@given(integers(-2_208_988_800_000_000, 8_520_336_000_000_000))  # microseconds: 1900 to 2240
def test_an_instant_read_as_seconds_is_the_same_to_the_microsecond(since: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since)
    stamp = Timestamp()
    put(stamp, at.timestamp())
    assert stamp == to_timestamp(at)
    assert datetime.fromtimestamp(at.timestamp(), UTC) == at
