"""The simulator keeps its own promises: its truth is true."""

import numpy as np
import pandas as pd
import pytest

from analytics.science import simulate
from services.analytics.tests.science.factories import make_studio


def test_the_same_seed_gives_the_same_years() -> None:
    one, two = simulate.studio(7), simulate.studio(7)
    for table in ("clients", "deals", "stages", "scored", "purchases"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(two, table))
    assert not one.deals.equals(simulate.studio(8).deals)


def test_deals_are_won_as_often_as_their_probability_says() -> None:
    studio = simulate.studio(3, 8, clients=500)
    closed = studio.deals.dropna(subset=["won"])
    for table in (closed, studio.scored):
        band = pd.cut(table.probability, [0, 0.3, 0.5, 0.7, 1.0])
        groups = table.groupby(band, observed=True)
        n, gap = groups.size(), (groups.won.mean() - groups.probability.mean()).abs()
        assert (gap < 3.5 * 0.5 / np.sqrt(n)).all()


def test_nobody_asks_before_joining_or_after_leaving() -> None:
    studio = make_studio(1)
    deals = studio.deals.merge(studio.clients, on="client_id")
    assert (deals.created >= deals.joined).all()
    assert (deals.left.isna() | (deals.created <= deals.left)).all()


def test_stages_come_in_order_and_from_day_one() -> None:
    studio = make_studio(1)
    first = studio.stages.groupby("deal_id").first()
    assert set(first.stage) == {"lead"}
    assert first.entered.equals(studio.deals.set_index("deal_id").created.reindex(first.index))
    place = studio.stages.stage.map(simulate.STAGES.index)
    assert (place.groupby(studio.stages.deal_id).diff().dropna() == 1).all()


def test_open_deals_have_no_outcome_yet() -> None:
    deals = make_studio(1).deals
    still = deals.closed.isna()
    assert still.any()
    assert deals.won[still].isna().all()
    assert set(deals.stage[still]) <= set(simulate.STAGES)
    assert set(deals.stage[~still]) == {"won", "lost"}


def test_two_currencies_and_a_broken_quarter() -> None:
    studio = simulate.studio(2, 6, clients=400)
    assert set(studio.deals.currency) == set(simulate.CURRENCIES)
    assert studio.broken_quarter is not None
    start, stop = studio.broken_quarter
    created = studio.deals.created
    inside = studio.deals[(created >= start) & (created < stop)]
    year = pd.Timedelta(days=365)
    before = studio.deals[(created >= start - year) & (created < stop - year)]
    assert len(inside) < 0.75 * len(before)
    assert inside.probability.mean() < before.probability.mean() - 0.08
    assert simulate.studio(2, broken=False).broken_quarter is None


def test_without_signal_every_deal_is_alike() -> None:
    assert simulate.studio(1, signal=0.0).deals.probability.nunique() == 1


def test_the_truth_of_leaving_agrees_with_the_purchases() -> None:
    studio = simulate.studio(4, 5, clients=300, rhythm_days=30)
    as_of = studio.end - pd.Timedelta(days=400)
    gone, away = studio.gone(as_of), studio.stayed_away(as_of, 400)
    # A deal may still close after its client has left; most of the gone do stay away.
    assert away[gone == 1].mean() > 0.85
    assert away[gone == 0].mean() < 0.4


@pytest.mark.parametrize("name", ["years", "clients", "rhythm_days", "stay_days"])
def test_impossible_worlds_are_refused(name: str) -> None:
    arguments: dict[str, float] = {name: 0}
    with pytest.raises(ValueError, match=name):
        simulate.studio(1, **arguments)  # type: ignore[arg-type]


def test_a_tiny_world_is_legal() -> None:
    studio = simulate.studio(1, 0.1, clients=1)
    assert list(studio.scored.columns) == list(make_studio(1).scored.columns)
