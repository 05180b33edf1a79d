"""BG/NBD against values worked out by hand and parameters that are known."""

import numpy as np
import pytest

from analytics.science.churn_bgnbd import Buying, alive, fit, log_likelihood, no_purchase
from analytics.science.churn_model import shipped_prior

ONES = Buying(1.0, 1.0, 1.0, 1.0)


def test_likelihood_of_a_client_that_bought_once() -> None:
    # (alpha / (alpha + T))^r = 1/4
    got = log_likelihood(ONES.logs(), np.zeros(1), np.zeros(1), np.array([3.0]))
    assert np.exp(got[0]) == pytest.approx(0.25)


def test_likelihood_of_one_repeat() -> None:
    # r alpha^r (B(a, b+1)/B(a, b) / (alpha+T)^2 + B(a+1, b)/B(a, b) / (alpha+t_x)^2)
    # = 1/2 / 16 + 1/2 / 4
    got = log_likelihood(ONES.logs(), np.ones(1), np.ones(1), np.array([3.0]))
    assert np.exp(got[0]) == pytest.approx(0.5 / 16 + 0.5 / 4)


def test_alive_by_hand() -> None:
    # 1 / (1 + a / (b + x - 1) * ((alpha + T) / (alpha + t_x))^(r + x)) = 1 / (1 + (4 / 2)^2)
    got = alive(ONES, np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([3.0, 3.0]))
    assert got.tolist() == pytest.approx([1.0, 0.2])


def test_no_purchase_by_hand() -> None:
    # An alive client stays silent for 4 days with ((1 + 3) / (1 + 3 + 4))^2 = 1/4.
    got = no_purchase(ONES, np.ones(1), np.ones(1), np.array([3.0]), 4.0)
    assert got[0] == pytest.approx(1 - 0.2 * (1 - 0.25))


def test_one_minus_alive_is_not_the_score() -> None:
    # A client that bought once is alive by definition, yet may well stay away.
    once = np.zeros(1), np.zeros(1), np.array([300.0])
    assert alive(ONES, *once)[0] == 1.0
    assert no_purchase(Buying(0.25, 33, 0.7, 2.2), *once, 90)[0] > 0.8


def test_silence_only_raises_the_score() -> None:
    age = np.arange(10, 2000, 10.0)
    n = len(age)
    got = no_purchase(Buying(0.25, 33, 0.7, 2.2), np.full(n, 5.0), np.full(n, 10.0), age, 90)
    assert (np.diff(got) > 0).all()
    assert got[-1] > 0.99


def test_known_parameters_are_found_again() -> None:
    rng = np.random.default_rng(0)
    truth, n = Buying(0.8, 20.0, 1.2, 4.0), 6000
    rate, leave = rng.gamma(truth.r, 1 / truth.alpha, n), rng.beta(truth.a, truth.b, n)
    age = rng.uniform(100, 500, n)
    x, t_x = np.zeros(n), np.zeros(n)
    for i in range(n):
        day = 0.0
        while True:
            day += rng.exponential(1 / rate[i])
            if day > age[i]:
                break
            x[i], t_x[i] = x[i] + 1, day
            if rng.random() < leave[i]:
                break
    got = fit(x, t_x, age, Buying(0.25, 33, 0.7, 2.2), np.full(4, 100.0))
    assert got.r == pytest.approx(truth.r, rel=0.1)
    assert got.alpha == pytest.approx(truth.alpha, rel=0.15)
    assert got.a / (got.a + got.b) == pytest.approx(1.2 / 5.2, rel=0.1)


def test_without_clients_the_prior_stands() -> None:
    prior, spread = shipped_prior()
    none = np.zeros(0)
    assert fit(none, none, none, prior, spread).logs() == pytest.approx(prior.logs(), abs=1e-6)


def test_the_shipped_prior_is_the_published_fit() -> None:
    # Fader, Hardie and Lee report r .243, alpha 4.414 weeks, a .793, b 2.426 on a tenth of CDNOW.
    prior, spread = shipped_prior()
    assert prior.r == pytest.approx(0.243, rel=0.1)
    assert prior.alpha / 7 == pytest.approx(4.414, rel=0.1)
    assert prior.a / (prior.a + prior.b) == pytest.approx(0.793 / 3.219, rel=0.05)
    assert (spread == 1.0).all()


def test_extreme_histories_stay_finite() -> None:
    x, t_x = np.array([0.0, 1e4, 1.0]), np.array([0.0, 3650.0, 0.0])
    age = np.array([0.0, 3650.0, 1e5])
    assert np.isfinite(log_likelihood(Buying(0.25, 33, 0.7, 2.2).logs(), x, t_x, age)).all()
    p = no_purchase(Buying(0.25, 33, 0.7, 2.2), x, t_x, age, 90)
    assert ((p >= 0) & (p <= 1)).all()
