"""Why a deal has its odds: exact log-odds contributions, in words.

The linear part contributes weight times distance from the mean; a tree contributes the change of
its mean at each step. Both pass the gate's slope, so base, reasons and remainder add up to the
log-odds shown. What a deal does not state is never named; it weighs in the remainder.
"""

from dataclasses import dataclass, field
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
CERTAIN = float(logit(0.99)) - NEGLIGIBLE


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
    shown = logit(model.probability_in(table))
    if model.fitted is None or model.fitted.gate.slope == 0:
        return [[_start(model, float(z))] for z in shown]
    fitted = model.fitted
    start, parts = contributions(fitted.member, fitted.gate, table, model.vocabulary)
    stated = np.hstack([table.codes != 0, ~np.isnan(table.numbers)]) & (np.abs(parts) > NEGLIGIBLE)
    speaker = _Speaker(
        columns=model.vocabulary.columns.categories(),
        numbers=model.vocabulary.columns.numbers(),
        client_at=model.vocabulary.client_at,
        vocabulary=model.vocabulary,
        fitted=fitted,
        codes=table.codes.tolist(),
        values=table.numbers.tolist(),
        without_client=_without_client(model, table).tolist(),
    )
    # Heaviest first, what is not stated last.
    heaviest = np.argsort(np.where(stated, -np.abs(parts), np.inf), axis=1, kind="stable")
    left_over = shown - start - np.where(stated, parts, 0.0).sum(axis=1)
    whole = (stated.sum(axis=1) <= top - 1) & (np.abs(left_over) <= NEGLIGIBLE)
    named = np.minimum(stated.sum(axis=1), np.where(whole, top - 1, max(top - 2, 0)))
    begin = _start(model, start)
    # Lists from here on: taking single numbers out of arrays costs more than the words.
    rows = zip(
        heaviest[:, :top].tolist(), named.tolist(), parts.tolist(), shown.tolist(), strict=True
    )
    return [
        _reasons(speaker, begin, place, order[:count], weights, odds, top)
        for place, (order, count, weights, odds) in enumerate(rows)
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
    named: list[int],
    parts: list[float],
    shown: float,
    top: int,
) -> list[Factor]:
    """`named` are the columns that are told, heaviest first."""
    factors = [start, *[speaker.factor(row, j, parts[j]) for j in named]]
    rest = shown - sum([f.weight for f in factors])
    if abs(rest) <= NEGLIGIBLE:
        return factors
    if top == 1:
        return [Factor("base", start.words + ", and everything else about this deal", shown)]
    return [*factors, Factor("rest", _rest_words(shown), rest)]


def _rest_words(shown: float) -> str:
    if abs(shown) >= CERTAIN:
        return "Everything else; odds are held between 1% and 99%, no deal is certain"
    return "Everything else about this deal"


def _percent(p: float) -> str:
    return f"{100 * p:.0f}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speaker:
    """Puts a column's contribution into words for the deals of one table, given as lists."""

    columns: list[str]
    numbers: list[str]
    client_at: int | None
    vocabulary: Vocabulary
    fitted: Fitted
    codes: list[list[int]]
    values: list[list[float]]
    without_client: list[float]
    pasts: dict[tuple[int, int], str] = field(default_factory=dict)  # by column and code

    def factor(self, row: int, j: int, weight: float) -> Factor:
        """The reason's sentence; a client also gets the odds the deal would have without it."""
        width = len(self.columns)
        if j >= width:
            return self._number(row, j - width, weight)
        name = self.columns[j]
        words = self._past(j, self.codes[row][j])
        if j == self.client_at:
            unknown = _percent(self.without_client[row])
            words += f"; the same deal from an unknown client: {unknown}"
        return Factor(name, words, weight)

    def _past(self, j: int, code: int) -> str:
        """Many deals share a past: it is put into words once."""
        if (words := self.pasts.get((j, code))) is None:
            words = self.pasts[j, code] = self._words_of_past(j, code)
        return words

    def _words_of_past(self, j: int, code: int) -> str:
        name, history = self.columns[j], self.fitted.member.history
        if code < 0 or history.n[j][code] == 0:
            return win_words.of_new_category(name)
        wins, n = int(history.wins[j][code]), int(history.n[j][code])
        if j == self.client_at:
            return win_words.of_client(wins, n)
        label = str(self.vocabulary.levels[j][code - 1])
        return win_words.of_category(name, label, wins, n)

    def _number(self, row: int, s: int, weight: float) -> Factor:
        name = self.numbers[s]
        value, usual = self.values[row][s], float(self.vocabulary.median[s])
        return Factor(name, win_words.of_number(name, value, usual), weight)
