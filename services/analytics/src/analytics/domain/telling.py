"""When a number has changed enough to be told, and when not to tell of it again."""

SCORED_BY = 0.01
"""A point: what a board shows."""

DROPPED_BY = 0.15
"""Points below the highest since it was last said."""

BEYOND = 0.03
"""A level is left when the probability lies so far beyond its bound, so that none flickers."""

REVISED_BY = 0.10
"""Share of the sum that was told."""

LEVELS = (("low", 0.0, 0.25), ("watch", 0.25, 0.5), ("high", 0.5, 0.75), ("critical", 0.75, 1.0))


def tells_odds(told: float | None, probability: float, *, advised: bool = True) -> bool:
    """Whether odds are told (again). `advised`: the advice is the one that stands already."""
    return told is None or not advised or round(abs(probability - told), 9) >= SCORED_BY


def drop(peak: float | None, probability: float) -> tuple[bool, float]:
    """Whether odds have dropped, and the peak to hold the next ones against.

    After a drop the count begins anew: the same fall is told once, a further one again.
    """
    if peak is None or probability >= peak:
        return False, probability
    if round(peak - probability, 9) >= DROPPED_BY:
        return True, probability
    return False, peak


def told_level(told: str | None, level: str, probability: float) -> str:
    """The level to tell: the one told before while the probability is still close to it."""
    for name, lowest, highest in LEVELS:
        if name == told and lowest - BEYOND < probability < highest + BEYOND:
            return name
    return level


def revises(told: int | None, sum_: int) -> bool:
    """Whether the forecast's sum is told (again)."""
    if told is None:
        return True
    return abs(sum_ - told) > REVISED_BY * max(abs(told), 1)
