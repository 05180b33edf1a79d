"""The sets that come with the repository, cut the same way every time.

Only what was known at a cut-off is ever shown to a method.
"""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.science.metrics import seasonal_scale

Floats = NDArray[np.float64]


def repository() -> Path:
    """The root of the checkout; the sets are not part of an installed package.

    Raises FileNotFoundError where there is no checkout around the package.
    """
    for folder in Path(__file__).resolve().parents:
        if (folder / "services" / "analytics" / "data").is_dir():
            return folder
    raise FileNotFoundError("the evaluation data are in the repository, not in this installation")


@dataclass(frozen=True, slots=True)
class Series:
    """A history and what followed; `scale` is the seasonal naive's error on the full history."""

    name: str
    history: Floats
    future: Floats
    scale: float


def m3_monthly(
    *,
    take: int = 300,
    skip: int = 300,
    seed: int = 42,
    lengths: Sequence[int] = (36, 48, 60, 72),
    horizon: int = 12,
) -> list[Series]:
    """M3 monthly series, shuffled by `seed`, each history cut to one of `lengths` months.

    skip=0 is the part scales are learnt on, skip=300 the test sample, skip=600 the confirmation.
    One length with seed 100 + length and take=200 makes a short sample: skip=200 learns, 0 tests.
    """
    groups = _m3_groups()
    names = sorted(groups)
    rng = np.random.default_rng(seed)
    rng.shuffle(names)
    found: list[Series] = []
    for name in names:
        past, future = groups[name]
        fitting = [n for n in lengths if n <= len(past)]
        if not fitting or len(future) < horizon:
            continue
        length = int(rng.choice(fitting))
        found.append(Series(name, past[-length:], future[:horizon], seasonal_scale(past)))
    return found[skip : skip + take]


def _m3_groups() -> dict[str, tuple[Floats, Floats]]:
    path = repository() / "services/analytics/data/m3_monthly/m3_monthly.csv.gz"
    parts: dict[str, tuple[list[float], list[float]]] = {}
    with gzip.open(path, "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            past, future = parts.setdefault(row["series_id"], ([], []))
            (past if row["split"] == "train" else future).append(float(row["value"]))
    return {name: (np.asarray(past), np.asarray(future)) for name, (past, future) in parts.items()}
