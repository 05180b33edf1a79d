"""Reasons for a churn score, in words."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analytics.science.churn_ledger import Floats, Ints, Standing
from analytics.science.churn_model import ChurnModel
from analytics.science.types import Factor

PROSPECT = (Factor("prospect", "Has not bought yet, so there is nothing to lose: no score", 0.0),)


def factors_of(model: ChurnModel, known: Standing) -> NDArray[np.object_]:
    """Reasons [n], a tuple per client: its silence against its own rhythm, and its purchases.

    A weight is the change of the log-odds against the same client with the last purchase one usual
    gap ago, or with one purchase only, rounded to a tenth. Whole days and tenths let clients with
    the same story share one sentence, which keeps a million of them in memory.
    """
    there = known.count > 0
    shown = model.log_odds(known)
    silence = _tenths(shown - model.log_odds(_as_if_on_time(known)))
    habit = _tenths(shown - model.log_odds(_as_if_single(known)))
    rhythm = np.nan_to_num(np.round(known.rhythm_days), nan=-1.0).astype(np.int64)
    silent = known.silent_days.astype(np.int64)
    silences = _shared(_silence, silent, rhythm, silence)
    habits = _shared(_habit, known.count, habit)
    single = known.count == 1
    out = np.empty(len(there), dtype=np.object_)
    pairs = list(zip(silences.tolist(), habits.tolist(), strict=True))
    out[:] = pairs
    for i in np.flatnonzero(~there):
        out[i] = PROSPECT
    for i in np.flatnonzero(single):
        out[i] = out[i][:1]
    return out


def _tenths(weight: Floats) -> Ints:
    return np.asarray(np.round(10 * np.clip(weight, -99, 99)).astype(np.int64))


def _as_if_on_time(known: Standing) -> Standing:
    # One usual gap ago; without a gap of its own, on the day itself.
    usual = np.nan_to_num(np.round(known.rhythm_days), nan=0.0).astype(np.int64)
    last = np.maximum(known.last, known.on - usual)
    return replace(known, last=last)


def _as_if_single(known: Standing) -> Standing:
    once = np.minimum(known.count, 1)
    return replace(known, count=once, last=known.first, recent=np.minimum(known.recent, once))


def _shared(make: Callable[..., Factor], *keys: Ints) -> NDArray[np.object_]:
    """One factor [n] per row, made once per distinct combination of keys."""
    combined = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        low = int(key.min()) if len(key) else 0
        width = int(key.max()) - low + 1 if len(key) else 1
        combined = combined * width + (key - low)
    _, first, place = np.unique(combined, return_index=True, return_inverse=True)
    made = np.empty(len(first), dtype=np.object_)
    columns = [key[first].tolist() for key in keys]
    made[:] = [make(*row) for row in zip(*columns, strict=True)]
    return made[place]


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n} days"


def _silence(silent: int, rhythm: int, tenths: int) -> Factor:
    if rhythm < 0:
        words = f"One purchase, {_days(silent)} ago; no rhythm of its own yet"
    else:
        words = f"Silent for {_days(silent)}, usually {_days(max(rhythm, 1))} between purchases"
    return Factor("silence", words, tenths / 10)


def _habit(count: int, tenths: int) -> Factor:
    return Factor("purchases", f"Bought on {_days(count)} so far", tenths / 10)
