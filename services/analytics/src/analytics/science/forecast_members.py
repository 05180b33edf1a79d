"""The voices of the ensemble: each takes a history and returns its path and its spread.

A member is a pure function of (history, horizon, season). The history is already clean: finite,
equally spaced months, oldest first, scaled to a mean size near one. A member that cannot answer
for a history (too short, or the library gave up) returns None and the median goes on without it.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z80 = 1.2815515655446004
"""Standard normal quantile of the upper end of a central 80 % interval."""

_ALPHAS = np.arange(0.05, 1.0, 0.05)


@dataclass(frozen=True, slots=True)
class Path:
    """One member's answer: `mean[h]` and the standard deviation `sigma[h]` it claims, or None.

    `form` names the model a search settled on, so that a back-test can refit it without a search.
    """

    mean: Floats
    sigma: Floats | None = None
    form: str = ""


Member = Callable[[Floats, int, int, str], Path | None]
"""(history, horizon, season, form) -> path; an empty form lets the member search."""


# ---------------------------------------------------------------- simple members


def naive(history: Floats, horizon: int, season: int, form: str = "") -> Path:
    """The last month repeated; a random walk's spread grows with the root of the horizon."""
    steps = np.diff(history)
    sigma = _rms(steps) * np.sqrt(np.arange(1, horizon + 1)) if len(steps) else None
    return Path(np.full(horizon, history[-1]), sigma)


def seasonal_naive(history: Floats, horizon: int, season: int, form: str = "") -> Path | None:
    """The same month of the last year; None before a full season was seen."""
    if len(history) < season:
        return None
    ahead = np.arange(horizon)
    mean = history[len(history) - season + ahead % season]
    errors = history[season:] - history[:-season]
    sigma = _rms(errors) * np.sqrt(ahead // season + 1.0) if len(errors) else None
    return Path(mean, sigma)


def recent_mean(history: Floats, horizon: int, season: int, form: str = "") -> Path:
    """The mean of the last twelve months, or of all when there are fewer."""
    window = history[-12:]
    return Path(np.full(horizon, window.mean()), np.full(horizon, float(np.std(window))))


def ses_level(history: Floats) -> tuple[float, float, float]:
    """Simple exponential smoothing: (last level, alpha, root mean squared one-step error).

    level_t = level_{t-1} + alpha (y_t - level_{t-1}). Brown (1959); Hyndman et al. (2008), ch. 2.
    Eight months cannot tell one alpha from another, so they use 0.3. More months average over a
    grid of alphas, each with its least-squares first level, by likelihood SSE^(-(n-1)/2) times a
    prior (1 - alpha)^2 that prefers calm.
    """
    n = len(history)
    alphas = np.array([0.3]) if n <= 8 else _ALPHAS
    # The level is linear in the first level l0: level_t = base_t + decay_t * l0.
    base, decay = np.zeros(len(alphas)), np.ones(len(alphas))
    ee, ed, dd = np.zeros(len(alphas)), np.zeros(len(alphas)), np.zeros(len(alphas))
    for value in history:
        error = value - base
        ee, ed, dd = ee + error**2, ed + error * decay, dd + decay**2
        base, decay = base + alphas * error, decay * (1 - alphas)
    first = np.full(1, history[0]) if n <= 8 else ed / dd
    squares = np.maximum(ee - 2 * first * ed + first**2 * dd, 1e-12)
    weights = (squares / squares.min()) ** (-(n - 1) / 2) * (1 - alphas) ** 2
    weights /= weights.sum()
    level = float(weights @ (base + decay * first))
    rms = float(np.sqrt(weights @ squares / max(n - 1, 1)))
    return level, float(weights @ alphas), rms


def ses(history: Floats, horizon: int, season: int, form: str = "") -> Path:
    """Simple exponential smoothing, flat ahead; variance 1 + (h-1) alpha^2 times the one-step."""
    level, alpha, rms = ses_level(history)
    ahead = np.arange(horizon)
    return Path(np.full(horizon, level), rms * np.sqrt(1 + ahead * alpha**2))


def linear_regression(history: Floats, horizon: int, season: int, form: str = "") -> Path:
    """Least-squares line through time, carried on; spread of a new observation around the line."""
    n = len(history)
    time = np.arange(n) - (n - 1) / 2
    squares = float(time @ time)
    slope = float(time @ history) / squares if squares > 0 else 0.0
    ahead = np.arange(n, n + horizon) - (n - 1) / 2
    residual = history - history.mean() - slope * time
    error = float(np.sqrt(residual @ residual / max(n - 2, 1)))
    sigma = error * np.sqrt(1 + 1 / n + (ahead**2 / squares if squares > 0 else 0.0))
    return Path(history.mean() + slope * ahead, sigma)


def month_ridge(
    history: Floats, horizon: int, season: int, form: str = "", *, pull: float = 1.0
) -> Path:
    """Straight trend plus one effect per month, the effects pulled to zero (ridge regression).

    Minimises |y - a - b t - s_m|^2 + pull |s|^2: with `pull` observations' worth of doubt about
    each month. Hoerl and Kennard (1970).
    """
    n = len(history)
    time = (np.arange(n + horizon) - (n - 1) / 2) / max(n, 1)
    month = np.eye(season)[np.arange(n + horizon) % season]
    rows = np.column_stack([np.ones(n + horizon), time, month])
    penalty = np.diag([0.0, 0.1 * pull, *([pull] * season)])
    past = rows[:n]
    weights = np.linalg.solve(
        past.T @ past + penalty + 1e-9 * np.eye(len(penalty)), past.T @ history
    )
    residual = history - past @ weights
    return Path(rows[n:] @ weights, np.full(horizon, _rms(residual)))


# ---------------------------------------------------------------- state-space members
#
# The library's functions beneath its model classes, for one setting that those keep to themselves:
# every step of every search also forecasts `nmse` months ahead, for an error no criterion here
# reads. One instead of three finds the same parameters to the last bit, a fifth sooner.

_AHEAD = 1


def auto_ets(history: Floats, horizon: int, season: int, form: str = "") -> Path | None:
    """Exponential smoothing state space, form chosen by AICc. Hyndman, Khandakar (2008)."""
    from statsforecast.ets import forecast_ets

    seen = _seen(season, history)
    with _quietly():
        try:
            fitted = (
                _fitted_ets(history, seen, form[:3], damped=form.endswith("d"))
                if form
                else _search_ets(history, seen)
            )
            answer = forecast_ets(fitted, h=horizon, level=[80])
        except Exception:  # the library raises bare exceptions on series it cannot fit
            return None
    sigma = (answer["hi-80"] - answer["lo-80"]) / (2 * Z80)
    return _checked(answer["mean"], sigma, _ets_form(fitted.get("method", "")))


def _search_ets(history: Floats, season: int) -> dict[str, Any]:
    """The fit of least AICc: first which season there is, then a trend with that season only.

    About ten fits instead of all fifteen, for fewer of those with a season, the dear ones; see
    docs/adr/0096. A steep trend hides the season from forms without one, so a straight line looks
    for it as well.
    """
    level = _fitted_ets(history, season, "ZNZ")
    if "method" not in level:  # a history that never changes has nothing to search for
        return level
    try:
        straight = _fitted_ets(history, season, "AAZ", damped=False)
        found = min(level, straight, key=_aicc)
        kind = _ets_form(found["method"])[2]
        if found is straight and kind == "A":  # added or multiplied: nothing has told yet
            kind = "Z"
        return min(found, _fitted_ets(history, season, f"ZA{kind}"), key=_aicc)
    except Exception:  # raised bare by the library: too few months for a trend
        return level


def _fitted_ets(
    history: Floats, season: int, form: str, *, damped: bool | None = None
) -> dict[str, Any]:
    from statsforecast.ets import ets_f

    fitted: dict[str, Any] = ets_f(history, m=season, model=form, damped=damped, nmse=_AHEAD)
    return fitted


def _aicc(fitted: dict[str, Any]) -> float:
    return float(fitted["aicc"])


def auto_ces(history: Floats, horizon: int, season: int, form: str = "") -> Path | None:
    """Complex exponential smoothing. Svetunkov, Kourentzes, Ord (2022), without its intervals.

    The library simulates 5,000 paths for an interval, fifteen times the cost of the fit.
    """
    from statsforecast.ces import auto_ces as search
    from statsforecast.ces import forecast_ces

    if np.all(history == history[0]):
        return Path(np.full(horizon, history[-1]))
    with _quietly():
        try:
            fitted = search(history, m=_seen(season, history), model=form or "Z", nmse=_AHEAD)
            mean = forecast_ces(fitted, h=horizon)["mean"]
        except Exception:  # as above
            return None
    return _checked(mean, None, str(fitted["seasontype"]))


def optimised_theta(history: Floats, horizon: int, season: int, form: str = "") -> Path | None:
    """Dynamic optimised theta method. Fiorucci et al. (2016), Int. J. of Forecasting 32."""
    from statsforecast.theta import auto_theta, forecast_theta

    positive = bool(np.all(history > 0))
    with _quietly():
        try:
            fitted = auto_theta(
                history, m=_seen(season, history), model="DOTM", nmse=_AHEAD,
                decomposition_type="multiplicative" if positive else "additive",
            )  # fmt: skip
            answer = forecast_theta(fitted, h=horizon, level=[80])
        except Exception:  # as above
            return None
    return _checked(answer["mean"], (answer["hi-80"] - answer["lo-80"]) / (2 * Z80), "")


# ---------------------------------------------------------------- shared


def _seen(season: int, history: Floats) -> int:
    """The season if it was seen twice, else none."""
    return season if len(history) >= 2 * season else 1


def _rms(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2))) if len(errors) else 0.0


def _ets_form(method: str) -> str:
    """'ETS(M,Ad,N)' -> 'MANd', the form `auto_ets` takes back; a constant history has none."""
    if not method:
        return ""
    error, trend, seasonal = method.removeprefix("ETS(").removesuffix(")").split(",")
    return error + trend[0] + seasonal + ("d" if trend.endswith("d") else "")


def _checked(mean: Floats, sigma: Floats | None, form: str) -> Path | None:
    mean = np.asarray(mean, dtype=np.float64)
    if not np.all(np.isfinite(mean)):
        return None
    if sigma is not None and not np.all(np.isfinite(sigma)):
        sigma = None
    return Path(mean, None if sigma is None else np.asarray(sigma, dtype=np.float64), form)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the libraries' warnings about odd series out of the caller's log."""
    logger = logging.getLogger("statsforecast")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def normal_quantile(level: float) -> float:
    """How many standard deviations a central normal range of `level` percent reaches."""
    return NormalDist().inv_cdf(0.5 + level / 200)
