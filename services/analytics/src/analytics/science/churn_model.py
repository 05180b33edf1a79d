"""The churn model: BG/NBD under a weak prior, averaged with a logistic on log-RFM in log-odds."""

import json
from dataclasses import dataclass
from importlib import resources

import numpy as np

from analytics.science.churn_bgnbd import Buying, fit, no_purchase
from analytics.science.churn_ledger import Floats, Ints, Ledger, Standing, bought_between, standing
from analytics.science.win_linear import expit, logit, one_thread, penalised_newton

SAMPLE = 12_000  # clients the parameters are learnt from; more change the third digit only
STEP = 30  # days between the origins at which past clients are labelled
ORIGINS = 6
YEAR = 365
LOGISTIC_HALF = 150.0  # labelled clients at which the logistic would weigh half, were it not capped
LOGISTIC_CAP = 0.5
RIDGE = 1.0
CHUNK = 65_536  # clients scored at a time; a bound on memory


@dataclass(frozen=True, slots=True)
class ChurnModel:
    """Parameters learnt from one workspace for one horizon.

    `mean`, `spread`, `weights` [F] and `intercept` belong to the logistic on log-RFM, which has the
    share `share` of the log-odds; `clients`, `repeaters` and `history_days` say from how much.
    """

    horizon_days: int
    buying: Buying
    mean: Floats
    spread: Floats
    weights: Floats
    intercept: float
    share: float
    value_scale: float
    clients: int
    repeaters: int
    labelled: int
    history_days: int

    def log_odds(self, known: Standing) -> Floats:
        """Log-odds [n] of no purchase within the horizon."""
        n = len(known.count)
        parts = [self._log_odds(known.take(slice(i, i + CHUNK))) for i in range(0, n, CHUNK)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _log_odds(self, known: Standing) -> Floats:
        args = known.repeats, known.active_days, known.age_days
        silent = logit(np.clip(no_purchase(self.buying, *args, self.horizon_days), 1e-6, 1 - 1e-6))
        if self.share == 0:
            return silent
        z = (rfm(known, self.value_scale) - self.mean) / self.spread
        logistic = self.intercept + z @ self.weights
        return np.asarray((1 - self.share) * silent + self.share * logistic)

    def probability(self, known: Standing) -> Floats:
        """Probability [n] of no purchase within the horizon, between 0.1 % and 99.9 %."""
        return np.clip(expit(self.log_odds(known)), 0.001, 0.999)


def shipped_prior() -> tuple[Buying, Floats]:
    """Centre and log spread [4] of the prior, from the data file in this package."""
    text = resources.files("analytics.science").joinpath("data/churn_prior.json").read_text("utf-8")
    prior = json.loads(text)
    centre = Buying(**{name: float(prior["centre"][name]) for name in ("r", "alpha", "a", "b")})
    return centre, np.array([float(prior["log_spread"][n]) for n in ("r", "alpha", "a", "b")])


def rfm(known: Standing, value_scale: float) -> Floats:
    """Recency, frequency, age, money and silence in own rhythms, in logs [n, 5].

    A client with one purchase has no rhythm; its silence is set against its age instead.
    """
    silent, repeats = np.log1p(known.silent_days), np.log1p(known.repeats)
    money = np.log1p(np.maximum(np.nan_to_num(known.value, nan=value_scale), 0.0) / value_scale)
    rhythm = np.where(known.repeats > 0, known.rhythm_days, known.age_days)
    overdue = silent - np.log1p(np.nan_to_num(rhythm))
    return np.column_stack([silent, repeats, np.log1p(known.age_days), money, overdue])


def sample_of(known: Standing, size: int) -> Ints:
    """Positions of at most `size` clients with purchases, the same whatever the order of rows.

    Clients are drawn by a hash of what is known of them, so two workspaces that differ in the order
    of their clients only get the same parameters.
    """
    mix = known.first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mix ^= known.last.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    mix ^= known.count.astype(np.uint64) * np.uint64(0x165667B19E3779F9)
    cents = np.round(np.nan_to_num(known.value) * 100).astype(np.int64).astype(np.uint64)
    mix ^= cents * np.uint64(0x27D4EB2F165667C5)
    mix ^= mix >> np.uint64(29)
    mix *= np.uint64(0xBF58476D1CE4E5B9)
    buyers = np.flatnonzero(known.count > 0)
    keys = mix[buyers]
    if len(buyers) > size:
        near = np.argpartition(keys, size)[:size]
        buyers, keys = buyers[near], keys[near]
    return buyers[np.argsort(keys, kind="stable")]


def origins(first: int, today: int, horizon: int) -> list[int]:
    """Past days at which clients can be labelled: `horizon` days ago and each STEP before, and one
    year ago, when the same season followed."""
    earliest = first + max(horizon // 2, 2 * STEP)
    steps = [today - horizon - STEP * k for k in range(ORIGINS)]
    chosen = {o for o in steps if o >= earliest}
    if horizon < YEAR and today - YEAR >= earliest:
        chosen.add(today - YEAR)
    return sorted(chosen)


def learn(ledger: Ledger, today: int, horizon: int) -> ChurnModel:
    """Fit both parts on (a sample of) the clients of a ledger, up to the day `today`."""
    everyone = standing(ledger, today)
    sample = ledger.take(sample_of(everyone, SAMPLE))
    known = standing(sample, today)
    centre, spread = shipped_prior()
    buying = fit(known.repeats, known.active_days, known.age_days, centre, spread)
    amounts = known.value[np.isfinite(known.value) & (known.value > 0)]
    scale = float(np.median(amounts)) if len(amounts) else 1.0
    start = int(ledger.day.min()) if len(ledger.day) else today
    mean, sd, weights, intercept, labelled = _learn_logistic(sample, start, today, horizon, scale)
    share = min(labelled / (labelled + LOGISTIC_HALF), LOGISTIC_CAP)
    return ChurnModel(
        horizon,
        buying,
        mean,
        sd,
        weights,
        intercept,
        share,
        scale,
        int((everyone.count > 0).sum()),
        int((everyone.count > 1).sum()),
        labelled,
        today - start,
    )


def _learn_logistic(
    sample: Ledger, start: int, today: int, horizon: int, scale: float
) -> tuple[Floats, Floats, Floats, float, int]:
    rows, labels, counts = [], [], []
    for origin in origins(start, today, horizon):
        known = standing(sample, origin)
        there = known.count > 0
        rows.append(rfm(known, scale)[there])
        labels.append(~bought_between(sample, origin, origin + horizon)[there])
        counts.append(int(there.sum()))
    left = np.concatenate(labels).astype(np.float64) if labels else np.zeros(0)
    if len(left) == 0 or left.min() == left.max():
        return np.zeros(5), np.ones(5), np.zeros(5), 0.0, 0
    features = np.vstack(rows)
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    design = np.column_stack([(features - mean) / spread, np.ones(len(left))])
    rate = float(logit((left.sum() + 1) / (len(left) + 2)))
    with one_thread():
        w, _ = penalised_newton(design, left, rate, np.array([RIDGE] * 5 + [1e-3]))
    return mean, spread, w[:-1], rate + float(w[-1]), max(counts)
