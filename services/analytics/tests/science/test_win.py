"""The win model as a whole: every edge of life, its reasons, its intervals, its evidence."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.science import win
from analytics.science.metrics import brier
from analytics.science.types import EVIDENCE
from analytics.science.win_linear import logit
from services.analytics.tests.science.factories import COLUMNS, make_deals


@pytest.fixture(scope="module")
def model() -> win.WinModel:
    deals, won = make_deals(400)
    return win.fit(deals, won, COLUMNS)


@pytest.fixture(scope="module")
def fresh() -> pd.DataFrame:
    return make_deals(60, seed=9)[0]


# ---------------------------------------------------------------- edges of life


def test_without_closed_deals_everybody_gets_half_and_no_evidence(fresh: pd.DataFrame) -> None:
    deals, won = make_deals(0)
    model = win.fit(deals, won, COLUMNS)
    assert model.evidence == "none"
    assert set(model.probability(fresh)) == {0.5}
    assert "No deal has closed yet" in model.explain(fresh)[0][0].words


def test_one_closed_deal_is_a_prior(fresh: pd.DataFrame) -> None:
    deals, _ = make_deals(1)
    model = win.fit(deals, [1.0], COLUMNS)
    assert model.evidence == "prior"
    assert model.probability(fresh)[0] == pytest.approx(2 / 3)  # (1 + 1) / (1 + 2)
    assert "1 of 1 closed deals won; too few" in model.explain(fresh)[0][0].words


@pytest.mark.parametrize(("outcome", "bound"), [(1.0, 0.95), (0.0, 0.05)])
def test_one_outcome_only_is_a_prior(outcome: float, bound: float, fresh: pd.DataFrame) -> None:
    deals, _ = make_deals(300)
    model = win.fit(deals, np.full(300, outcome), COLUMNS)
    p = model.probability(fresh)
    assert model.evidence == "prior"
    assert (p > bound).all() if outcome else (p < bound).all()
    assert ((p >= 0.01) & (p <= 0.99)).all()


def test_nothing_claims_more_than_prior_below_twenty_deals() -> None:
    for n in range(20):
        deals, won = make_deals(n)
        assert win.fit(deals, won, COLUMNS).evidence in ("none", "prior")


def test_open_deals_do_not_count_towards_the_win_rate(fresh: pd.DataFrame) -> None:
    # The forerunner divided wins by all deals, open ones included.
    deals, won = make_deals(12)
    some = won.copy()
    some[::3] = np.nan
    model = win.fit(deals, some, COLUMNS)
    kept = some[~np.isnan(some)]
    assert model.n == len(kept)
    assert model.probability(fresh)[0] == pytest.approx((kept.sum() + 1) / (len(kept) + 2))


def test_one_client_with_ninety_percent_of_the_deals() -> None:
    deals, won = make_deals(200)
    deals.loc[np.arange(200) % 10 != 0, "client"] = "Giant"
    p = win.fit(deals, won, COLUMNS).probability(deals)
    assert ((p >= 0.01) & (p <= 0.99)).all()


def test_odd_values_are_legal(model: win.WinModel, fresh: pd.DataFrame) -> None:
    odd = pd.concat([fresh] * 2, ignore_index=True).head(8).copy()
    odd["value"] = [0.0, -500.0, np.nan, np.inf, 1e15, 1e-9, -np.inf, 5.0]
    odd["days"] = [np.nan, -3, 0, 1e9, 1, 2, 3, 4]
    odd["client"] = [None, "", "nobody", "C1", np.nan, "C1", "C2", "Ünïcode"]
    odd["source"] = [None, "new", "cold", "cold", "", "repeat", "website", np.nan]
    p, interval = model.probability(odd), model.interval(odd, 90)
    assert np.isfinite(p).all()
    assert ((interval > 0) & (interval < 1)).all()
    assert len(model.explain(odd)) == 8


def test_learning_from_odd_values_is_legal() -> None:
    deals, won = make_deals(90)
    deals.loc[::7, "value"] = np.nan
    deals.loc[::11, "value"] = -10.0
    deals.loc[::5, "client"] = None
    deals["days"] = np.nan
    deals["source"] = "same"
    deals = pd.concat([deals, deals.iloc[:20]])  # duplicates, with duplicate index labels
    model = win.fit(deals, np.r_[won, won[:20]], COLUMNS)
    assert np.isfinite(model.probability(deals)).all()


def test_no_columns_at_all_is_the_win_rate() -> None:
    deals, won = make_deals(150)
    p = win.fit(deals, won, win.Columns()).probability(deals)
    assert np.ptp(p) == 0
    assert p[0] == pytest.approx(won.mean(), abs=0.05)


def test_an_empty_table_of_deals_gives_empty_answers(model: win.WinModel) -> None:
    none = make_deals(0)[0]
    assert model.probability(none).shape == (0,)
    assert model.interval(none, 80).shape == (0, 2)
    assert model.explain(none) == []


def test_wrong_shapes_are_refused_in_words(model: win.WinModel) -> None:
    deals, won = make_deals(30)
    with pytest.raises(ValueError, match="30 deals but outcomes"):
        win.fit(deals, won[:-1], COLUMNS)
    with pytest.raises(ValueError, match="outcomes must be 0, 1"):
        win.fit(deals, won + 1, COLUMNS)
    with pytest.raises(ValueError, match=r"lack the columns \['source'\]"):
        model.probability(deals.drop(columns="source"))
    with pytest.raises(ValueError, match="'value', row 3: 'dear' is not a number"):
        model.probability(deals.assign(value=[*"012", "dear", *"4" * 26]))
    with pytest.raises(ValueError, match="level must lie"):
        model.interval(deals, 100)
    with pytest.raises(ValueError, match="top must be"):
        model.explain(deals, 0)


# ---------------------------------------------------------------- reasons


@pytest.mark.parametrize("n", [0, 5, 60, 400])
@pytest.mark.parametrize("top", [1, 2, 3, 5, 50])
def test_weights_add_up_to_the_log_odds_shown(n: int, top: int, fresh: pd.DataFrame) -> None:
    deals, won = make_deals(n)
    model = win.fit(deals, won, COLUMNS)
    reasons = model.explain(fresh, top)
    assert all(1 <= len(r) <= top for r in reasons)
    total = [sum(f.weight for f in r) for r in reasons]
    assert total == pytest.approx(logit(model.probability(fresh)), abs=1e-8)


def test_weights_add_up_with_trees_and_at_the_clamp() -> None:
    deals, won = make_deals(700, signal=6.0)
    model = win.fit(deals, won, COLUMNS)
    assert model.fitted is not None
    assert model.fitted.member.tree_share > 0
    p = model.probability(deals)
    assert p.max() == 0.99
    total = [sum(f.weight for f in r) for r in model.explain(deals, 4)]
    assert total == pytest.approx(logit(p), abs=1e-8)
    clamped = model.explain(deals.iloc[[int(p.argmax())]], 9)[0]
    assert "no deal is certain" in clamped[-1].words


def test_no_factor_names_what_the_deal_does_not_have(model: win.WinModel) -> None:
    deals = make_deals(6, seed=3)[0]
    deals.loc[0, "client"] = None
    deals.loc[1, "value"] = np.nan
    deals.loc[2, "source"] = ""
    deals.loc[3, ["value", "days"]] = np.nan
    reasons = model.explain(deals, 50)
    for row, absent in enumerate([{"client"}, {"value"}, {"source"}, {"value", "days"}]):
        assert not absent & {f.name for f in reasons[row]}


def test_words_say_the_past_and_the_client_unknown(model: win.WinModel) -> None:
    deals = make_deals(400)[0].head(50)
    told = [f for r in model.explain(deals, 50) for f in r]
    sources = [f.words for f in told if f.name == "source"]
    assert any("earlier deals won" in words for words in sources)
    clients = [f.words for f in told if f.name == "client"]
    assert all("the same deal from an unknown client" in words for words in clients)


def test_an_unseen_client_is_called_so(model: win.WinModel) -> None:
    deal = make_deals(1)[0].assign(client="Never seen")
    words = [f.words for f in model.explain(deal, 50)[0] if f.name == "client"]
    assert all("nothing closed with it before" in w for w in words)


# ---------------------------------------------------------------- promises


def test_signal_is_used_and_beats_the_win_rate() -> None:
    deals, won = make_deals(1200, signal=2.0)
    model = win.fit(deals[:800], won[:800], COLUMNS)
    base = brier(won[800:], np.full(400, won[:800].mean()))
    assert brier(won[800:], model.probability(deals[800:])) < 0.85 * base
    assert model.backtest["brier"] < model.backtest["base_brier"]


@pytest.mark.parametrize("n", [60, 300])
def test_shuffled_outcomes_do_no_harm(n: int) -> None:
    ours, rate = [], []
    for seed in range(8):
        deals, won = make_deals(n + 400, seed)
        won = np.random.default_rng(seed).permutation(won)
        p = win.fit(deals[:n], won[:n], COLUMNS).probability(deals[n:])
        ours.append(brier(won[n:], p))
        rate.append(brier(won[n:], np.full(400, won[:n].mean())))
    assert np.mean(ours) <= 1.01 * np.mean(rate)


@given(st.integers(0, 60), st.floats(-2, 3), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_probabilities_and_intervals_are_ordered(n: int, signal: float, seed: int) -> None:
    deals, won = make_deals(n, seed, signal=signal)
    model = win.fit(deals, won, COLUMNS)
    new = make_deals(20, seed + 1)[0]
    p = model.probability(new)
    assert ((p >= 0.01) & (p <= 0.99)).all()
    inner, outer = model.interval(new, 50), model.interval(new, 90)
    assert (outer[:, 0] <= inner[:, 0]).all()
    assert (inner[:, 0] < p).all()
    assert (p < inner[:, 1]).all()
    assert (inner[:, 1] <= outer[:, 1]).all()


@given(st.lists(st.booleans(), max_size=1500), st.lists(st.booleans(), max_size=500))
@settings(max_examples=200)
def test_more_deals_never_lower_the_evidence(before: list[bool], more: list[bool]) -> None:
    both = before + more
    first = win._evidence(len(before), sum(before))
    assert EVIDENCE.index(win._evidence(len(both), sum(both))) >= EVIDENCE.index(first)


def test_the_order_of_the_scored_deals_does_not_matter(
    model: win.WinModel, fresh: pd.DataFrame
) -> None:
    order = np.random.default_rng(0).permutation(len(fresh))
    shuffled = model.probability(fresh.iloc[order])
    assert shuffled == pytest.approx(model.probability(fresh)[order], abs=1e-12)


CHILD = """
import hashlib
from analytics.science import model_store, win
from services.analytics.tests.science.factories import COLUMNS, make_deals
deals, won = make_deals(500)
print(hashlib.sha256(model_store.dump(win.fit(deals, won, COLUMNS))).hexdigest())
"""


def test_the_same_deals_give_the_same_model_in_any_process() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", CHILD], env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1]


def test_importing_the_model_is_cheap() -> None:
    heavy = ["pandas", "sklearn", "scipy", "polars", "prophet", "statsforecast"]
    code = "import sys; from analytics.science import win, churn, simulate, model_store; "
    code += f"print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
