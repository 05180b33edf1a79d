"""Requests for lists that have no conditions or orders of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from freelanceflow.type.v1 import filter_pb2 as pb


@dataclass(frozen=True, kw_only=True)
class Plain:
    """What adapters.listing needs of a request."""

    page_size: int
    page_token: str
    conditions: Sequence[pb.Condition] = ()
    sort: Sequence[pb.SortKey] = ()
