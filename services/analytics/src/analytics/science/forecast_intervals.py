"""Ranges around a forecast: shipped scales, then the series' own errors.

A library's interval assumes its model is right and covers less than it says (Prophet's 80 % held
35 to 44 % of outcomes in our measurements). So the spread the members claim is only a shape. It is
multiplied by scales that made it cover on other series, learnt offline per rung, level and horizon
(`data/forecast_scales.json`, which names the command that made it), and from twelve own back-test
errors on by this series' own conformal quantile.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from analytics.science.forecast_members import normal_quantile

Floats = NDArray[np.float64]

MIN_OWN_ERRORS = 12
"""From this many own errors on a series' own quantile is worth listening to."""


@dataclass(frozen=True, slots=True)
class Scales:
    """Shipped multipliers of sigma: {rung: {level: [horizon]}}, and the weight of own errors.

    Own errors weigh n / (n + doubt): a dozen overlapping errors are worth far less than a dozen.
    """

    by_rung: dict[str, dict[int, Floats]]
    doubt: float

    def at(self, rung: str, level: float, horizon: int) -> Floats:
        """Multiplier of sigma for each step, shape (horizon,); steps past the last reuse it.

        Levels between the learnt ones are interpolated in the normal quantile, levels outside are
        carried on in proportion to it.
        """
        table = self.by_rung[rung]
        known = sorted(table)
        steps = np.minimum(np.arange(horizon), len(table[known[0]]) - 1)
        rows = np.array([table[k][steps] for k in known])
        marks = np.array([normal_quantile(k) for k in known])
        z = normal_quantile(level)
        if z <= marks[0]:
            return np.asarray(rows[0] * z / marks[0])
        if z >= marks[-1]:
            return np.asarray(rows[-1] * z / marks[-1])
        return np.array([np.interp(z, marks, column) for column in rows.T])


@cache
def shipped_scales() -> Scales:
    """The scales that come with the package."""
    text = resources.files("analytics.science").joinpath("data/forecast_scales.json").read_text()
    document = json.loads(text)
    return Scales(
        {
            rung: {int(level): np.asarray(row) for level, row in levels.items()}
            for rung, levels in document["scales"].items()
        },
        float(document["doubt"]),
    )


def own_multiplier(ratios: Floats, doubt: float) -> float:
    """How much wider than shipped this series' range must be, from its own errors.

    `ratios` are |error| over the shipped 80 % half-width, any shape, NaN ignored. The conformal
    quantile is the ceil(0.8 (n + 1))-th smallest (Vovk, Gammerman, Shafer 2005); it is blended with
    1 on the log scale. It is held within 0.3 and 10 before: eighteen months that all went well, all
    zero for instance, do not prove that nothing can happen.
    """
    known = np.sort(ratios[np.isfinite(ratios)])
    n = len(known)
    if n < MIN_OWN_ERRORS:
        return 1.0
    place = min(n, int(np.ceil(0.8 * (n + 1)))) - 1
    quantile = float(np.clip(known[place], 0.3, 10.0))
    return float(quantile ** (n / (n + doubt)))


def ranges(
    mean: Floats, half_widths: dict[int, Floats], floor: float
) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Lower and upper per level: nested, holding the mean, never below `floor`."""
    lower: dict[int, Floats] = {}
    upper: dict[int, Floats] = {}
    widest = np.zeros(len(mean))
    for level in sorted(half_widths):
        widest = np.maximum(widest, half_widths[level])
        lower[level] = np.maximum(mean - widest, floor)
        upper[level] = np.maximum(mean + widest, floor)
    return lower, upper
