"""The win model against a truth that only a simulator knows."""

import numpy as np
import pytest

from analytics.science import simulate, win
from analytics.science.metrics import brier
from services.analytics.tests.science.factories import naive_bayes

YEARS, CLIENTS = 8, 200  # some three thousand closed deals


def excess(model_p: np.ndarray, truth: np.ndarray) -> float:
    """How much larger the expected Brier score is than the oracle's, as a share of the oracle's."""
    return float(np.mean((model_p - truth) ** 2) / np.mean(truth * (1 - truth)))


def test_two_thousand_deals_come_within_five_percent_of_the_oracle() -> None:
    over, ours, bayes = [], [], []
    for seed in range(4):
        studio = simulate.studio(seed, YEARS, clients=CLIENTS)
        deals, won = studio.scored, studio.scored["won"].to_numpy()
        past, new = deals[:2000], deals[2000:2600]
        p = win.fit(past, won[:2000], studio.columns).probability(new)
        over.append(excess(p, new["probability"].to_numpy()))
        ours.append(brier(won[2000:2600], p))
        categories = studio.columns.categories()
        bayes.append(brier(won[2000:2600], naive_bayes(past, won[:2000], new, categories)))
    assert np.mean(over) <= 0.05
    assert np.mean(ours) < np.mean(bayes)


def test_sixty_deals_cost_at_most_two_percent() -> None:
    studio = simulate.studio(5, YEARS, clients=CLIENTS)
    deals, won = studio.scored, studio.scored["won"].to_numpy()
    ours, rate = [], []
    for start in range(0, len(deals) - 360, 200):
        past, new = slice(start, start + 60), slice(start + 60, start + 360)
        p = win.fit(deals[past], won[past], studio.columns).probability(deals[new])
        ours.append(brier(won[new], p))
        rate.append(brier(won[new], np.full(len(p), won[past].mean())))
    assert np.mean(ours) <= 1.02 * np.mean(rate)


def coverage(seeds: range, n: int) -> dict[int, float]:
    """Share of true probabilities inside the intervals, per level."""
    hits: dict[int, list[float]] = {50: [], 80: [], 90: []}
    for seed in seeds:
        studio = simulate.studio(500 + seed, 5, clients=80)
        deals = studio.scored
        # Anywhere but the first weeks, when the client base itself is still coming to be.
        at = int(np.random.default_rng(seed).integers(100, len(deals) - n - 150))
        past, new = deals[at : at + n], deals[at + n : at + n + 150]
        model = win.fit(past, past["won"], studio.columns)
        truth = new["probability"].to_numpy()
        for level, found in hits.items():
            low, high = model.interval(new, level).T
            found.append(float(np.mean((truth >= low) & (truth <= high))))
    return {level: float(np.mean(found)) for level, found in hits.items()}


@pytest.mark.parametrize(("n", "seeds"), [(15, 40), (100, 12)])
def test_intervals_cover_about_what_they_claim(n: int, seeds: int) -> None:
    found = coverage(range(seeds), n)
    assert found[50] == pytest.approx(0.50, abs=0.12)
    assert found[80] == pytest.approx(0.80, abs=0.10)
    assert found[90] == pytest.approx(0.90, abs=0.08)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("n", [15, 60, 250])
def test_intervals_cover_what_they_claim_over_two_hundred_seeds(n: int) -> None:
    found = coverage(range(200), n)
    assert found[50] == pytest.approx(0.50, abs=0.07)
    assert found[80] == pytest.approx(0.80, abs=0.05)
    assert found[90] == pytest.approx(0.90, abs=0.04)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_shuffled_outcomes_of_a_thousand_deals_claim_no_skill() -> None:
    ours, rate = [], []
    for seed in range(20):
        studio = simulate.studio(seed, 5, clients=120)
        deals = studio.scored[:1500]
        won = np.random.default_rng(seed).permutation(deals["won"].to_numpy())
        p = win.fit(deals[:1000], won[:1000], studio.columns).probability(deals[1000:])
        ours.append(brier(won[1000:], p))
        rate.append(brier(won[1000:], np.full(len(p), won[:1000].mean())))
    assert np.mean(ours) <= 1.005 * np.mean(rate)
