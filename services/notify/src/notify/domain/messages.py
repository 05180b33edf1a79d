"""What people are told, in words: the one place where notifications are worded."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from kit.money import Money
from kit.wording import DEFAULT_LOCALE, chance_in_words, level_in_words, locale_of, money_in_words
from notify.domain.days import day_in_words, zone_of


class Kind(StrEnum):
    """What a notification is about."""

    DEAL_MOVED = "deal_moved"
    DEAL_WON = "deal_won"
    DEAL_LOST = "deal_lost"
    DEAL_REOPENED = "deal_reopened"
    IMPORT_FINISHED = "import_finished"
    ACTIVITY_DUE = "activity_due"
    EXPORT_FINISHED = "export_finished"
    IMPORT_FAILED = "import_failed"
    EXPORT_FAILED = "export_failed"
    BULK_FINISHED = "bulk_finished"
    ODDS_DROPPED = "odds_dropped"
    RISK_RISEN = "risk_risen"


# What somebody must be allowed to read to be told of a kind; what is their own doing takes nothing.
NEEDS: dict[str, str] = {
    Kind.DEAL_MOVED: "deals.read",
    Kind.DEAL_WON: "deals.read",
    Kind.DEAL_LOST: "deals.read",
    Kind.DEAL_REOPENED: "deals.read",
    Kind.ACTIVITY_DUE: "activities.read",
    Kind.IMPORT_FINISHED: "imports.read",
    Kind.IMPORT_FAILED: "imports.read",
    Kind.ODDS_DROPPED: "analytics.read",
    Kind.RISK_RISEN: "analytics.read",
}


def is_told(kind: str, permissions: Container[str]) -> bool:
    """Whether whoever has these permissions is told of a kind."""
    needed = NEEDS.get(kind)
    return needed is None or needed in permissions


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One notification for everybody it concerns; `target_id` is what a click opens."""

    kind: Kind
    title: str
    body: str
    target_kind: str
    target_id: UUID | None = None  # without: the list of all of that kind


@dataclass(frozen=True, kw_only=True)
class Move:
    """What happened to a deal, as far as its wording needs it."""

    deal_id: UUID
    deal_name: str
    client_name: str
    amount: Money | None
    from_stage: str
    from_type: str  # open, won or lost
    to_stage: str
    to_type: str
    lost_reason: str
    actor_name: str
    days_in_stage: float


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """How an import ended."""

    import_id: UUID
    resource: str  # clients, deals or activities
    file_name: str
    created: int
    updated: int
    skipped: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """An activity that somebody wanted to be reminded of."""

    activity_id: UUID
    kind: str  # call, meeting, mail, task or note
    subject: str
    client_name: str
    deal_name: str
    due_at: datetime | None
    all_day: bool
    time_zone: str  # the workspace's


class Drop(NamedTuple):
    """A deal whose odds fell."""

    deal_id: UUID
    deal_name: str
    before: float
    now: float
    reason: str


class Rise(NamedTuple):
    """A client who is at a graver level of risk than before."""

    client_id: UUID
    client_name: str
    before: str
    level: str
    probability: float
    evidence: str
    reason: str


def deal_moved(move: Move, locale: str = DEFAULT_LOCALE) -> Wording:
    """Winning, losing and reopening are what matters; other moves are news.

    Amounts read as the locale writes them, as on its reader's pages.
    """
    kind, title = _headline(move)
    said = [f"{move.actor_name or 'Somebody'} moved it from {move.from_stage} to {move.to_stage}."]
    if move.client_name or move.amount is not None:
        said.append(_about(move, locale) + ".")
    if kind is Kind.DEAL_LOST and move.lost_reason:
        said.append(f"Reason: {move.lost_reason}.")
    said.append(f"It had been in {move.from_stage} for {_days(move.days_in_stage)}.")
    return Wording(
        kind=kind,
        title=title,
        body=" ".join(said),
        target_kind="deal",
        target_id=move.deal_id,
    )


def import_finished(result: ImportResult) -> Wording:
    """One summary for all rows of a file."""
    one = {"activities": "activity"}.get(result.resource, result.resource.removesuffix("s"))
    noun = one if result.created == 1 else result.resource
    said = [f"{result.created:,} {noun} came in from {result.file_name or 'the file'}."]
    if result.updated:
        said.append(f"{result.updated:,} changed what was there.")
    if result.skipped:
        said.append(f"{_rows(result.skipped)} there already.")
    if result.failed:
        said.append(f"{result.failed:,} could not be taken; the import says why, row by row.")
    return Wording(
        kind=Kind.IMPORT_FINISHED,
        title=f"Import finished: {result.created:,} {noun}",
        body=" ".join(said),
        target_kind="import",
        target_id=result.import_id,
    )


def activity_due(reminder: Reminder) -> Wording:
    """What was planned, when, and with whom. Days are named: it may be read on another one."""
    said = []
    if reminder.due_at is not None:
        said.append(f"Due {_day_and_hour(reminder)}.")
    if reminder.client_name:
        said.append(f"With {reminder.client_name}.")
    if reminder.deal_name:
        said.append(f"About {reminder.deal_name}.")
    return Wording(
        kind=Kind.ACTIVITY_DUE,
        title=f"{_NOUN.get(reminder.kind, 'Reminder')}: {reminder.subject}",
        body=" ".join(said),
        target_kind="activity",
        target_id=reminder.activity_id,
    )


def export_finished(
    export_id: UUID, *, resource: str, file_name: str, rows: int, kept_until: datetime
) -> Wording:
    """The file can be downloaded."""
    what = _WHOLE if resource == "workspace" else _counted(rows, resource)
    return Wording(
        kind=Kind.EXPORT_FINISHED,
        title=f"Export finished: {what}",
        body=f"{file_name} can be downloaded until {kept_until.day} {kept_until:%B}.",
        target_kind="export",
        target_id=export_id,
    )


def import_failed(import_id: UUID, *, file_name: str, step: str, why: str) -> Wording:
    """Where it stopped, why, and how it goes on; one half taken back is told as such."""
    file = file_name or "The file"
    what, then = _STOPPED.get(step, _STOPPED["write"])
    return Wording(
        kind=Kind.IMPORT_FAILED,
        title=f"Import stopped: {file}",
        body=" ".join(filter(None, (f"{file} {what}.", why or _OURS, then))),
        target_kind="import",
        target_id=import_id,
    )


def bulk_finished(
    job_id: UUID, *, resource: str, changed: int, refused: int, stopped: bool, why: str
) -> Wording:
    """What became of them; the page of the job names those that stayed as they were."""
    if stopped:
        title = f"Change of {resource} stopped"
        body = f"Some may be changed already. {why or _OURS} It can be asked for again."
    else:
        title = f"{_counted(changed, resource)} changed"
        body = f"{_counted(refused, resource)} could not be changed." if refused else ""
    return Wording(
        kind=Kind.BULK_FINISHED, title=title, body=body, target_kind="job", target_id=job_id
    )


def odds_dropped(count: int, drops: Sequence[Drop], locale: str = DEFAULT_LOCALE) -> Wording:
    """One deal with the main reason, or the deepest falls of many."""
    first, told = drops[0], [_fall(drop, locale) for drop in drops]
    if count > 1:
        return Wording(
            kind=Kind.ODDS_DROPPED,
            title=f"Odds fell for {_counted(count, 'deals')}",
            body=_listed(count, [f"{d.deal_name}: {t}" for d, t in zip(drops, told, strict=True)]),
            target_kind="odds",
        )
    return Wording(
        kind=Kind.ODDS_DROPPED,
        title=f"Odds fell: {first.deal_name}",
        body=f"They went {told[0]}.{_because(first.reason)}",
        target_kind="deal",
        target_id=first.deal_id,
    )


def risk_risen(count: int, rises: Sequence[Rise], locale: str = DEFAULT_LOCALE) -> Wording:
    """One client with the main reason, or the most pressing of many."""
    first = rises[0]
    if count > 1:
        named = [f"{r.client_name} ({_share(r.probability, locale)})" for r in rises]
        return Wording(
            kind=Kind.RISK_RISEN,
            title=f"{_counted(count, 'clients')} more at risk",
            body=f"Likely to stay away: {_listed(count, named)}",
            target_kind="risks",
        )
    level = level_in_words(first.level, first.evidence)
    likely = _share(first.probability, locale)
    return Wording(
        kind=Kind.RISK_RISEN,
        title=f"More at risk: {first.client_name}",
        body=f"From {first.before} to {level}: {likely} likely to stay away."
        + _because(first.reason),
        target_kind="client",
        target_id=first.client_id,
    )


def export_failed(export_id: UUID, *, resource: str, file_name: str, why: str) -> Wording:
    """There is no file, and why."""
    what = _WHOLE if resource == "workspace" else f"your {resource}"
    return Wording(
        kind=Kind.EXPORT_FAILED,
        title=f"Export failed: {file_name or resource}",
        body=f"The file with {what} could not be made. {why or _OURS} It can be asked for again.",
        target_kind="export",
        target_id=export_id,
    )


_WHOLE = "all data of the workspace"
_OURS = "Something went wrong on our side."
_STOPPED = {  # by what it was about to do: what became of it, and what can be done
    "open": ("could not be opened", "Nothing was imported."),
    "check": ("could not be checked", "Nothing was imported; the check can be started again."),
    "write": (
        "stopped before its end",
        "What came in is there; it can go on from here.",
    ),
    "revert": ("was not taken back whole", "It can go on from here."),
}
_NOUN = {"call": "Call", "meeting": "Meeting", "mail": "Mail", "task": "Task", "note": "Note"}


def _fall(drop: Drop, locale: str) -> str:
    return f"from {_share(drop.before, locale)} to {_share(drop.now, locale)}"


def _share(share: float, locale: str) -> str:
    return chance_in_words(share, locale_of(locale))


def _because(reason: str) -> str:
    return f" Main reason: {reason}." if reason else ""


def _listed(count: int, named: Sequence[str]) -> str:
    more = count - len(named)
    return "; ".join(named) + (f"; and {more:,} more." if more else ".")


def _counted(number: int, resource: str) -> str:
    one = {"activities": "activity"}.get(resource, resource.removesuffix("s"))
    return f"1 {one}" if number == 1 else f"{number:,} {resource}"


def _day_and_hour(reminder: Reminder) -> str:
    assert reminder.due_at is not None
    due = reminder.due_at.astimezone(zone_of(reminder.time_zone))
    day = day_in_words(due)
    return day if reminder.all_day else f"{day} at {due:%H:%M}"


def _headline(move: Move) -> tuple[Kind, str]:
    if move.to_type == "won":
        return Kind.DEAL_WON, f"Won: {move.deal_name}"
    if move.to_type == "lost":
        return Kind.DEAL_LOST, f"Lost: {move.deal_name}"
    if move.from_type != "open":
        return Kind.DEAL_REOPENED, f"Open again: {move.deal_name}"
    return Kind.DEAL_MOVED, f"{move.deal_name} is now in {move.to_stage}"


def _about(move: Move, locale: str) -> str:
    amount = move.amount
    parts = [move.client_name, money_in_words(amount, locale_of(locale)) if amount else ""]
    return ", ".join(part for part in parts if part)


def _days(days: float) -> str:
    if days < 1:
        return "less than a day"
    whole = round(days)
    return "1 day" if whole == 1 else f"{whole:,} days"


def _rows(count: int) -> str:
    return "1 row was" if count == 1 else f"{count:,} rows were"
