"""Counting a category's past: in time order while learning, frozen while predicting.

A wide category (a client) speaks twice: by its own win rate, and by its *effect*, what its deals
did beyond what the other columns had promised. The effect is one Newton step of a random intercept,
sum(won - p) / (sum(p (1 - p)) + k), p being the forecast without that category.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.science.win_features import (
    LOWEST,
    PSEUDO_DEALS,
    WIDE,
    Floats,
    Ints,
    Table,
    Vocabulary,
    binned,
    standardised,
)
from analytics.science.win_linear import expit, fit_linear, logit

NARROW = 3  # a category with fewer levels is told by its log-odds alone
EFFECTS = 2  # wide categories that get an effect; each costs a regression per past
EFFECT_FROM = 50  # closed deals
EFFECT_RIDGES = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0])
BASE_RIDGE, BASE_SAMPLE = 8.0, 4000


@dataclass(frozen=True, slots=True)
class History:
    """The past up to one moment.

    `wins[j]`, `n[j]` count by code (0 missing) for C categories and S binned numbers, `pseudo`
    [C + S]; `base` the win rate; `log_value`, `log_n` sum and count the log value of each client,
    `log_usual` the workspace's; `effect[e]` by code for each of the `effect_columns`.
    """

    wins: tuple[Floats, ...]
    n: tuple[Floats, ...]
    pseudo: Floats
    base: float
    log_value: Floats
    log_n: Floats
    log_usual: float
    effect: tuple[Floats, ...]


def cumulative_before(codes: Ints, values: Floats) -> Floats:
    """For each row the sum of `values` [n] over earlier rows of the same code [n]."""
    order = np.argsort(codes, kind="stable")
    sorted_values = values[order]
    running = np.cumsum(sorted_values) - sorted_values
    sorted_codes = codes[order]
    first = np.r_[True, sorted_codes[1:] != sorted_codes[:-1]]
    group = np.cumsum(first) - 1
    out = np.empty(len(codes))
    out[order] = running - running[first][group]
    return out


def shrunk_log_odds(wins: Floats, n: Floats, base: Floats | float, pseudo: float) -> Floats:
    """logit((wins + k base) / (n + k)) - logit(base), element by element."""
    return logit((wins + pseudo * np.asarray(base)) / (n + pseudo)) - logit(base)


def choose_pseudo(wins: Floats, n: Floats, base: Floats, won: Floats) -> float:
    """The k whose one-step-ahead predictions of `won` were likeliest (arrays [n])."""
    best, best_loss = float(PSEUDO_DEALS[-1]), np.inf
    for pseudo in PSEUDO_DEALS[::-1]:
        p = np.clip((wins + pseudo * base) / (n + pseudo), 1e-6, 1 - 1e-6)
        loss = -float(np.sum(np.where(won > 0.5, np.log(p), np.log1p(-p))))
        if loss < best_loss - 1e-9:
            best, best_loss = float(pseudo), loss
    return best


def running_base(won: Floats) -> Floats:
    """Win rate before each row, starting from one win in two pseudo-deals."""
    before = np.arange(len(won), dtype=np.float64)
    return (np.cumsum(won) - won + 1.0) / (before + 2.0)


# ---------------------------------------------------------------- names and layout


def _wide(vocabulary: Vocabulary) -> list[int]:
    client = vocabulary.client_at
    return [j for j, le in enumerate(vocabulary.levels) if len(le) >= WIDE or j == client]


def _narrow(vocabulary: Vocabulary) -> list[int]:
    client = vocabulary.client_at
    return [j for j, le in enumerate(vocabulary.levels) if NARROW <= len(le) < WIDE and j != client]


def effect_columns(vocabulary: Vocabulary) -> list[int]:
    """Categories that get an effect: the client first, then the widest."""
    client = vocabulary.client_at
    wide = sorted(_wide(vocabulary), key=lambda j: (j != client, -len(vocabulary.levels[j]), j))
    return wide[:EFFECTS]


def feature_names(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """(column, kind) of each feature, in the order of `learn` and `describe`."""
    columns = vocabulary.columns
    categories, numbers = columns.categories(), columns.numbers()
    names = [(c, "te") for c in [*categories, *numbers]]
    names += [(c, "z") for c in numbers]
    names += [(c, "gap") for c, g in zip(numbers, vocabulary.has_gaps, strict=True) if g]
    names += [(categories[j], "seen") for j in _wide(vocabulary)]
    if vocabulary.value_at is not None and vocabulary.client_at is not None:
        names.append((str(columns.value), "usual"))
    names += [(categories[j], "effect") for j in effect_columns(vocabulary)]
    for j in _narrow(vocabulary):
        names += [(categories[j], "is")] * len(vocabulary.levels[j])
    return names


def for_trees(features: Floats, table: Table, vocabulary: Vocabulary) -> Floats:
    """The features for trees: no level flags, and a missing number as the lowest value."""
    flags = sum(len(vocabulary.levels[j]) for j in _narrow(vocabulary))
    out = features[:, : features.shape[1] - flags].copy()
    start = len(vocabulary.levels) + table.numbers.shape[1]
    block = out[:, start : start + table.numbers.shape[1]]
    block[np.isnan(table.numbers)] = LOWEST
    return out


def _flags(table: Table, vocabulary: Vocabulary) -> Floats:
    parts = [
        (table.codes[:, j, None] == np.arange(1, len(vocabulary.levels[j]) + 1)).astype(np.float64)
        for j in _narrow(vocabulary)
    ]
    return np.hstack(parts) if parts else np.zeros((len(table), 0))


def _assemble(
    table: Table, vocabulary: Vocabulary, te: Floats, seen: Floats, usual: Floats | None
) -> Floats:
    z = standardised(table, vocabulary)
    missing = np.isnan(z)
    parts = [te, np.where(missing, 0.0, z), missing[:, vocabulary.has_gaps].astype(np.float64)]
    # Saturating: a count that grows with the years would carry the line beyond what it has seen.
    often = seen[:, _wide(vocabulary)]
    parts.append(often / (often + 2.0))
    if usual is not None:
        parts.append(usual[:, None])
    return np.hstack(parts)


# ---------------------------------------------------------------- learning, in time order


def learn(table: Table, vocabulary: Vocabulary, won: Floats) -> tuple[History, Floats]:
    """The history after these deals, and each deal's features as they were before it [n, F]."""
    codes, base = _all_codes(table, vocabulary), running_base(won)
    ones = np.ones(len(won))
    te, seen = np.zeros(codes.shape), np.zeros(codes.shape)
    wins_by, n_by, pseudos = [], [], []
    sizes = [len(le) + 1 for le in vocabulary.levels]
    sizes += [vocabulary.edges.shape[1] + 2] * table.numbers.shape[1]
    for j, size in enumerate(sizes):
        code = codes[:, j]
        wins, n = cumulative_before(code, won), cumulative_before(code, ones)
        pseudo = choose_pseudo(wins, n, base, won)
        te[:, j], seen[:, j] = shrunk_log_odds(wins, n, base, pseudo), n
        wins_by.append(np.bincount(code, won, size).astype(np.float64))
        n_by.append(np.bincount(code, minlength=size).astype(np.float64))
        pseudos.append(pseudo)
    usual, log_value, log_n, log_usual = _learn_values(table, vocabulary)
    plain, flags = _assemble(table, vocabulary, te, seen, usual), _flags(table, vocabulary)
    effects, before = _learn_effects(table, vocabulary, won, np.hstack([plain, flags]))
    rate = (float(won.sum()) + 1.0) / (len(won) + 2.0)
    history = History(
        tuple(wins_by), tuple(n_by), np.array(pseudos), rate, log_value, log_n, log_usual, effects
    )
    return history, np.hstack([plain, before, flags])


def _learn_values(
    table: Table, vocabulary: Vocabulary
) -> tuple[Floats | None, Floats, Floats, float]:
    logs = _log_values(table, vocabulary)
    known = ~np.isnan(logs)
    log_usual = float(np.median(logs[known])) if known.any() else 0.0
    at = vocabulary.client_at
    if at is None or vocabulary.value_at is None:
        return None, np.zeros(1), np.zeros(1), log_usual
    client = table.codes[:, at]
    # A deal without a client has no usual size of its own: it is compared with the workspace.
    counts = (known & (client > 0)).astype(np.float64)
    amounts = np.where(counts > 0, logs, 0.0)
    past_sum, past_n = cumulative_before(client, amounts), cumulative_before(client, counts)
    size = len(vocabulary.levels[at]) + 1
    usual = _beyond_usual(logs, past_sum, past_n, log_usual)
    total = np.asarray(np.bincount(client, amounts, size), dtype=np.float64)
    how_many = np.asarray(np.bincount(client, counts, size), dtype=np.float64)
    return usual, total, how_many, log_usual


def _learn_effects(
    table: Table, vocabulary: Vocabulary, won: Floats, features: Floats
) -> tuple[tuple[Floats, ...], Floats]:
    """Effects by code of each effect column, and those known before each deal [n, E]."""
    chosen = effect_columns(vocabulary)
    before = np.zeros((len(won), len(chosen)))
    effects = []
    named = [name for name in feature_names(vocabulary) if name[1] != "effect"]
    for e, j in enumerate(chosen):
        column, size = vocabulary.columns.categories()[j], len(vocabulary.levels[j]) + 1
        if len(won) < EFFECT_FROM or won.min() == won.max():
            effects.append(np.zeros(size))
            continue
        others = [i for i, name in enumerate(named) if name[0] != column]
        kinds = [named[i][1] for i in others]
        z = _fitted(features[:, others], won, kinds)
        final, before[:, e] = _effect(table.codes[:, j], z, won, size)
        effects.append(final)
    return tuple(effects), before


def _fitted(features: Floats, won: Floats, kinds: Sequence[str]) -> Floats:
    # A handful of weights is known from a few thousand deals; all deals would only take longer.
    some = slice(None, None, max(len(won) // BASE_SAMPLE, 1))
    mean, weights, intercept = fit_linear(features[some], won[some], kinds, BASE_RIDGE, 1e-3)
    return np.asarray(intercept + (features - mean) @ weights)


def _effect(code: Ints, z: Floats, won: Floats, size: int) -> tuple[Floats, Floats]:
    p = expit(z)
    surprise, weight = won - p, p * (1 - p)
    past_surprise, past_weight = cumulative_before(code, surprise), cumulative_before(code, weight)

    def loss(ridge: float) -> float:
        told = z + past_surprise / (past_weight + ridge)
        return float(np.sum(np.logaddexp(0.0, told) - won * told))

    ridge = min((float(k) for k in EFFECT_RIDGES[::-1]), key=loss)
    total = np.bincount(code, surprise, size) / (np.bincount(code, weight, size) + ridge)
    return total, past_surprise / (past_weight + ridge)


# ---------------------------------------------------------------- predicting, frozen


def describe(table: Table, vocabulary: Vocabulary, history: History) -> Floats:
    """Features [n, F] of deals against a frozen history."""
    codes = _all_codes(table, vocabulary)
    te, seen = np.zeros(codes.shape), np.zeros(codes.shape)
    for j in range(codes.shape[1]):
        # Told once per level, then looked up: a hundred thousand deals share few levels.
        level = shrunk_log_odds(
            history.wins[j], history.n[j], history.base, float(history.pseudo[j])
        )
        known = codes[:, j] >= 0
        te[:, j] = np.where(known, level[codes[:, j]], 0.0)
        seen[:, j] = np.where(known, history.n[j][codes[:, j]], 0.0)
    usual = None
    at = vocabulary.client_at
    if at is not None and vocabulary.value_at is not None:
        code = table.codes[:, at]
        past_sum = np.where(code > 0, history.log_value[code], 0.0)
        past_n = np.where(code > 0, history.log_n[code], 0.0)
        logs = _log_values(table, vocabulary)
        usual = _beyond_usual(logs, past_sum, past_n, history.log_usual)
    effects = np.zeros((len(table), len(history.effect)))
    for e, j in enumerate(effect_columns(vocabulary)):
        code = table.codes[:, j]
        effects[:, e] = np.where(code >= 0, history.effect[e][code], 0.0)
    plain = _assemble(table, vocabulary, te, seen, usual)
    return np.hstack([plain, effects, _flags(table, vocabulary)])


def _all_codes(table: Table, vocabulary: Vocabulary) -> Ints:
    """Categories and binned numbers side by side [n, C + S]."""
    return np.hstack([table.codes, binned(table, vocabulary)])


def _log_values(table: Table, vocabulary: Vocabulary) -> Floats:
    at = vocabulary.value_at
    if at is None:
        return np.full(len(table), np.nan)
    value = table.numbers[:, at]
    return np.where(value > 0, np.log(np.where(value > 0, value, 1.0)), np.nan)


def _beyond_usual(logs: Floats, past_sum: Floats, past_n: Floats, usual: float) -> Floats:
    # Two pseudo-deals of the workspace's usual size keep a client's first deal from being odd.
    expected = (past_sum + 2.0 * usual) / (past_n + 2.0)
    return np.where(np.isnan(logs), 0.0, np.clip(logs - expected, -4.0, 4.0))
