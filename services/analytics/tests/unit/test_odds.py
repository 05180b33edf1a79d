"""What can be said of a deal from how deals usually end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from analytics.domain.odds import base_rate, beta_quantile, beta_share, odds_in_words

COUNTS = st.integers(0, 3000)


def test_nothing_closed_means_nothing_said() -> None:
    assert base_rate(0, 0) is None
    assert "nothing can be said" in odds_in_words(0, 0)


def test_two_pseudo_deals_temper_the_rate() -> None:
    odds = base_rate(3, 1)
    assert odds is not None
    assert odds.probability == pytest.approx(4 / 6)


@given(COUNTS, COUNTS)
def test_the_interval_surrounds_a_possible_probability(won: int, lost: int) -> None:
    odds = base_rate(won, lost)
    if odds is None:
        assert (won, lost) == (0, 0)
        return
    assert 0.01 <= odds.lower <= odds.probability <= odds.upper <= 0.99


@given(st.floats(1, 500), st.floats(1, 500), st.floats(0.001, 0.999))
def test_the_beta_function_is_the_known_one(a: float, b: float, x: float) -> None:
    assert beta_share(x, a, b) == pytest.approx(float(beta.cdf(x, a, b)), abs=1e-9)


@given(st.floats(1, 300), st.floats(1, 300), st.sampled_from([0.1, 0.5, 0.9]))
def test_the_quantile_is_the_known_one(a: float, b: float, share: float) -> None:
    assert beta_quantile(share, a, b) == pytest.approx(float(beta.ppf(share, a, b)), abs=1e-6)


def test_the_ends_of_the_beta_function() -> None:
    assert (beta_share(0, 2, 3), beta_share(1, 2, 3)) == (0.0, 1.0)
