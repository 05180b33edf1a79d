"""The next best step of a deal, from named rules: what a person would notice going through them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

QUIET_DAYS = 30  # silence worth a word where the client has no rhythm of its own yet
QUIETEST = 7  # below this nobody is silent, however quick the rhythm
TIMES_RHYTHM = 2.0
MOVED_OFTEN = 3


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the rules look at; days are whole ones."""

    today: date
    next_step: str
    next_step_due: date | None
    expected_close: date | None
    days_quiet: int
    rhythm_days: float | None
    close_moves: int
    days_in_stage: int
    stage_p90_days: float | None


@dataclass(frozen=True)
class Step:
    """A rule that holds, and what to do about it."""

    rule: str
    words: str

    def as_json(self) -> Mapping[str, str]:
        """For the row."""
        return {"rule": self.rule, "words": self.words}


def steps(deal: Standing) -> list[Step]:
    """The rules that hold, the most urgent first."""
    found = [_overdue(deal), _no_step(deal), _close_past(deal), _silent(deal)]
    found += [_moved_often(deal), _slow(deal)]
    return [step for step in found if step is not None]


def _overdue(deal: Standing) -> Step | None:
    due = deal.next_step_due
    if not deal.next_step or due is None or due >= deal.today:
        return None
    late = (deal.today - due).days
    return Step("next_step_overdue", f"Do what is {_days(late)} late: {deal.next_step}")


def _no_step(deal: Standing) -> Step | None:
    if deal.next_step:
        return None
    return Step("no_next_step", "Decide on a next step and a day for it: there is none.")


def _close_past(deal: Standing) -> Step | None:
    expected = deal.expected_close
    if expected is None or expected >= deal.today:
        return None
    late = _days((deal.today - expected).days)
    return Step("close_date_past", f"Agree on a new date: it was to close {late} ago.")


def _silent(deal: Standing) -> Step | None:
    if deal.rhythm_days is None:
        if deal.days_quiet < QUIET_DAYS:
            return None
        words = f"Get in touch: nothing has happened for {_days(deal.days_quiet)}."
        return Step("silent", words)
    limit = max(QUIETEST, TIMES_RHYTHM * deal.rhythm_days)
    if deal.days_quiet <= limit:
        return None
    usual = _days(max(1, round(deal.rhythm_days)))
    words = f"Get in touch: {_days(deal.days_quiet)} of silence, usually {usual} with this client."
    return Step("silent", words)


def _moved_often(deal: Standing) -> Step | None:
    if deal.close_moves < MOVED_OFTEN:
        return None
    words = f"Ask what holds it up: its close was put off {deal.close_moves} times."
    return Step("close_date_moved", words)


def _slow(deal: Standing) -> Step | None:
    limit = deal.stage_p90_days
    if limit is None or deal.days_in_stage <= limit:
        return None
    usual = _days(max(1, round(limit)))
    words = (
        f"Move it or drop it: {_days(deal.days_in_stage)} in this stage, "
        f"nine of ten leave it within {usual}."
    )
    return Step("slow_stage", words)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
