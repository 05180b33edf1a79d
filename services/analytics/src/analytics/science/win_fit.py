"""Fitting the win model's members: one on all closed deals, others on growing pasts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.science.win_features import Floats, Table, Vocabulary
from analytics.science.win_gate import Gate, choose_anchor, fit_gate
from analytics.science.win_history import History, describe, feature_names, for_trees, learn
from analytics.science.win_linear import expit, fit_linear
from analytics.science.win_trees import Trees, grow, no_trees

FOLDS = 5
KEPT = 3  # growing pasts kept for intervals
SAMPLE = 2000  # past deals on which their disagreement is averaged
FIRST_SHARE = 0.3  # of the deals before the first forward block
TREES_FROM = 200  # closed deals before boosting may speak
MANY = 3000
LATE_FROM = 500  # closed deals from which the first forward block is spared from the gate
RIDGES = (2.0, 8.0, 32.0)
TREE_SHARES = (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Member:
    """One model of one past: history, linear weights [F] around `mean` [F], trees and their share.

    score = (1 - tree_share) * (intercept + (x - mean) @ weights) + tree_share * trees(x)
    """

    n: int
    history: History
    mean: Floats
    weights: Floats
    intercept: float
    trees: Trees
    tree_share: float

    def score(self, table: Table, vocabulary: Vocabulary) -> Floats:
        """Score [n] of deals, in log-odds."""
        features = describe(table, vocabulary, self.history)
        linear = self.intercept + (features - self.mean) @ self.weights
        if self.tree_share == 0:
            return np.asarray(linear)
        trees = self.trees.score(for_trees(features, table, vocabulary))
        return np.asarray((1 - self.tree_share) * linear + self.tree_share * trees)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The member on all rows, those on growing pasts, the gate, and the forward back-test."""

    member: Member
    pasts: tuple[Member, ...]
    gate: Gate
    forward: Floats  # log-odds [m] of forward deals under the gate
    forward_won: Floats
    typical_news: float  # mean over past deals of what the growing pasts disagree about


def news(
    member: Member,
    pasts: Sequence[Member],
    table: Table,
    vocabulary: Vocabulary,
    score: Floats,
) -> Floats:
    """Estimated variance [n] of the member's scores, from how its growing pasts differ.

    A past of n_k of the n deals differs from the whole by about var * (1 / n_k - 1 / n) when each
    deal adds its own news, so the squared differences, rescaled, estimate var / n. Drift makes old
    pasts differ more and so widens the interval.
    """
    total = np.zeros(len(table))
    for past in pasts:
        total += (past.score(table, vocabulary) - score) ** 2 / (member.n / past.n - 1.0)
    return total / max(len(pasts), 1)


def _tree_plan(n: int) -> tuple[int, float, int]:
    """Rounds, learning rate and smallest leaf for n deals: more data, finer trees."""
    if n < 1000:
        return 60, 0.05, 20
    if n < 5000:
        return 100, 0.06, 25
    return 180, 0.08, 40


def cuts(n: int) -> list[int]:
    """Ends of the growing pasts: FOLDS forward blocks after the first FIRST_SHARE of n rows."""
    first = max(round(n * FIRST_SHARE), min(10, n - 1))
    folds = FOLDS if n < MANY else FOLDS - 1
    return sorted({int(c) for c in np.linspace(first, n, folds + 1)[:-1]})


class _Past:
    """One past being fitted: linear weights per ridge, trees apart from their share."""

    def __init__(
        self,
        table: Table,
        vocabulary: Vocabulary,
        won: Floats,
        *,
        ridges: Sequence[float],
        trees: bool,
    ) -> None:
        self.vocabulary, self.n, self.ridges = vocabulary, len(won), ridges
        self.history, features = learn(table, vocabulary, won)
        kinds = [kind for _, kind in feature_names(vocabulary)]
        self.linear = [fit_linear(features, won, kinds, ridge) for ridge in ridges]
        self.trees = no_trees()
        if trees and len(won) >= TREES_FROM // 2 and 0 < won.sum() < len(won):
            rounds, rate, min_leaf = _tree_plan(len(won))
            rows = for_trees(features, table, vocabulary)
            self.trees = grow(rows, won, rounds=rounds, rate=rate, min_leaf=min_leaf)

    def forward(self, table: Table) -> tuple[Floats, Floats]:
        """Linear scores per ridge [R, m] and tree scores [m] of later deals."""
        features = describe(table, self.vocabulary, self.history)
        scores = [intercept + (features - mean) @ w for mean, w, intercept in self.linear]
        linear = np.array(scores)
        if len(self.trees.roots) == 0:
            return linear, linear[len(scores) // 2]
        return linear, self.trees.score(for_trees(features, table, self.vocabulary))

    def member(self, ridge: float, tree_share: float) -> Member:
        """The member with the ridge and the share of the trees that were found best."""
        mean, weights, intercept = self.linear[self.ridges.index(ridge)]
        share = tree_share if len(self.trees.roots) else 0.0
        trees = self.trees if share > 0 else no_trees()
        return Member(self.n, self.history, mean, weights, intercept, trees, share)


def _log_loss(z: Floats, won: Floats) -> float:
    return float(np.mean(np.logaddexp(0.0, z) - won * z))


def _best_mix(linear: Floats, trees: Floats, won: Floats, *, use_trees: bool) -> tuple[int, float]:
    """Position of the ridge and share of the trees with the least forward loss after the gate."""
    shares = TREE_SHARES if use_trees else (0.0,)
    anchor = float(np.clip(won.mean(), 0.01, 0.99))

    def loss(i: int, share: float) -> float:
        score = (1 - share) * linear[i] + share * trees
        return _log_loss(fit_gate(anchor, score, won).open(score), won)

    ridge = min(range(len(linear)), key=lambda i: loss(i, 0.0))
    return ridge, min(shares, key=lambda share: loss(ridge, share))


def fit_members(table: Table, vocabulary: Vocabulary, won: Floats) -> Fitted:
    """Members, gate and back-test of closed deals, oldest first; both outcomes must occur."""
    n, use_trees = len(won), len(won) >= TREES_FROM
    # With thousands of deals the data outweigh any ridge: one is enough.
    ridges = RIDGES if n < MANY else RIDGES[1:2]
    ends = cuts(n)
    pasts, linear, trees = [], [], []
    for end, until in zip(ends, [*ends[1:], n], strict=True):
        rows = table.take(slice(end))
        past = _Past(rows, vocabulary, won[:end], ridges=ridges, trees=use_trees)
        forward_linear, forward_trees = past.forward(table.take(slice(end, until)))
        pasts.append(past)
        linear.append(forward_linear)
        trees.append(forward_trees)
    forward_won = won[ends[0] :]
    every_linear, every_tree = np.hstack(linear), np.concatenate(trees)
    best, share = _best_mix(every_linear, every_tree, forward_won, use_trees=use_trees)
    score = (1 - share) * every_linear[best] + share * every_tree
    # The smallest past is least like the whole: its scores are noisier and would flatten the slope.
    late = ends[1] - ends[0] if n >= LATE_FROM else 0
    gate = fit_gate(choose_anchor(won), score[late:], forward_won[late:])
    ridge = ridges[best]
    whole = _Past(table, vocabulary, won, ridges=(ridge,), trees=share > 0)
    member = whole.member(ridge, share)
    # The youngest pasts are nearest to the whole; the oldest would only add its age.
    kept = tuple(past.member(ridge, share) for past in pasts[-KEPT:])
    sample = table.take(np.arange(0, n, max(n // SAMPLE, 1)))
    typical = float(news(member, kept, sample, vocabulary, member.score(sample, vocabulary)).mean())
    return Fitted(member, kept, gate, gate.open(score), forward_won, typical)


def brier(z: Floats, won: Floats) -> float:
    """Brier score of log-odds [n] against outcomes [n]."""
    return float(np.mean((expit(z) - won) ** 2))
