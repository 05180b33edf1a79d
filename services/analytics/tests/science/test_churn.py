"""Churn as a whole: every edge of life, calibration against the truth, evidence, words."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.science import churn, simulate
from analytics.science.metrics import auc, brier, ece
from analytics.science.types import EVIDENCE
from services.analytics.tests.science.factories import make_purchases

AS_OF = "2024-04-01"


def one_client(days: list[int], value: float = 100.0) -> pd.DataFrame:
    date = pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D")
    return pd.DataFrame({"client_id": "A", "date": date, "value": value})


def on(day: int) -> pd.Timestamp:
    return pd.Timestamp("2023-01-01") + pd.Timedelta(days=day)


# ---------------------------------------------------------------- edges of life


@pytest.mark.parametrize("ids", ["object", "category", "int64"])
@pytest.mark.parametrize("in_order", [True, False])
def test_scoring_leaves_the_purchases_alone(ids: str, in_order: bool) -> None:
    rng = np.random.default_rng(5)
    date = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 90, 300), unit="D")
    table = pd.DataFrame(
        {"client_id": rng.integers(0, 20, 300), "date": date, "value": rng.normal(50, 60, 300)}
    )
    if in_order:
        table = table.sort_values(["client_id", "date"], ignore_index=True)
    table["client_id"] = table["client_id"].astype(str if ids == "object" else ids)
    before = table.copy(deep=True)
    churn.score(table, AS_OF, 90)
    pd.testing.assert_frame_equal(table, before)


def test_no_purchases_at_all() -> None:
    none = pd.DataFrame({"client_id": [], "date": [], "value": []})
    scores = churn.score(none, AS_OF, 90)
    assert len(scores) == 0
    assert list(scores.columns) == [
        "client_id", "probability", "own_rhythm_days", "days_silent", "evidence", "factors",
    ]  # fmt: skip
    assert churn.horizon(none, AS_OF) == 90
    assert churn.backtest(none, AS_OF, 90) == []


def test_a_prospect_has_no_score() -> None:
    both = pd.concat([make_purchases(), pd.DataFrame({"client_id": ["New"]})])
    row = churn.score(both, AS_OF, 90).set_index("client_id").loc["New"]
    assert np.isnan(row.probability)
    assert row.evidence == "none"
    assert "no score" in row.factors[0].words
    assert churn.level(row.probability) == "no score"


def test_one_purchase_has_no_rhythm() -> None:
    row = churn.score(one_client([0]), on(47), 90).iloc[0]
    assert np.isnan(row.own_rhythm_days)
    assert row.days_silent == 47
    assert row.evidence == "prior"
    silence, usual = row.factors
    assert silence.words == "One purchase, 47 days ago; no rhythm of its own yet"
    # Nothing else is told of it, so the two are the whole of the answer.
    assert 1 / (1 + np.exp(-silence.weight - usual.weight)) == pytest.approx(row.probability)
    assert re.fullmatch(
        r"Of clients with one purchase \d+% buy nothing in the next \d+ days", usual.words
    )


def test_silence_is_told_against_the_own_rhythm() -> None:
    row = churn.score(one_client([0, 20, 40, 60]), on(107), 90).iloc[0]
    assert row.own_rhythm_days == 20
    words = [f.words for f in row.factors]
    assert words == ["Silent for 47 days, usually 20 days between purchases",
                     "Bought on 4 days so far"]  # fmt: skip
    assert row.factors[0].weight > 0


def test_a_client_who_never_lost_a_deal_still_falls_silent() -> None:
    # The forerunner multiplied by the loss rate: no lost deal, no churn, for ever.
    p = [
        churn.score(one_client([0, 30, 60, 90]), on(day), 90).probability[0]
        for day in (100, 200, 400, 1500)
    ]
    assert p == sorted(p)
    assert p[-1] > 0.95


def test_same_day_rows_are_one_purchase() -> None:
    once = churn.score(one_client([0, 20, 40]), on(60), 90)
    twice = churn.score(pd.concat([one_client([0, 20, 40], 50.0)] * 2), on(60), 90)
    assert twice.probability[0] == pytest.approx(once.probability[0])
    assert twice.own_rhythm_days[0] == 20


def test_a_refund_is_not_a_purchase() -> None:
    refund = pd.concat([one_client([0, 20, 40]), one_client([50], -100.0), one_client([55], 0.0)])
    row = churn.score(refund, on(60), 90).iloc[0]
    assert row.days_silent == 20
    refunded = pd.concat([one_client([0]), one_client([0], -100.0)])
    assert np.isnan(churn.score(refunded, on(60), 90).probability[0])


def test_an_unknown_amount_is_still_a_purchase() -> None:
    row = churn.score(one_client([0, 20, 40], np.nan), on(60), 90).iloc[0]
    assert row.days_silent == 20
    assert 0 < row.probability < 1


def test_what_came_later_is_not_looked_at() -> None:
    past = make_purchases()
    until = past[past.date <= "2023-10-01"]
    early = churn.score(until, "2023-10-01", 90).set_index("client_id").probability
    late = churn.score(past, "2023-10-01", 90).set_index("client_id").probability
    pd.testing.assert_series_equal(early, late.reindex(early.index))


def test_one_client_with_ninety_percent_of_the_purchases_and_ten_years() -> None:
    giant = one_client(list(range(0, 3650, 2)))
    both = pd.concat([giant, make_purchases(20, days=3600)])
    p = churn.score(both, on(3660), 90).probability
    assert ((p > 0) & (p < 1)).all()
    assert p[0] < 0.2


def test_a_year_of_silence_of_everybody() -> None:
    p = churn.score(make_purchases(), pd.Timestamp("2025-06-01"), 90).probability
    assert ((p > 0) & (p < 1)).all()
    assert p.median() > 0.7


def test_dates_may_be_text_zones_or_unsorted() -> None:
    table = make_purchases()
    text = table.assign(date=table.date.dt.strftime("%Y-%m-%d")).sample(frac=1, random_state=0)
    zoned = table.assign(date=table.date.dt.tz_localize("UTC"))
    plain = churn.score(table, AS_OF, 90).set_index("client_id").probability
    for other in (text, zoned):
        got = churn.score(other, AS_OF, 90).set_index("client_id").probability
        pd.testing.assert_series_equal(got.reindex(plain.index), plain)


def test_unreadable_tables_are_refused_in_words() -> None:
    table = make_purchases(3)
    with pytest.raises(ValueError, match=r"lack the columns \['value'\]"):
        churn.score(table.drop(columns="value"), AS_OF, 90)
    with pytest.raises(ValueError, match="row 0: 'soon' is not a date"):
        churn.score(table.assign(date="soon"), AS_OF, 90)
    with pytest.raises(ValueError, match="row 0: 'much' is not a number"):
        churn.score(table.assign(value="much"), AS_OF, 90)
    with pytest.raises(ValueError, match="at least 1"):
        churn.score(table, AS_OF, 0)
    with pytest.raises(ValueError, match="asks about 90 days, not 180"):
        churn.score(table, AS_OF, 180, model=churn.fit(table, AS_OF, 90))


# ---------------------------------------------------------------- promises


def test_levels_are_cut_at_quarters() -> None:
    got = [churn.level(p) for p in (0.0, 0.249, 0.25, 0.5, 0.749, 0.75, 1.0)]
    assert got == ["low", "low", "watch", "high", "high", "critical", "critical"]


def test_the_horizon_is_ninety_days_or_twice_the_median_gap() -> None:
    assert churn.horizon(one_client([0, 20, 40]), on(60)) == 90
    assert churn.horizon(one_client([0, 100, 220]), on(300)) == 220


def test_permuting_clients_permutes_scores() -> None:
    table = make_purchases(60)
    names = table.client_id.unique()
    mapping = dict(zip(names, np.random.default_rng(0).permutation(names), strict=True))
    shuffled = table.assign(client_id=table.client_id.map(mapping)).sample(frac=1, random_state=1)
    before = churn.score(table, AS_OF, 90).set_index("client_id").probability
    after = churn.score(shuffled, AS_OF, 90).set_index("client_id").probability
    assert after[[mapping[c] for c in before.index]].to_numpy() == pytest.approx(
        before.to_numpy(), abs=1e-9
    )


def test_the_same_purchases_give_the_same_scores() -> None:
    table = make_purchases()
    one, two = churn.score(table, AS_OF, 90), churn.score(table, AS_OF, 90)
    pd.testing.assert_frame_equal(one, two)


CHILD = """
import pandas as pd
from analytics.science import churn, revenue
from services.analytics.tests.science.factories import make_purchases
table = make_purchases()
scores = churn.score(table, "2024-04-01", 90)
deals = pd.DataFrame({"owner": table.client_id, "created": table.date, "value": table.value})
deals["closed"], deals["won"] = deals.created + pd.Timedelta(days=9), deals.index % 2
answer = revenue.project(deals, pd.Timestamp("2024-04-01"), 30)
print(scores.probability.to_numpy().tobytes().hex(), answer.mean, answer.lower, answer.upper)
"""


def test_scores_and_projections_are_the_same_in_any_process() -> None:
    one, two = (
        subprocess.run(
            [sys.executable, "-c", CHILD], env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    )  # fmt: skip
    assert one == two


@given(st.integers(1, 40), st.integers(0, 100), st.integers(30, 400))
@settings(max_examples=15, deadline=None)
def test_scores_are_probabilities(clients: int, seed: int, day: int) -> None:
    scores = churn.score(make_purchases(clients, seed), on(day), 90)
    p = scores.probability.dropna()
    assert ((p > 0) & (p < 1)).all()
    assert (scores.evidence == "none").equals(scores.probability.isna())


@given(st.integers(1, 60), st.integers(10, 480), st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_more_purchases_never_lower_the_evidence(clients: int, day: int, seed: int) -> None:
    table = make_purchases(clients, seed)
    day = min(day, 499)
    some = table[table.date <= on(day)]
    before = churn.score(some, on(500), 90).set_index("client_id").evidence
    after = churn.score(table, on(500), 90).set_index("client_id").evidence
    for client, level in before.items():
        assert EVIDENCE.index(after[client]) >= EVIDENCE.index(level)


def test_nothing_claims_more_than_prior_below_four_months_or_twenty_clients() -> None:
    young = make_purchases(50)
    young = young[young.date < on(100)]
    assert set(churn.score(young, on(110), 90).evidence) <= {"none", "prior"}
    assert set(churn.score(make_purchases(19), AS_OF, 90).evidence) <= {"none", "prior"}


def test_factors_can_be_taken_sorted_and_compared_like_any_column() -> None:
    scores = churn.score(make_purchases(), AS_OF, 90)
    ranked = scores.sort_values("probability", ascending=False)
    assert ranked.factors.iloc[0] == scores.factors[ranked.index[0]]
    assert ranked.factors.tolist()[0][0].name == "silence"
    assert not scores.factors.isna().any()
    assert scores.reindex([0, 9999]).factors.isna().tolist() == [False, True]
    assert scores.factors.astype(object)[0] == scores.factors[0]
    assert (scores.factors == scores.factors.copy()).all()
    assert len(pd.concat([scores, scores])) == 2 * len(scores)


# ---------------------------------------------------------------- the truth


def suite(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of a simulated studio, who stayed away, and who had truly left."""
    studio = simulate.studio(seed, 5, clients=500, rhythm_days=40)
    as_of = studio.end - pd.Timedelta(days=180)
    p = churn.score(studio.purchases, as_of, 180).set_index("client_id").probability
    away, gone = studio.stayed_away(as_of, 180), studio.gone(as_of)
    return p[away.index].to_numpy(), away.to_numpy(), gone[away.index].to_numpy()


def test_calibrated_and_sharp_against_the_true_leavers() -> None:
    parts = [suite(seed) for seed in range(3)]
    p, away, gone = (np.concatenate(column) for column in zip(*parts, strict=True))
    assert ece(away, p) <= 0.05
    assert auc(gone, p) > 0.85
    assert brier(away, p) < 0.75 * brier(away, np.full(len(away), away.mean()))


def test_the_backtest_says_what_became_of_each_level() -> None:
    studio = simulate.studio(1, 5, clients=300)
    rates = churn.backtest(studio.purchases, studio.end, 180)
    assert [r.level for r in rates] == list(churn.LEVELS)
    observed = [r.observed for r in rates]
    assert observed == sorted(observed)
    assert all(abs(r.said - r.observed) < 0.2 for r in rates if r.clients >= 20)


@pytest.mark.slow
def test_a_million_clients_grow_no_worse_than_linear() -> None:
    import time

    def seconds(clients: int) -> float:
        rng = np.random.default_rng(0)
        client = np.repeat(np.arange(clients), 5)
        table = pd.DataFrame(
            {
                "client_id": client,
                "date": np.datetime64("2023-01-01", "ns")
                + rng.integers(0, 700, len(client)).astype("timedelta64[D]"),
                "value": rng.lognormal(5, 1, len(client)),
            }
        )
        start = time.process_time()
        churn.score(table, "2025-01-01", 90)
        return time.process_time() - start

    seconds(10_000)
    small, large = seconds(100_000), seconds(1_000_000)
    assert large < 15 * small
