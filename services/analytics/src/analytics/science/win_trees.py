"""Boosted trees as plain arrays: taken over from scikit-learn once, then predicted with NumPy.

Arrays can be stored, checked and read back in any process without running code from a file, and
the path of a deal through the nodes gives exact contributions per feature.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.science.win_features import Floats, Ints
from analytics.science.win_linear import one_thread

MAX_LEAVES = 16  # one bit per leaf of a uint16
CHUNK = 32_768
# Position of the lowest unset bit of every 16-bit number.
_LOWEST_UNSET = np.zeros(1 << 16, dtype=np.uint8)
for _bit in range(15, -1, -1):
    _LOWEST_UNSET[(1 << _bit) - 1 :: 1 << (_bit + 1)] = _bit


@dataclass(frozen=True, slots=True)
class Trees:
    """Nodes of all trees in one row of arrays [N]; `roots` [T]; `baseline` in log-odds.

    `left` and `right` are node positions, -1 at a leaf; a row goes left if x[feature] <= threshold.
    `value` is a leaf's step in log-odds, and inside a tree the mean of its leaves by training rows.
    """

    baseline: float
    roots: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats

    def score(self, features: Floats) -> Floats:
        """Log-odds [n] of rows [n, F].

        Each inner node a row fails strikes out the leaves to its left; the lowest leaf left over is
        where the row ends (Lucchese et al. 2015, "QuickScorer"). Whole columns are compared at
        once, which NumPy does some twenty times faster than walking.
        """
        out = np.full(len(features), self.baseline)
        plans = [self._plan(int(root)) for root in self.roots]
        for start in range(0, len(features), CHUNK):
            block = np.ascontiguousarray(features[start : start + CHUNK].T)
            failed = np.empty(block.shape[1], dtype=np.bool_)
            struck = np.empty(block.shape[1], dtype=np.uint16)
            for nodes, masks, leaves in plans:
                dead = np.zeros(block.shape[1], dtype=np.uint16)
                for node, mask in zip(nodes, masks, strict=True):
                    np.greater(block[self.feature[node]], self.threshold[node], out=failed)
                    np.multiply(failed, mask, out=struck)
                    np.bitwise_or(dead, struck, out=dead)
                out[start : start + CHUNK] += leaves[_LOWEST_UNSET[dead]]
        return out

    def _plan(self, root: int) -> tuple[list[int], list[np.uint16], Floats]:
        nodes: list[int] = []
        masks: list[np.uint16] = []
        leaves: list[float] = []

        def visit(node: int) -> None:
            if self.left[node] < 0:
                leaves.append(float(self.value[node]))
                return
            place, first = len(nodes), len(leaves)
            nodes.append(node)
            masks.append(np.uint16(0))
            visit(int(self.left[node]))
            masks[place] = np.uint16(((1 << len(leaves)) - 1) ^ ((1 << first) - 1))
            visit(int(self.right[node]))

        visit(root)
        return nodes, masks, np.array(leaves)

    def contributions(self, features: Floats) -> tuple[float, Floats]:
        """(constant, parts [n, F]) with constant + parts.sum(1) equal to `score`.

        Each step down a tree credits its feature with the change of the node's mean (Saabas 2014,
        "Interpreting random forests"); the constant is what is expected before any step.
        """
        rows = np.arange(len(features))
        parts = np.zeros(features.shape)
        for root in self.roots:
            node = np.full(len(features), root, dtype=np.int64)
            active = rows
            while len(active):
                here = node[active]
                active, here = active[self.left[here] >= 0], here[self.left[here] >= 0]
                tested = self.feature[here]
                goes_left = features[active, tested] <= self.threshold[here]
                below = np.where(goes_left, self.left[here], self.right[here])
                parts[active, tested] += self.value[below] - self.value[here]
                node[active] = below
        return self.baseline + float(self.value[self.roots].sum()), parts


def no_trees() -> Trees:
    """An ensemble without trees: always log-odds 0."""
    whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Trees(0.0, whole, whole, real, whole, whole, real)


def _means(node: NDArray[np.void], left: Ints, right: Ints) -> Floats:
    # scikit-learn keeps the unshrunk step inside a tree; the mean of the leaves below is what makes
    # path differences add up and be centred.
    value = node["value"].astype(np.float64)
    count = node["count"].astype(np.float64)
    for i in range(len(value) - 1, -1, -1):  # children come after their parent
        if left[i] >= 0:
            le, ri = left[i], right[i]
            value[i] = (value[le] * count[le] + value[ri] * count[ri]) / (count[le] + count[ri])
    return value


def grow(features: Floats, won: Floats, *, rounds: int, rate: float, min_leaf: int) -> Trees:
    """Fit gradient boosting on rows [n, F] and outcomes [n], one thread, and take its trees over.

    Friedman (2001), "Greedy function approximation"; scikit-learn's histogram implementation.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    booster = HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=rate,
        max_leaf_nodes=MAX_LEAVES,
        min_samples_leaf=min_leaf,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=0,
    )
    with one_thread():
        booster.fit(features, won.astype(np.int64))
    return _take_over(booster._predictors, float(booster._baseline_prediction.ravel()[0]))


def _take_over(predictors: list[list[object]], baseline: float) -> Trees:
    roots, parts = [], []
    offset = 0
    for (predictor,) in predictors:
        node = predictor.nodes  # type: ignore[attr-defined]
        leaf = node["is_leaf"].astype(bool)
        left = np.where(leaf, -1, node["left"].astype(np.int64))
        right = np.where(leaf, -1, node["right"].astype(np.int64))
        value = _means(node, left, right)
        feature = np.where(leaf, 0, node["feature_idx"].astype(np.int64))
        threshold = np.where(leaf, 0.0, node["num_threshold"])
        left, right = (np.where(leaf, -1, side + offset) for side in (left, right))
        parts.append((feature, threshold, left, right, value))
        roots.append(offset)
        offset += len(node)
    if not parts:
        return no_trees()
    feature, threshold, left, right, value = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Trees(baseline, np.array(roots, dtype=np.int64), feature, threshold, left, right, value)
