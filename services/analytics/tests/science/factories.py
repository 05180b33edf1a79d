"""Data for the tests of the science: deals, purchases and simulated studios."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.science import simulate, win

Floats = NDArray[np.float64]
COLUMNS = win.Columns(("source",), ("days",), "client", "value")


def make_deals(n: int, seed: int = 0, *, signal: float = 1.5) -> tuple[pd.DataFrame, Floats]:
    """n closed deals, oldest first, and their outcomes; `signal` scales what the source says."""
    rng = np.random.default_rng(seed)
    source = rng.integers(0, 4, n)
    value = rng.lognormal(7, 1, n)
    odds = signal * np.array([1.0, 0.4, -0.4, -1.0])[source] - 0.3 * signal * (np.log(value) - 7)
    deals = pd.DataFrame(
        {
            "source": np.array(["referral", "repeat", "website", "cold"])[source],
            "days": rng.integers(0, 60, n).astype(float),
            "client": [f"C{c}" for c in rng.integers(0, max(n // 6, 2), n)],
            "value": value,
        }
    )
    return deals, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)


def make_purchases(clients: int = 40, seed: int = 0, *, days: int = 500) -> pd.DataFrame:
    """Purchases of clients with rhythms of their own, half of whom stop somewhere."""
    rng = np.random.default_rng(seed)
    rows = []
    for client in range(clients):
        rhythm = rng.lognormal(3.3, 0.5)
        stop = days if rng.random() < 0.5 else rng.uniform(0.2, 1.0) * days
        day = rng.uniform(0, 60)
        while day < stop:
            rows.append((f"C{client}", int(day), round(float(rng.lognormal(5, 0.7)), 2)))
            day += rng.gamma(2, rhythm / 2)
    table = pd.DataFrame(rows, columns=["client_id", "day", "value"])
    date = pd.Timestamp("2023-01-01") + pd.to_timedelta(table["day"], unit="D")
    return table.assign(date=date)[["client_id", "date", "value"]]


@cache
def make_studio(seed: int = 0, years: float = 3, clients: int = 60) -> simulate.Studio:
    """A simulated studio, kept for the tests that share it."""
    return simulate.studio(seed, years, clients=clients)


def naive_bayes(past: pd.DataFrame, won: Floats, deals: pd.DataFrame, columns: list[str]) -> Floats:
    """Win odds as open-source CRMs count them: frequencies multiplied, add-one smoothed."""
    wins, losses = float(won.sum()), float(len(won) - won.sum())
    z = np.full(len(deals), np.log((wins + 1) / (losses + 1)))
    for name in columns:
        counts = pd.DataFrame({"c": past[name].to_numpy(), "w": won}).groupby("c")["w"]
        w, n = counts.sum(), counts.count()
        ratio = np.log((w + 1) / (wins + 2)) - np.log((n - w + 1) / (losses + 2))
        z += deals[name].map(ratio).fillna(0.0).to_numpy(float)
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -20, 20))))
