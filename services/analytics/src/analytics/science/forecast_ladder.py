"""Which members speak for how much history, and how their voices become one path."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.science import forecast_members as members
from analytics.science.forecast_members import Member, Path

Floats = NDArray[np.float64]

MIN_MONTHS = 4
"""Below this there is no curve: nothing about the months to come can be read from three."""

LUMPY_SHARE = 0.25
"""From this share of empty months on only levels are trusted; trends and seasons chase the gaps."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of the ladder: its name in the scale file, its members, what Prophet may do.

    `prophet` is "no", "joins" (one more member) or "gate" (a member if its past errors admit it).
    """

    name: str
    members: tuple[tuple[str, Member], ...]
    prophet: str = "no"


_LEVELS = (("naive", members.naive), ("SES", members.ses), ("mean of 12", members.recent_mean))
_YOUNG: tuple[tuple[str, Member], ...] = (
    ("theta", members.optimised_theta),
    ("AutoETS", members.auto_ets),
    ("mean of 12", members.recent_mean),
    ("trend and month ridge", members.month_ridge),
    ("seasonal naive", members.seasonal_naive),
)

NONE = Rung("none", ())
SHORT = Rung("short", _LEVELS)
EARLY = Rung("early", (*_LEVELS, ("AutoETS", members.auto_ets)))
YOUNG = Rung("young", _YOUNG)
TWO_SEASONS = Rung("young", _YOUNG, prophet="joins")
FULL = Rung(
    "full",
    (
        ("AutoETS", members.auto_ets),
        ("AutoCES", members.auto_ces),
        ("theta", members.optimised_theta),
        ("seasonal naive", members.seasonal_naive),
    ),
    prophet="gate",
)
LUMPY = Rung(
    "lumpy", (("SES", members.ses), ("mean of 12", members.recent_mean), ("naive", members.naive))
)


def rung_for(history: Floats, season: int) -> Rung:
    """The rung for a clean history of shape (n,); the cuts are those of a season of twelve."""
    n = len(history)
    if n < MIN_MONTHS:
        return NONE
    if float(np.mean(history == 0.0)) >= LUMPY_SHARE:
        return LUMPY
    if n <= 8:
        return SHORT
    if n < max(18, season + season // 2):
        return EARLY
    if n < 2 * season:
        return YOUNG
    return TWO_SEASONS if n == 2 * season else FULL


@dataclass(frozen=True, slots=True)
class Voices:
    """What the members of one rung said about one history."""

    rung: Rung
    paths: dict[str, Path]

    def mean(self, extra: Floats | None = None) -> Floats:
        """The median path, shape (horizon,); `extra` is one more voice."""
        voices = [path.mean for path in self.paths.values()]
        if extra is not None:
            voices.append(extra)
        middle: Floats = np.median(voices, axis=0)
        return middle

    def sigma(self, history: Floats) -> Floats:
        """The median of the spreads the members claim, never below a hundredth of the level.

        A history that repeats itself exactly claims no spread at all; a range of zero width would
        promise what no income ever kept.
        """
        spreads = [path.sigma for path in self.paths.values() if path.sigma is not None]
        middle = np.median(spreads, axis=0) if spreads else np.zeros(len(self.mean()))
        if self.rung.name in ("short", "early", "young"):
            middle = _steadied(middle, history)
        return np.maximum(middle, 0.01 * float(np.mean(np.abs(history))))


def _steadied(sigma: Floats, history: Floats) -> Floats:
    """A few months say little about spread: add three months' worth of a usual one.

    15 % of the level is near the median month-to-month spread of the M3 monthly series.
    """
    n, usual = len(history), 0.15 * float(np.mean(np.abs(history)))
    steadied: Floats = np.sqrt((n * sigma**2 + 3.0 * usual**2) / (n + 3.0))
    return steadied


def ask(
    history: Floats, horizon: int, season: int, *, forms: dict[str, str] | None = None
) -> Voices:
    """Ask every member of the history's rung.

    Args:
        history: shape (n,), clean, n >= 4.
        forms: model forms an earlier search settled on; a back-test refits them without searching.
    """
    rung = rung_for(history, season)
    known = forms or {}
    paths: dict[str, Path] = {}
    for name, member in rung.members:
        path = member(history, horizon, season, known.get(name, ""))
        if path is not None:
            paths[name] = path
    if not paths:
        paths["naive"] = members.naive(history, horizon, season)
    return Voices(rung, paths)
