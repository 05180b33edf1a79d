"""Which series an expression of PromQL asks for, and by which labels."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser

PARTS = ("lhs", "rhs", "expr", "param", "args", "vector_selector")


class Selector(NamedTuple):
    """A name, and the labels that are matched."""

    name: str
    labels: frozenset[str]


def selectors(expression: str) -> set[Selector]:
    """All of them. Raises ValueError for what cannot be parsed."""
    return set(_selectors(promql_parser.parse(expression)))


def _selectors(node: Any) -> Iterator[Selector]:
    if isinstance(node, promql_parser.VectorSelector):
        yield Selector(node.name or "", frozenset(m.name for m in node.matchers.matchers))
        return
    for part in PARTS:
        below = getattr(node, part, None)
        for each in below if isinstance(below, list) else [below]:
            if isinstance(each, promql_parser.Expr):
                yield from _selectors(each)
