"""Series with empty months, to learn the ranges of lumpy income on.

No public set of small firms' monthly income by client comes with the repository, so these are made
of two that do: single CDNOW buyers and small groups of them, and M3 series with months struck out.
"""

import csv
import gzip

import numpy as np
from numpy.typing import NDArray

from analytics.evaluate.datasets import Series, m3_monthly, repository
from analytics.science.metrics import seasonal_scale

Floats = NDArray[np.float64]

HORIZON = 6
MONTHS = 18


def lumpy_series() -> list[Series]:
    """All lumpy series, the same ones every time; futures have six months."""
    return [*_buyers(), *_struck_out()]


def _buyers() -> list[Series]:
    """Groups of 1, 3 and 8 CDNOW buyers with five orders or more: 12 months, then 6."""
    table = _cdnow_months()
    regular = [row for row in table if np.count_nonzero(row) >= 5]
    rng = np.random.default_rng(7)
    found = []
    for size in (1, 3, 8):
        for number in range(120):
            chosen = rng.choice(len(regular), size, replace=False)
            total = np.sum([regular[i] for i in chosen], axis=0)
            past, future = total[:-HORIZON], total[-HORIZON:]
            if np.mean(past == 0) >= 0.25 and np.any(past):
                found.append(Series(f"cdnow-{size}-{number}", past, future, seasonal_scale(past)))
    return found


def _cdnow_months() -> list[Floats]:
    path = repository() / "services/analytics/data/cdnow/transactions.csv.gz"
    table: dict[str, Floats] = {}
    with gzip.open(path, "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            month = (int(row["date"][:4]) - 1997) * 12 + int(row["date"][5:7]) - 1
            table.setdefault(row["client_id"], np.zeros(MONTHS))[month] += float(row["value"])
    return [table[name] for name in sorted(table)]


def _struck_out() -> list[Series]:
    """M3 series of 18 months of which each month is kept with a chance of 30 to 70 %."""
    rng = np.random.default_rng(8)
    found = []
    for series in m3_monthly(skip=200, take=300, seed=118, lengths=(MONTHS,)):
        chance = rng.uniform(0.3, 0.7)
        past = series.history * (rng.random(MONTHS) < chance)
        future = series.future[:HORIZON] * (rng.random(HORIZON) < chance)
        if np.mean(past == 0) >= 0.25 and np.any(past):
            found.append(Series(f"struck-{series.name}", past, future, seasonal_scale(past)))
    return found
