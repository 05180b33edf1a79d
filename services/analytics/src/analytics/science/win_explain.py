"""Why a deal has its odds: exact log-odds contributions, in words.

The linear part contributes weight times distance from the mean; a tree contributes the change of
its mean at each step. Both pass the gate's slope, so base, reasons and remainder add up to the
log-odds shown. What a deal does not state is never named; it weighs in the remainder.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.science import win_words
from analytics.science.types import Factor
from analytics.science.win_features import Floats, Table, Vocabulary, read_table
from analytics.science.win_fit import Fitted, Member
from analytics.science.win_gate import Gate
from analytics.science.win_history import describe, feature_names, for_trees
from analytics.science.win_linear import expit, logit

if TYPE_CHECKING:
    import pandas as pd

    from analytics.science.win import WinModel

NEGLIGIBLE = 1e-9


def contributions(
    member: Member, gate: Gate, table: Table, vocabulary: Vocabulary
) -> tuple[float, Floats]:
    """(start, parts [n, columns]) with start + parts.sum(1) equal to the gate's log-odds."""
    features = describe(table, vocabulary, member.history)
    share = member.tree_share
    parts = (1 - share) * (features - member.mean) * member.weights
    constant = (1 - share) * member.intercept
    if share > 0:
        rows = for_trees(features, table, vocabulary)
        tree_constant, tree_parts = member.trees.contributions(rows)
        parts[:, : rows.shape[1]] += share * tree_parts
        constant += share * tree_constant
    columns = [*vocabulary.columns.categories(), *vocabulary.columns.numbers()]
    by_column = np.zeros((len(table), len(columns)))
    for j, (column, _) in enumerate(feature_names(vocabulary)):
        by_column[:, columns.index(column)] += parts[:, j]
    start = gate.start + gate.slope * (constant - gate.centre)
    return start, gate.slope * by_column


def explain_deals(model: "WinModel", deals: "pd.DataFrame", top: int) -> list[list[Factor]]:
    """At most `top` factors per deal: the start, the heaviest reasons, the remainder.

    Raises:
        ValueError: `top` is below 1.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1, not {top}")
    table = read_table(deals, model.vocabulary)
    shown = logit(model.probability(deals))
    if model.fitted is None or model.fitted.gate.slope == 0:
        return [[_start(model, float(z))] for z in shown]
    fitted = model.fitted
    start, parts = contributions(fitted.member, fitted.gate, table, model.vocabulary)
    stated = np.hstack([table.codes != 0, ~np.isnan(table.numbers)]) & (np.abs(parts) > NEGLIGIBLE)
    speaker = _Speaker(
        model.vocabulary,
        fitted,
        table.codes.tolist(),
        table.numbers.tolist(),
        _without_client(model, table).tolist(),
    )
    # Lists from here on: taking single numbers out of arrays costs more than the words.
    heaviest = np.argsort(-np.abs(parts), axis=1, kind="stable")
    begin = _start(model, start)
    rows = zip(heaviest.tolist(), stated.tolist(), parts.tolist(), shown.tolist(), strict=True)
    return [
        _reasons(speaker, begin, place, [j for j in order if named[j]], weights, odds, top)
        for place, (order, named, weights, odds) in enumerate(rows)
    ]


def _without_client(model: "WinModel", table: Table) -> Floats:
    """Probability [n] of the same deals from a client never seen before."""
    fitted, at = model.fitted, model.vocabulary.client_at
    if fitted is None or at is None:
        return np.full(len(table), np.nan)
    codes = table.codes.copy()
    codes[:, at] = -1
    unknown = Table(codes, table.numbers)
    z = fitted.gate.open(fitted.member.score(unknown, model.vocabulary))
    return np.clip(expit(z), 0.01, 0.99)


def _start(model: "WinModel", z: float) -> Factor:
    if model.n == 0:
        words = "No deal has closed yet; half is assumed until one has"
    elif model.fitted is None:
        words = f"{model.wins} of {model.n} closed deals won; too few to tell deals apart"
    elif model.fitted.gate.slope == 0:
        words = f"{model.wins} of {model.n} closed deals won; no column tells deals apart so far"
    else:
        words = f"A deal with nothing unusual about it: {_percent(float(expit(z)))}"
    return Factor("base", words, z)


def _reasons(
    speaker: "_Speaker",
    start: Factor,
    row: int,
    stated: list[int],
    parts: list[float],
    shown: float,
    top: int,
) -> list[Factor]:
    """`stated` are the columns the deal has a value in, heaviest first."""
    rest = shown - start.weight - sum(parts[j] for j in stated)
    room = top - 1
    whole = len(stated) <= room and abs(rest) <= NEGLIGIBLE
    named = stated if whole else stated[: max(room - 1, 0)]
    factors = [start, *(speaker.factor(row, j, parts[j]) for j in named)]
    rest = shown - sum(f.weight for f in factors)
    if abs(rest) <= NEGLIGIBLE:
        return factors
    if room == 0:
        return [Factor("base", start.words + ", and everything else about this deal", shown)]
    return [*factors, Factor("rest", _rest_words(shown), rest)]


def _rest_words(shown: float) -> str:
    if abs(shown) >= float(logit(0.99)) - NEGLIGIBLE:
        return "Everything else; odds are held between 1% and 99%, no deal is certain"
    return "Everything else about this deal"


def _percent(p: float) -> str:
    return f"{100 * p:.0f}%"


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Puts a column's contribution into words for the deals of one table, given as lists."""

    vocabulary: Vocabulary
    fitted: Fitted
    codes: list[list[int]]
    numbers: list[list[float]]
    without_client: list[float]

    def factor(self, row: int, j: int, weight: float) -> Factor:
        """The reason's sentence; a client also gets the odds the deal would have without it."""
        width = len(self.vocabulary.levels)
        if j >= width:
            return self._number(row, j - width, weight)
        name = self.vocabulary.columns.categories()[j]
        words = self._past(row, j, name)
        if j == self.vocabulary.client_at:
            unknown = _percent(self.without_client[row])
            words += f"; the same deal from an unknown client: {unknown}"
        return Factor(name, words, weight)

    def _past(self, row: int, j: int, name: str) -> str:
        code = self.codes[row][j]
        history = self.fitted.member.history
        if code < 0 or history.n[j][code] == 0:
            return win_words.of_new_category(name)
        label = str(self.vocabulary.levels[j][code - 1])
        wins, n = int(history.wins[j][code]), int(history.n[j][code])
        return win_words.of_category(name, label, wins, n)

    def _number(self, row: int, s: int, weight: float) -> Factor:
        name = self.vocabulary.columns.numbers()[s]
        value, usual = self.numbers[row][s], float(self.vocabulary.median[s])
        return Factor(name, win_words.of_number(name, value, usual), weight)
