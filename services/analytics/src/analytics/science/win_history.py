"""Counting a category's past: in time order while learning, frozen while predicting."""

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

TINY = 1e-12


def logit(p: Floats | float) -> Floats:
    """Log-odds of a probability."""
    q = np.clip(np.asarray(p, dtype=np.float64), TINY, 1 - TINY)
    return np.asarray(np.log(q / (1 - q)))


def expit(z: Floats | float) -> Floats:
    """Probability of a log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(np.asarray(z, dtype=np.float64), -40, 40))))


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


@dataclass(frozen=True, slots=True)
class History:
    """The past up to one moment: per category wins and n by code, pseudo-deals, usual value.

    `wins[j]`, `n[j]` are indexed by code (0 missing); `pseudo` [C + S]; `base` the win rate;
    `log_value`, `log_n` sum and count the log value of each client, `log_usual` the workspace's.
    """

    wins: tuple[Floats, ...]
    n: tuple[Floats, ...]
    pseudo: Floats
    base: float
    log_value: Floats
    log_n: Floats
    log_usual: float


def all_codes(table: Table, vocabulary: Vocabulary) -> Ints:
    """Categories and binned numbers side by side [n, C + S]."""
    return np.hstack([table.codes, binned(table, vocabulary)])


def _log_values(table: Table, vocabulary: Vocabulary) -> Floats:
    at = vocabulary.value_at
    if at is None:
        return np.full(len(table), np.nan)
    value = table.numbers[:, at]
    return np.where(value > 0, np.log(np.where(value > 0, value, 1.0)), np.nan)


def _usual_gap(logs: Floats, past_sum: Floats, past_n: Floats, usual: float) -> Floats:
    # Two pseudo-deals of the workspace's usual size keep a client's first deal from being odd.
    expected = (past_sum + 2.0 * usual) / (past_n + 2.0)
    return np.where(np.isnan(logs), 0.0, np.clip(logs - expected, -4.0, 4.0))


def feature_names(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """(column, kind) of each feature, in the order of `assemble`."""
    columns = vocabulary.columns
    names = [(c, "te") for c in columns.categories()]
    names += [(c, "te") for c in columns.numbers()]
    names += [(c, "z") for c in columns.numbers()]
    names += [(c, "gap") for c, g in zip(columns.numbers(), vocabulary.has_gaps, strict=True) if g]
    names += [(columns.categories()[j], "seen") for j in _wide(vocabulary)]
    if vocabulary.value_at is not None and vocabulary.client_at is not None:
        names.append((str(columns.value), "usual"))
    return names


def _wide(vocabulary: Vocabulary) -> list[int]:
    client = vocabulary.client_at
    return [j for j, le in enumerate(vocabulary.levels) if len(le) >= WIDE or j == client]


def _assemble(
    table: Table, vocabulary: Vocabulary, te: Floats, seen: Floats, gap: Floats | None
) -> Floats:
    z = standardised(table, vocabulary)
    missing = np.isnan(z)
    parts = [te, np.where(missing, 0.0, z), missing[:, vocabulary.has_gaps].astype(np.float64)]
    parts.append(np.log1p(seen[:, _wide(vocabulary)]))
    if gap is not None:
        parts.append(gap[:, None])
    return np.hstack(parts)


def for_trees(features: Floats, table: Table, vocabulary: Vocabulary) -> Floats:
    """The same features with a missing number as the lowest value, so that trees can part it."""
    out = features.copy()
    start = len(vocabulary.levels) + table.numbers.shape[1]
    block = out[:, start : start + table.numbers.shape[1]]
    block[np.isnan(table.numbers)] = LOWEST
    return out


def learn(table: Table, vocabulary: Vocabulary, won: Floats) -> tuple[History, Floats]:
    """The history after these deals, and each deal's features as they were before it [n, F]."""
    codes, base = all_codes(table, vocabulary), running_base(won)
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
    gap, log_value, log_n, usual = _learn_values(table, vocabulary)
    rate = (float(won.sum()) + 1.0) / (len(won) + 2.0)
    history = History(
        tuple(wins_by), tuple(n_by), np.array(pseudos), rate, log_value, log_n, usual
    )
    return history, _assemble(table, vocabulary, te, seen, gap)


def _learn_values(
    table: Table, vocabulary: Vocabulary
) -> tuple[Floats | None, Floats, Floats, float]:
    logs = _log_values(table, vocabulary)
    known = ~np.isnan(logs)
    usual = float(np.median(logs[known])) if known.any() else 0.0
    at = vocabulary.client_at
    if at is None or vocabulary.value_at is None:
        return None, np.zeros(1), np.zeros(1), usual
    client = table.codes[:, at]
    # A deal without a client has no usual size of its own: it is compared with the workspace.
    counts = (known & (client > 0)).astype(np.float64)
    amounts = np.where(counts > 0, logs, 0.0)
    past_sum, past_n = cumulative_before(client, amounts), cumulative_before(client, counts)
    size = len(vocabulary.levels[at]) + 1
    gap = _usual_gap(logs, past_sum, past_n, usual)
    return gap, np.bincount(client, amounts, size), np.bincount(client, counts, size), usual


def describe(table: Table, vocabulary: Vocabulary, history: History) -> Floats:
    """Features [n, F] of deals against a frozen history."""
    codes = all_codes(table, vocabulary)
    te, seen = np.zeros(codes.shape), np.zeros(codes.shape)
    for j in range(codes.shape[1]):
        code = codes[:, j]
        known = code >= 0
        wins = np.where(known, history.wins[j][code], 0.0)
        n = np.where(known, history.n[j][code], 0.0)
        te[:, j] = shrunk_log_odds(wins, n, history.base, float(history.pseudo[j]))
        seen[:, j] = n
    gap = None
    at = vocabulary.client_at
    if at is not None and vocabulary.value_at is not None:
        code = table.codes[:, at]
        past_sum = np.where(code > 0, history.log_value[code], 0.0)
        past_n = np.where(code > 0, history.log_n[code], 0.0)
        gap = _usual_gap(_log_values(table, vocabulary), past_sum, past_n, history.log_usual)
    return _assemble(table, vocabulary, te, seen, gap)
