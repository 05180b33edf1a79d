"""From values as they come to a history the members can read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MAX_MONTHS = 120
"""Ten years: what is older describes another business and only costs time."""


@dataclass(frozen=True, slots=True)
class History:
    """A clean monthly history, oldest first, in units of its own mean size.

    `values` has shape (n,) and is finite; `unit` turns it back into money. `missing` months were
    unknown and are interpolated; `outliers` are months far off their neighbours. `floor` is the
    lowest value an answer may take: 0 when no month was ever negative (in units of `unit`).
    """

    values: Floats
    unit: float
    missing: int
    outliers: int
    floor: float

    def __len__(self) -> int:
        return len(self.values)


def check_request(horizon: int, season: int, levels: Sequence[float]) -> None:
    """Raise ValueError, naming the argument, for what no history could answer."""
    if isinstance(horizon, bool) or int(horizon) != horizon or horizon < 1:
        raise ValueError(f"horizon must be a whole number of months, 1 or more, not {horizon!r}")
    if isinstance(season, bool) or int(season) != season or not 1 <= season <= 24:
        raise ValueError(f"season must be a whole number of months from 1 to 24, not {season!r}")
    for level in levels:
        if not 0 < level < 100:
            raise ValueError(f"levels are percentages between 0 and 100, not {level!r}")


def clean(values: ArrayLike) -> History:
    """Read `values`, shape (n,), oldest month first, NaN for a month that is not known.

    Unknown months before the first known one are dropped, the others are interpolated (carried on
    at the end). Raises ValueError for another shape, text or an infinite value.
    """
    try:
        raw = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("values must be numbers, one per month") from error
    if raw.ndim != 1:
        raise ValueError(f"values must have one dimension, one number per month, not {raw.ndim}")
    if np.any(np.isinf(raw)):
        raise ValueError(
            f"values hold an infinite number at position {int(np.argmax(np.isinf(raw)))}"
        )
    known = np.flatnonzero(~np.isnan(raw))
    if len(known) == 0:
        return History(np.zeros(0), 1.0, len(raw), 0, 0.0)
    months = np.arange(known[0], len(raw))[-MAX_MONTHS:]
    filled = np.interp(months, known, raw[known])
    missing = int(np.isnan(raw[months]).sum())
    unit = float(np.mean(np.abs(filled))) or 1.0
    # Rounding makes the same business in another currency the same input, to the last bit.
    scaled = np.round(filled / unit, 10)
    floor = 0.0 if float(scaled.min()) >= 0 else -np.inf
    return History(scaled, unit, missing, _count_outliers(scaled), floor)


def _count_outliers(values: Floats) -> int:
    """Months over five robust standard deviations, and half a usual month, off their neighbours.

    Hampel's identifier over five months; 1.4826 times the median absolute deviation estimates a
    normal's sigma. `values` are in units of a usual month. Outliers are reported, not removed: on
    the learning sample replacing them by their neighbours made forecasts 3 % worse.
    """
    if len(values) < 7:
        return 0
    padded = np.pad(values, 2, mode="edge")
    local = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    off = np.abs(values - local)
    spread = max(1.4826 * float(np.median(off)), 0.1)
    return int(np.sum(off > 5 * spread))
