"""The formulas of the win model against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.science import win_history as history
from analytics.science.win_advice import (
    DICED,
    advise,
    expected_value,
    priority,
    value_per_open_day,
)
from analytics.science.win_features import Columns, factorize, learn_vocabulary, read_table
from analytics.science.win_gate import choose_anchor, fit_gate, shrunk_rate
from analytics.science.win_linear import expit, logit, penalised_newton
from analytics.science.win_trees import Trees, grow, no_trees
from services.analytics.tests.science.factories import COLUMNS, make_deals


def test_log_odds_of_a_category_are_shrunk_by_pseudo_deals() -> None:
    # (3 + 4 * 0.5) / (4 + 4) = 0.625, whose log-odds are ln(5/3); the base's are 0.
    got = history.shrunk_log_odds(np.array([3.0]), np.array([4.0]), 0.5, 4.0)
    assert got[0] == pytest.approx(np.log(5 / 3))


def test_an_unseen_category_says_nothing() -> None:
    assert history.shrunk_log_odds(np.zeros(1), np.zeros(1), 0.3, 8.0)[0] == pytest.approx(0.0)


def test_running_sums_leave_the_row_itself_out() -> None:
    codes, values = np.array([1, 2, 1, 1, 2]), np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    assert history.cumulative_before(codes, values).tolist() == [0, 0, 1, 2, 0]


def test_running_base_starts_from_one_win_in_two() -> None:
    assert history.running_base(np.array([1.0, 1.0, 0.0])).tolist() == [1 / 2, 2 / 3, 3 / 4]


def test_a_column_of_noise_gets_many_pseudo_deals() -> None:
    rng = np.random.default_rng(0)
    won = (rng.random(2000) < 0.4).astype(float)
    code = rng.integers(0, 200, 2000)
    before, n = history.cumulative_before(code, won), history.cumulative_before(code, np.ones(2000))
    assert history.choose_pseudo(before, n, history.running_base(won), won) >= 128


def test_features_of_a_row_never_depend_on_later_rows() -> None:
    # The forerunner read a client's history from the current stage: the future leaked backwards.
    deals, won = make_deals(120)
    other = won.copy()
    other[80:] = 1 - other[80:]
    changed = deals.copy()
    changed.loc[80:, "value"] *= 10
    vocabulary, table = learn_vocabulary(deals, COLUMNS)
    table2 = read_table(changed, vocabulary)
    codes = table.codes[:, 0]
    assert np.array_equal(
        history.cumulative_before(codes, won)[:81], history.cumulative_before(codes, other)[:81]
    )
    names = history.feature_names(vocabulary)
    pinned = [i for i, (_, kind) in enumerate(names) if kind in ("z", "seen", "is")]
    first, second = (history.learn(t, vocabulary, w)[1] for t, w in ((table, won), (table2, other)))
    assert np.array_equal(first[:80, pinned], second[:80, pinned])


def test_a_forward_member_is_the_same_whatever_happens_after_its_past() -> None:
    deals, won = make_deals(120)
    vocabulary, table = learn_vocabulary(deals, COLUMNS)
    past = table.take(slice(80))
    one, features = history.learn(past, vocabulary, won[:80])
    two, again = history.learn(table.take(np.arange(80)), vocabulary, won[:80].copy())
    assert np.array_equal(features, again)
    assert all(np.array_equal(a, b) for a, b in zip(one.wins, two.wins, strict=True))


def test_effect_is_one_newton_step_of_a_random_intercept() -> None:
    # Two deals at p = 0.5, both won: sum(won - p) = 1, sum(p (1 - p)) = 0.5.
    code, z, won = np.array([1, 1, 2, 2]), np.zeros(4), np.array([1.0, 1.0, 0.0, 0.0])
    total, before = history._effect(code, z, won, 3)
    ridge = 1 / total[1] - 0.5
    assert total[2] == pytest.approx(-total[1])
    assert ridge in history.EFFECT_RIDGES
    assert before.tolist() == pytest.approx([0, 0.5 / (0.25 + ridge), 0, -0.5 / (0.25 + ridge)])


def test_newton_solves_the_penalised_score_equation() -> None:
    rng = np.random.default_rng(1)
    rows, won = rng.normal(size=(80, 3)), (rng.random(80) < 0.6).astype(float)
    ridge, centre = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, 0.0])
    w, covariance = penalised_newton(rows, won, 0.2, ridge, centre)
    p = expit(0.2 + rows @ w)
    assert rows.T @ (won - p) == pytest.approx(ridge * (w - centre), abs=1e-5)
    inverse = (rows * (p * (1 - p))[:, None]).T @ rows + np.diag(ridge)
    assert covariance @ inverse == pytest.approx(np.eye(3), abs=1e-6)


def test_labels_survive_a_missing_value_beside_them() -> None:
    whole, _ = factorize(pd.Series([1, 2, 1]))
    gaps, labels = factorize(pd.Series([1, None, 2, "", 1]))
    assert labels == ["1", "2"]
    assert gaps.tolist() == [0, -1, 1, -1, 0]
    assert whole.tolist() == [0, 1, 0]


def test_columns_named_twice_count_once() -> None:
    columns = Columns(("a", "client"), ("value", "x"), "client", "value")
    assert columns.categories() == ["a", "client"]
    assert columns.numbers() == ["value", "x"]


# ---------------------------------------------------------------- trees


def hand_tree() -> Trees:
    """x0 <= 1 ? -1 : (x1 <= 5 ? 1 : 3), with means as if 4, 2 and 2 rows sat in the leaves."""
    whole = np.array
    return Trees(
        0.5, whole([0]), whole([0, 0, 1, 0, 0]), np.array([1.0, 0, 5.0, 0, 0]),
        whole([1, -1, 3, -1, -1]), whole([2, -1, 4, -1, -1]), np.array([0.5, -1.0, 2.0, 1.0, 3.0]),
    )  # fmt: skip


def test_a_tree_is_walked_as_by_hand() -> None:
    rows = np.array([[1.0, 9.0], [2.0, 5.0], [2.0, 6.0]])
    assert hand_tree().score(rows).tolist() == [-0.5, 1.5, 3.5]


def test_path_differences_credit_the_feature_that_was_asked() -> None:
    constant, parts = hand_tree().contributions(np.array([[2.0, 6.0]]))
    assert constant == 1.0
    assert parts.tolist() == [[1.5, 1.0]]


def test_trees_taken_over_predict_what_scikit_learn_predicts() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1500, 6)).round(2)
    won = (rng.random(1500) < expit(rows[:, 0] * rows[:, 1] + rows[:, 2])).astype(float)
    trees = grow(rows, won, rounds=30, rate=0.1, min_leaf=20)
    theirs = HistGradientBoostingClassifier(
        max_iter=30, learning_rate=0.1, max_leaf_nodes=16, min_samples_leaf=20,
        l2_regularization=5.0, early_stopping=False, random_state=0,
    ).fit(rows, won)  # fmt: skip
    new = rng.normal(size=(40_000, 6)).round(2)
    assert trees.score(new) == pytest.approx(theirs.decision_function(new), abs=1e-9)
    constant, parts = trees.contributions(new[:500])
    assert constant + parts.sum(axis=1) == pytest.approx(trees.score(new[:500]), abs=1e-9)


def test_no_trees_say_nothing() -> None:
    assert no_trees().score(np.ones((2, 3))).tolist() == [0.0, 0.0]


# ---------------------------------------------------------------- gate


def test_the_rate_is_shrunk_by_two_pseudo_deals() -> None:
    assert shrunk_rate(3, 4) == pytest.approx(4 / 6)
    assert shrunk_rate(0, 0) == 0.5


def test_scores_of_noise_leave_the_gate_almost_shut() -> None:
    rng = np.random.default_rng(0)
    slopes = [
        fit_gate(0.4, rng.normal(size=300), (rng.random(300) < 0.4).astype(float)).slope
        for _ in range(50)
    ]
    assert np.mean(np.array(slopes) == 0) > 0.6
    assert max(slopes) < 0.5


def test_honest_scores_pass_the_gate_unchanged() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(0, 1.5, 20_000)
    gate = fit_gate(0.5, score, (rng.random(20_000) < expit(score)).astype(float))
    assert gate.slope == pytest.approx(1.0, abs=0.05)
    assert gate.open(np.array([1.0]))[0] == pytest.approx(1.0, abs=0.08)


def test_scores_that_point_the_wrong_way_are_not_followed() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(0, 1, 500)
    assert fit_gate(0.5, score, (rng.random(500) < expit(-score)).astype(float)).slope == 0


def test_the_anchor_is_the_long_run_unless_the_recent_rate_foretells_better() -> None:
    steady = np.tile([1.0, 0.0], 500)
    assert choose_anchor(steady) == pytest.approx(0.5, abs=1e-6)
    # A rate that slid from 70 to 20 % over the years.
    rng = np.random.default_rng(0)
    sliding = (rng.random(2000) < np.linspace(0.7, 0.2, 2000)).astype(float)
    assert choose_anchor(sliding) < 0.35


# ---------------------------------------------------------------- advice


def test_value_per_open_day() -> None:
    got = value_per_open_day([0.5, 0.5, 0.5], [1000, 1000, -5], [10, 0, 3])
    assert got[:2].tolist() == [50.0, 500.0]
    assert np.isnan(got[2])


def test_priority_by_hand() -> None:
    # Odds 1.5 against even ones; four times the median value per day doubles it.
    got = priority([0.6, 0.5, 0.6], 0.5, [50.0, 240.0, 200.0], [1, 1, 1])
    worth = np.array([30.0, 120.0, 120.0])
    assert got == pytest.approx(np.array([1.5, 1.0, 1.5]) * np.sqrt(worth / 120.0))


@pytest.mark.parametrize("base", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_every_advice_can_appear_whatever_the_base_rate(base: float) -> None:
    # The forerunner's odds ended at 0.55 and its Focus began at 0.7.
    p = np.linspace(0.01, 0.99, 99)
    got = set(advise(p, base, np.full(99, 1000.0), np.full(99, 10.0)))
    assert "focus" in got
    assert base < 0.05 or got == {"focus", "review", "reconsider"}


def test_a_usual_lead_of_a_thin_funnel_is_not_to_be_reconsidered() -> None:
    assert advise([0.1, 0.1], 0.1, [500, 500], [5, 5]).tolist() == ["review", "review"]


def test_deals_without_values_are_ranked_by_their_odds() -> None:
    got = advise([0.8, 0.5, 0.2], 0.5, [np.nan, 0, -3], [np.nan, 1, 2])
    assert got.tolist() == ["focus", "review", "reconsider"]


def test_expected_value_of_a_coin() -> None:
    got = expected_value([0.5], [100.0])
    assert (got.mean, got.lower, got.upper) == (50.0, 0.0, 100.0)
    assert expected_value([], []).mean == 0.0
    assert expected_value([0.5], [np.nan]).upper == 0.0


@pytest.mark.parametrize("deals", [40, DICED + 1000])
@pytest.mark.parametrize("largest", [1.0, 1000.0])
def test_the_range_holds_what_it_claims(deals: int, largest: float) -> None:
    """Also where one deal outweighs all others, and where so many add up that most are noise."""
    rng = np.random.default_rng(3)
    p, value = rng.uniform(0.1, 0.9, deals), rng.lognormal(7, 1, deals)
    value[0] *= largest
    got = expected_value(p, value, 80)
    sums = (rng.random((4000, deals)) < p) @ value
    assert np.mean((sums >= got.lower) & (sums <= got.upper)) == pytest.approx(0.8, abs=0.03)


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="base_rate"):
        priority([0.5], 1.0, [1], [1])
    with pytest.raises(ValueError, match="level"):
        expected_value([0.5], [1], 100)


@given(st.floats(0.001, 0.999))
@settings(max_examples=50)
def test_log_odds_and_probability_are_inverse(p: float) -> None:
    assert float(expit(logit(p))) == pytest.approx(p, rel=1e-6)
