"""What a deal looked like when it was known: point-in-time features of the win model.

A row may only be described by rows before it. The history of a category (a client, a source) is
therefore counted up to, and without, the row itself while learning, and up to the end of the data
while predicting. A category speaks as its log-odds against the base rate, shrunk by pseudo-deals:

    te = logit((wins + k * base) / (n + k)) - logit(base)

(Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical attributes"), with k
chosen per column by the prequential likelihood, so a column without signal falls silent by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PSEUDO_DEALS = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0])
WIDE = 12  # categories from which on "how often seen" is worth a feature of its own
BINS = 6
LOWEST = -1e9  # what a tree sees for "missing"; below every real value


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of the deals say what. `client` and `value` may repeat the other two lists."""

    categorical: Sequence[str] = ()
    numeric: Sequence[str] = ()
    client: str | None = None
    value: str | None = None

    def categories(self) -> list[str]:
        """Categorical columns and the client, each once, in the order given."""
        extra = [self.client] if self.client is not None else []
        return list(dict.fromkeys([*self.categorical, *extra]))

    def numbers(self) -> list[str]:
        """Numeric columns and the value, each once, without what is already a category."""
        extra = [self.value] if self.value is not None else []
        taken = set(self.categories())
        return [c for c in dict.fromkeys([*self.numeric, *extra]) if c not in taken]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything learnt without looking at outcomes: levels, scales and bin edges.

    Of the S numeric columns: `scale`, `mean`, `spread` [S] of the squashed value, `median` [S] in
    the column's own unit, `has_gaps` [S] whether missing values were seen, `edges` [S, BINS - 1].
    """

    columns: Columns
    levels: tuple[NDArray[np.str_], ...]
    scale: Floats
    mean: Floats
    spread: Floats
    median: Floats
    has_gaps: NDArray[np.bool_]
    edges: Floats

    @property
    def client_at(self) -> int | None:
        """Position of the client among the categories."""
        client = self.columns.client
        return None if client is None else self.columns.categories().index(client)

    @property
    def value_at(self) -> int | None:
        """Position of the value among the numbers."""
        value, numbers = self.columns.value, self.columns.numbers()
        return numbers.index(value) if value in numbers else None


@dataclass(frozen=True, slots=True)
class Table:
    """Deals as numbers: `codes` [n, C] (-1 never seen, 0 missing, 1.. level), `numbers` [n, S]."""

    codes: Ints
    numbers: Floats

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: slice | Ints) -> "Table":
        """Some of the deals, by slice or position."""
        return Table(self.codes[rows], self.numbers[rows])


def check_columns(deals: "pd.DataFrame", columns: Columns) -> None:
    """Raise ValueError naming the columns that `deals` lacks or holds twice."""
    wanted = [*columns.categories(), *columns.numbers()]
    missing = [name for name in wanted if name not in deals.columns]
    if missing:
        raise ValueError(f"deals lack the columns {missing}")
    twice = [name for name in wanted if list(deals.columns).count(name) > 1]
    if twice:
        raise ValueError(f"deals hold the columns {twice} more than once")


def _label(value: object) -> str:
    # A column of whole numbers turns into floats as soon as one is missing; "3.0" must stay "3".
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def factorize(values: "pd.Series") -> tuple[Ints, list[str]]:
    """Codes [n] (-1 for missing or empty) into a list of distinct labels."""
    import pandas as pd

    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    labels = [_label(u).strip() for u in uniques]
    distinct = sorted(set(labels) - {""})
    place = {label: i for i, label in enumerate(distinct)}
    recode = np.array([place.get(label, -1) for label in labels] + [-1], dtype=np.int64)
    return recode[np.asarray(codes, dtype=np.int64)], distinct


def read_numbers(deals: "pd.DataFrame", names: Sequence[str]) -> Floats:
    """The numeric columns as floats [n, S]; infinities become NaN.

    Raises:
        ValueError: a column holds text that is not a number; the column and row are named.
    """
    import pandas as pd

    out = np.full((len(deals), len(names)), np.nan)
    for j, name in enumerate(names):
        column = deals[name]
        if str(column.dtype).startswith(("datetime", "timedelta")):
            raise ValueError(f"column {name!r} holds dates; give days or another number")
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        bad = np.isnan(numbers) & column.notna().to_numpy()
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(f"column {name!r}, row {row}: {column.iloc[row]!r} is not a number")
        out[:, j] = np.where(np.isfinite(numbers), numbers, np.nan)
    return out


def _squash(numbers: Floats, scale: Floats) -> Floats:
    # asinh is linear near zero and logarithmic far out: money with its long tail, refunds and
    # zeros all fit on one scale.
    return np.arcsinh(numbers / scale)


def learn_vocabulary(deals: "pd.DataFrame", columns: Columns) -> tuple[Vocabulary, Table]:
    """Levels, scales and edges of past deals, and the deals in those terms."""
    check_columns(deals, columns)
    coded = [factorize(deals[name]) for name in columns.categories()]
    codes = np.empty((len(deals), len(coded)), dtype=np.int64)
    for j, (code, _) in enumerate(coded):
        codes[:, j] = code + 1
    numbers = read_numbers(deals, columns.numbers())
    size = numbers.shape[1]
    scale, mean, spread, median = np.ones(size), np.zeros(size), np.ones(size), np.zeros(size)
    edges = np.full((size, BINS - 1), np.nan)
    for j in range(size):
        known = numbers[~np.isnan(numbers[:, j]), j]
        if len(known) == 0:
            continue
        nonzero = np.abs(known[known != 0])
        scale[j] = float(np.median(nonzero)) if len(nonzero) else 1.0
        squashed = _squash(known, scale[j : j + 1])
        mean[j], spread[j] = float(squashed.mean()), max(float(squashed.std()), 1e-9)
        median[j] = float(np.median(known))
        edges[j] = np.quantile(known, np.arange(1, BINS) / BINS)
    gaps = np.asarray(np.isnan(numbers).any(axis=0), dtype=np.bool_)
    levels = tuple(np.array(labels, dtype=np.str_) for _, labels in coded)
    vocabulary = Vocabulary(columns, levels, scale, mean, spread, median, gaps, edges)
    return vocabulary, Table(codes, numbers)


def read_table(deals: "pd.DataFrame", vocabulary: Vocabulary) -> Table:
    """Deals in the terms of a vocabulary; a level it never saw is coded -1."""
    columns = vocabulary.columns
    check_columns(deals, columns)
    codes = np.empty((len(deals), len(vocabulary.levels)), dtype=np.int64)
    for j, (name, known) in enumerate(zip(columns.categories(), vocabulary.levels, strict=True)):
        code, labels = factorize(deals[name])
        place = {str(label): i + 1 for i, label in enumerate(known)}
        recode = np.array([place.get(label, -1) for label in labels] + [0], dtype=np.int64)
        codes[:, j] = recode[code]
    return Table(codes, read_numbers(deals, columns.numbers()))


def binned(table: Table, vocabulary: Vocabulary) -> Ints:
    """Numbers as categories [n, S]: 0 missing, 1.. the bin between the past's quantiles."""
    out = np.zeros(table.numbers.shape, dtype=np.int64)
    for j in range(table.numbers.shape[1]):
        x = table.numbers[:, j]
        out[:, j] = np.where(np.isnan(x), 0, np.searchsorted(vocabulary.edges[j], x, "left") + 1)
    return out


def standardised(table: Table, vocabulary: Vocabulary) -> Floats:
    """Numbers squashed to mean 0 and spread 1 of the past [n, S], held within 4; NaN stays."""
    z = (_squash(table.numbers, vocabulary.scale) - vocabulary.mean) / vocabulary.spread
    return np.clip(z, -4.0, 4.0)
