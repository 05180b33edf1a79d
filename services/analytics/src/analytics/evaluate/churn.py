"""Back-test the churn scores: stand on a day, score every client, wait, see who stayed away."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.evaluate import baselines
from analytics.evaluate.report import Goal, Grid, Report, at_most, bar, number
from analytics.evaluate.table import BadFileError, Table
from analytics.science import churn, metrics
from analytics.science.frames import frame

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]

CLIENTS = ("client_id", "customer_id", "customer", "account", "customerid")
DATES = ("closed", "close_date", "paid_at", "invoicedate", "order_date", "ds")
VALUES = ("amount", "total", "revenue", "close_value", "price")
WON = ("deal_stage", "status", "outcome")

RECOMMENDED = "recommended"
RECENCY = "recency rule, days over horizon"
SINGLES = ("BG/NBD alone", "logistic on log-RFM alone")

METHOD = (
    "Every client with enough purchases by the cut-off gets a probability of not buying within the "
    "horizon; whether they did is looked up afterwards. Rules are learnt one horizon earlier, "
    "inside the past."
)


@dataclass(frozen=True, slots=True)
class Purchases:
    """One purchase per row, shape (n,); clients are numbered, dates are days."""

    client: NDArray[np.int64]
    date: Dates
    value: Floats

    def until(self, day: np.datetime64) -> "Purchases":
        """What was known on `day`."""
        rows = self.date <= day
        return Purchases(self.client[rows], self.date[rows], self.value[rows])


def read(table: Table) -> Purchases:
    """Purchases of a file; with an outcome column only the won rows count."""
    client_column = table.need("client", CLIENTS)
    date = table.dates(table.need("date", DATES))
    value_column = table.find("value", VALUES)
    value = table.numbers(value_column) if value_column else np.ones(len(table))
    keep = ~np.isnat(date) & (np.nan_to_num(value, nan=1.0) > 0) & ~table.empty(client_column)
    won_column = table.find("won", WON)
    if won_column is not None:
        keep &= table.outcomes(won_column) == 1
    if not np.any(keep):
        raise BadFileError(f"{table.path.name}: no row has a client, a date and a value above 0.")
    _, client = np.unique(np.array(table.columns[client_column])[keep], return_inverse=True)
    return Purchases(client.astype(np.int64), date[keep], np.nan_to_num(value[keep], nan=1.0))


def last_cut(purchases: Purchases, horizon: int) -> np.datetime64:
    """The last day whose horizon has passed; two horizons before it must be on record."""
    cut = np.datetime64(purchases.date.max() - np.timedelta64(horizon, "D"), "D")
    if cut - purchases.date.min() < np.timedelta64(2 * horizon, "D"):
        raise BadFileError(f"the purchases span too few days to test {horizon} days ahead.")
    return cut


def report(
    purchases: Purchases, cut: np.datetime64, horizon: int, title: str, *, least: int, goals: bool
) -> Report:
    """Score at `cut` clients with at least `least` purchases, and tabulate."""
    said: dict[str, Floats] = {}
    outcome = np.zeros(0)
    for step in bar(["rules", "recommended"], "scoring"):
        if step == "rules":
            clients, silent, outcome = _standing(purchases, cut, horizon, least)
            before = cut - np.timedelta64(horizon, "D")
            _, past_silent, past_outcome = _standing(purchases, before, horizon, least)
            rule = baselines.isotonic_rule(past_silent, past_outcome, silent)
            share = float(past_outcome.mean()) if len(past_outcome) else 0.5
            said[RECENCY] = baselines.days_over_horizon(silent, horizon)
            said["recency rule, steps"] = baselines.day_thresholds(silent)
            said["recency rule, learnt (isotonic)"] = rule
            said["seed formula"] = baselines.seed_churn(silent, horizon)
            said["base rate of the past"] = np.full(len(silent), share)
        else:
            said = {**_scores(purchases.until(cut), cut, horizon, clients), **said}
    rows = [_row(name, outcome, p) for name, p in said.items()]
    note = f"{cut}, {horizon} days ahead: {len(outcome)} clients, {outcome.mean():.0%} stayed away."
    header = ["method", "AUC", "Brier", "ECE", "slope", "lift top 10 %"]
    found = _goals(outcome, said) if goals else []
    return Report(title, METHOD, Grid(header, rows), [note], found)


def _scores(
    known: Purchases, cut: np.datetime64, horizon: int, clients: NDArray[np.int64]
) -> dict[str, Floats]:
    """What we recommend, and each of its two parts alone where both speak."""
    table = frame({"client_id": known.client, "date": known.date, "value": known.value})
    model = churn.fit(table, cut, horizon)
    shares = {RECOMMENDED: model.share}
    if model.share > 0:
        shares |= {SINGLES[0]: 0.0, SINGLES[1]: 1.0}
    said = {}
    for name, share in shares.items():
        scored = churn.score(table, cut, horizon, model=replace(model, share=share))
        by_client = dict(zip(scored["client_id"], scored["probability"], strict=True))
        said[name] = np.array([by_client[client] for client in clients])
    return said


def _standing(
    purchases: Purchases, day: np.datetime64, horizon: int, least: int
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """(client, days silent on `day`, 1 if no purchase within the horizon), enough purchases only.

    Purchases of one client on one day count as one.
    """
    known = purchases.until(day)
    pairs = np.unique(np.column_stack([known.client, known.date.astype(np.int64)]), axis=0)
    clients, counts = np.unique(pairs[:, 0], return_counts=True)
    latest = pairs[np.cumsum(counts) - 1, 1] if len(clients) else np.zeros(0, dtype=np.int64)
    enough = counts >= least
    end = day + np.timedelta64(horizon, "D")
    back = np.unique(purchases.client[(purchases.date > day) & (purchases.date <= end)])
    stayed_away = (~np.isin(clients, back)).astype(np.float64)
    silent = (day.astype("datetime64[D]").astype(np.int64) - latest).astype(np.float64)
    return clients[enough], silent[enough], stayed_away[enough]


def _row(name: str, outcome: Floats, p: Floats) -> list[str]:
    slope, _ = metrics.calibration_line(outcome, p)
    return [
        name,
        number(metrics.auc(outcome, p)),
        number(metrics.brier(outcome, p), 4),
        number(metrics.ece(outcome, p)),
        number(slope, 2),
        number(metrics.lift_top(outcome, p), 2),
    ]


def _goals(outcome: Floats, said: dict[str, Floats]) -> list[Goal]:
    """Limits of the design study."""
    ours = metrics.brier(outcome, said[RECOMMENDED])
    singles = [metrics.brier(outcome, said[name]) for name in SINGLES if name in said]
    recency = metrics.brier(outcome, said[RECENCY])
    return [
        *([at_most("Brier / best single method", ours / min(singles), 1.01)] if singles else []),
        at_most("Brier / recency rule", ours / recency, 0.85),
        at_most("ECE", metrics.ece(outcome, said[RECOMMENDED]), 0.05),
    ]
