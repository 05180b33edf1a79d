"""Sales velocity, the textbook formula: a pace, and no forecast (analytics study, section 8)."""

from dataclasses import dataclass

from analytics.domain.shown import plural

DEFINITIONS = {
    "opportunities": "Deals alive at the end of the period: open, and not older than 95 of 100 "
    "deals were when they closed (with fewer than 20 closed deals, every open one).",
    "mean_value": "Mean value of the deals alive, in the workspace's currency.",
    "win_rate": "Won ÷ (won + lost) of the deals closed in the period; open ones do not count.",
    "cycle_days": "Mean days from creation to closing of the deals closed in the period, won or "
    "lost; at least one.",
    "value_per_day": "Deals × mean value × win rate ÷ cycle: a pace, not a forecast.",
    "trend": "Change of the value per day against the period of equal length before.",
}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The parts of the formula; a part that nothing is known of is None."""

    opportunities: int
    stalled: int = 0
    won: int
    lost: int
    mean_value_minor: float | None
    cycle_days: float | None

    @property
    def win_rate(self) -> float | None:
        """0 to 1."""
        closed = self.won + self.lost
        return self.won / closed if closed else None

    @property
    def value_per_day_minor(self) -> float | None:
        """opportunities × mean value × win rate ÷ cycle."""
        if self.win_rate is None or self.cycle_days is None:
            return None
        if self.opportunities == 0:
            return 0.0
        if self.mean_value_minor is None:
            return None
        # A deal that is won on the day it was made still took a day of somebody's time.
        cycle = max(self.cycle_days, 1.0)
        return self.opportunities * self.mean_value_minor * self.win_rate / cycle


def trend(now: Pace, before: Pace) -> float | None:
    """0.12 for 12 % more; None when either is unknown or the one before was nothing."""
    here, there = now.value_per_day_minor, before.value_per_day_minor
    if here is None or not there:
        return None
    return here / there - 1


def pace_in_words(pace: Pace, days: int) -> str:
    """What a person reads beside the number."""
    if not pace.won + pace.lost:
        return f"No deal was won or lost in these {days} days, so there is no pace to state."
    if pace.value_per_day_minor is None:
        return "No deal that is alive has a value, so there is no pace to state."
    closed = pace.won + pace.lost
    deals = plural(closed, "deal", "deals")
    said = f"Rests on {deals} closed in {days} days, {pace.won:,} of them won."
    if pace.stalled:
        too_old = plural(pace.stalled, "open deal is", "open deals are")
        said += f" {too_old} too old to count as alive."
    if closed < 20:
        said += " That is little: one deal more or less changes it visibly."
    return said + " It says how fast value moves, not what will come in."
