"""Reasons for a churn score, in words, written when somebody reads them.

A million clients are scored in seconds; a million sentences would take longer than the scores and
three times their memory. The column of factors therefore keeps positions and speaks on demand.
This module imports pandas and is itself imported only when clients are scored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray, ExtensionDtype, register_extension_dtype, take

from analytics.science.churn_ledger import Floats, Ints, Standing
from analytics.science.churn_model import ChurnModel
from analytics.science.types import Factor
from analytics.science.win_linear import expit

Reasons = tuple[Factor, ...]
PROSPECT = (Factor("prospect", "Has not bought yet, so there is nothing to lose: no score", 0.0),)


class Narrator:
    """Reasons of every client of one scoring: silence against its own rhythm, and its purchases.

    A weight is the change of the log-odds against the same client with its last purchase one usual
    gap ago, or with one purchase only.
    """

    def __init__(self, model: ChurnModel, known: Standing) -> None:
        self._model, self._known = model, known
        self._weights: tuple[Floats, Floats] | None = None
        self._shown: Floats | None = None
        # Of all clients at once: each of these is computed when it is looked at.
        self._count, self._silent = known.count, known.silent_days
        self._rhythm = known.rhythm_days

    def of(self, client: int) -> Reasons:
        """Reasons of the client at this position."""
        count = int(self._count[client])
        if count == 0:
            return PROSPECT
        silence, habit = (float(w[client]) for w in self._weigh())
        silent = int(self._silent[client])
        if count == 1:
            ago = f"{_days(silent)} ago" if silent else "today"
            words = f"One purchase, {ago}; no rhythm of its own yet"
            return (Factor("silence", words, silence), self._usual(client, silence))
        rhythm = max(round(float(self._rhythm[client])), 1)
        words = f"Silent for {_days(silent)}, usually {_days(rhythm)} between purchases"
        bought = f"Bought on {_days(count)} so far"
        return (Factor("silence", words, silence), Factor("purchases", bought, habit))

    def _usual(self, client: int, silence: float) -> Factor:
        """What is told of somebody whose only purchase has just been: nothing but what is usual."""
        odds = float(self._known_odds()[client]) - silence
        days = _days(self._model.horizon_days)
        words = f"Of clients with one purchase {expit(odds):.0%} buy nothing in the next {days}"
        return Factor("base", words, odds)

    def _known_odds(self) -> Floats:
        if self._shown is None:
            self._shown = self._model.log_odds(self._known)
        return self._shown

    def _weigh(self) -> tuple[Floats, Floats]:
        if self._weights is None:
            shown = self._known_odds()
            on_time = shown - self._model.log_odds(_as_if_on_time(self._known))
            self._weights = on_time, shown - self._model.log_odds(_as_if_single(self._known))
        return self._weights


class _Choir:
    """Narrators one after the other, for columns put together from several scorings."""

    def __init__(self, columns: Sequence["FactorsArray"]) -> None:
        self._columns = columns
        self._ends = np.cumsum([len(column) for column in columns])

    def of(self, row: int) -> Reasons | None:
        """Reasons of the row at this position in all columns together."""
        which = int(np.searchsorted(self._ends, row, "right"))
        column = self._columns[which]
        reasons: Reasons | None = column[row - int(self._ends[which]) + len(column)]
        return reasons


def _as_if_on_time(known: Standing) -> Standing:
    # One usual gap ago; without a gap of its own, on the day itself.
    usual = np.nan_to_num(np.round(known.rhythm_days), nan=0.0).astype(np.int64)
    return replace(known, last=np.maximum(known.last, known.on - usual))


def _as_if_single(known: Standing) -> Standing:
    once = np.minimum(known.count, 1)
    return replace(known, count=once, last=known.first)


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n} days"


@register_extension_dtype
class FactorsDtype(ExtensionDtype):  # type: ignore[misc]  # pandas comes without types here
    """Data type of a column of reasons."""

    name = "factors"
    na_value = None

    @classmethod
    def construct_array_type(cls) -> Any:
        """The array that holds this type."""
        return FactorsArray

    @property
    def type(self) -> Any:
        """What one cell holds."""
        return tuple


class FactorsArray(ExtensionArray):  # type: ignore[misc]  # pandas comes without types here
    """A column of reasons: positions of clients, spoken by a narrator when read."""

    def __init__(self, narrator: Narrator | _Choir, clients: Ints) -> None:
        self._narrator, self._clients = narrator, clients

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence["FactorsArray"]) -> "FactorsArray":
        missing = np.concatenate([column.isna() for column in to_concat])
        return cls(_Choir(to_concat), np.where(missing, -1, np.arange(len(missing))))

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> Any:
        # pandas asks for this to make an all-missing column; sentences are never put in by hand.
        if any(scalar is not None for scalar in scalars):
            raise TypeError("a column of factors is made by scoring")
        return cls(_Choir([]), np.full(len(scalars), -1))

    @property
    def dtype(self) -> FactorsDtype:
        """The data type of the column."""
        return FactorsDtype()

    @property
    def nbytes(self) -> int:
        """Bytes of the positions."""
        return int(self._clients.nbytes)

    def __len__(self) -> int:
        return len(self._clients)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, int | np.integer):
            return self._speak(int(self._clients[item]))
        rows = item if isinstance(item, slice) else np.asarray(item)
        return FactorsArray(self._narrator, self._clients[rows])

    def __iter__(self) -> Iterator[Reasons | None]:
        return (self._speak(client) for client in self._clients.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.object_]:
        # Filled one by one: NumPy would make a table of tuples of equal length.
        out = np.empty(len(self), dtype=np.object_)
        for row, reasons in enumerate(self):
            out[row] = reasons
        return out

    def __eq__(self, other: object) -> Any:
        theirs = (
            list(other) if isinstance(other, Sequence | ExtensionArray) else [other] * len(self)
        )
        return np.array([a == b for a, b in zip(self, theirs, strict=True)], dtype=np.bool_)

    def _speak(self, client: int) -> Reasons | None:
        return None if client < 0 else self._narrator.of(client)

    def isna(self) -> NDArray[np.bool_]:
        """Which rows have no reasons."""
        return self._clients < 0

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """The reasons as objects; no other type can hold them."""
        if isinstance(dtype, FactorsDtype) or dtype == "factors":
            return self.copy() if copy else self
        return self.__array__().astype(dtype)

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> Any:
        """Rows by position; with `allow_fill` -1 is a row without reasons."""
        chosen = take(self._clients, indices, fill_value=-1, allow_fill=allow_fill)
        return FactorsArray(self._narrator, chosen)

    def copy(self) -> "FactorsArray":
        """The same column with positions of its own."""
        return FactorsArray(self._narrator, self._clients.copy())
