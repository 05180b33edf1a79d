"""What the cells of an import mean. Names of other things are looked up elsewhere."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from crm.domain.activity import ActivityKind
from crm.domain.client import ClientKind
from crm.domain.custom_cells import NO, YES, CustomCells
from crm.domain.custom_field import FieldState
from crm.domain.entries import Amount, Entry
from crm.domain.imports import Row
from crm.domain.notations import IN_WORDS, Notation, plain_amount, read_date
from kit.errors import InvalidInput
from kit.money import is_currency, parse

SLACK = timedelta(days=1)  # a clock elsewhere may be ahead
_LIST = re.compile(r"[;,|]")
_CLIENT_KINDS = {
    **dict.fromkeys(
        ("", "company", "organization", "organisation", "business", "firma"), "company"
    ),
    **dict.fromkeys(("person", "contact", "individual", "people", "lead", "privat"), "person"),
}
_ACTIVITY_KINDS = {
    **{kind.value: kind for kind in ActivityKind},
    "": ActivityKind.TASK,
    "phone call": ActivityKind.CALL,
    "email": ActivityKind.MAIL,
    "e-mail": ActivityKind.MAIL,
    "to do": ActivityKind.TASK,
    "todo": ActivityKind.TASK,
    "deadline": ActivityKind.TASK,
    "lunch": ActivityKind.MEETING,
    "event": ActivityKind.MEETING,
}


class DealCells(NamedTuple):
    """A deal as its row says."""

    name: str
    external_id: str
    client: str
    stage: str
    owner: str
    amount: Amount | None
    source: str
    created_at: datetime
    entered_stage_at: datetime | None
    closed_at: datetime | None
    expected_close_date: date | None
    lost_reason: str
    next_step: str
    tags: list[str]
    custom_fields: Mapping[str, Any]


class ClientCells(NamedTuple):
    """A client as its row says."""

    name: str
    kind: ClientKind
    external_id: str
    emails: list[str]
    phones: list[str]
    address: str
    website: str
    owner: str
    tags: list[str]
    notes: str
    created_at: datetime
    parent: str
    custom_fields: Mapping[str, Any]


class ActivityCells(NamedTuple):
    """An activity as its row says."""

    subject: str
    kind: ActivityKind
    body: str
    client: str
    deal: str
    owner: str
    due_at: datetime | None
    remind_at: datetime | None
    done_at: datetime | None
    created_at: datetime


class CellReader:
    """Reads rows of a workspace: its currency and time zone are the usual ones."""

    def __init__(
        self,
        *,
        currency: str,
        zone: tzinfo,
        now: datetime,
        notation: Notation | None = None,
        usual_kind: ClientKind = ClientKind.COMPANY,
        customs: Mapping[str, FieldState] | None = None,
    ) -> None:
        self._currency = currency
        self._zone = zone
        self._now = now
        self._notation = notation or Notation()
        self._usual_kind = usual_kind
        self._customs = CustomCells(
            customs or {}, currency=currency, zone=zone, notation=self._notation
        )

    def deal(self, entry: Entry, row: Row) -> DealCells:
        """What cannot be read is refused, and left out."""
        created_at = self._instant(entry, row, "created_at")
        entered_at = self._instant(entry, row, "entered_stage_at")
        closed_at = self._at(entry, row, "closed_at")
        expected = self._day(entry, row, "expected_close_date")
        if closed_at is not None and closed_at > self._now + SLACK:
            # Sources have one date for both: what lies ahead is expected.
            expected, closed_at = expected or closed_at.astimezone(self._zone).date(), None
        # What is known of the past bounds what is not.
        born = created_at or min(filter(None, (entered_at, closed_at)), default=self._now)
        for column, at in (("entered_stage_at", entered_at), ("closed_at", closed_at)):
            if at is not None and at < born:
                entry.refuse(column, "DATE_INVALID", "This is before the deal came to be.")
        return DealCells(
            name=row["name"],
            external_id=row["external_id"],
            client=row["client"],
            stage=row["stage"],
            owner=row["owner"],
            amount=self._amount(entry, row),
            source=row["source"],
            created_at=born,
            entered_stage_at=entered_at,
            closed_at=closed_at,
            expected_close_date=expected,
            lost_reason=row["lost_reason"],
            next_step=row["next_step"],
            tags=_list(row["tags"]),
            custom_fields=self._customs.read(entry, row),
        )

    def client(self, entry: Entry, row: Row) -> ClientCells:
        """What cannot be read is refused, and left out."""
        word = row["kind"].lower()
        kind = ClientKind(_CLIENT_KINDS.get(word, "company")) if word else self._usual_kind
        if word not in _CLIENT_KINDS:
            entry.refuse("kind", "KIND_UNKNOWN", "Write company or person.")
        return ClientCells(
            name=row["name"],
            kind=kind,
            external_id=row["external_id"],
            emails=_list(row["emails"]),
            phones=_list(row["phones"]),
            address=row["address"],
            website=row["website"],
            owner=row["owner"],
            tags=_list(row["tags"]),
            notes=row["notes"],
            created_at=self._instant(entry, row, "created_at") or self._now,
            parent=row["parent"],
            custom_fields=self._customs.read(entry, row),
        )

    def activity(self, entry: Entry, row: Row) -> ActivityCells:
        """What cannot be read is refused, and left out."""
        kind = _ACTIVITY_KINDS.get(row["kind"].lower())
        if kind is None:
            entry.refuse("kind", "KIND_UNKNOWN", "Write call, meeting, mail, task or note.")
        created_at = self._instant(entry, row, "created_at")
        due_at = self._at(entry, row, "due_at")
        done_at = self._done(entry, row, due_at or created_at)
        known = [at for at in (created_at, done_at, due_at) if at and at <= self._now]
        return ActivityCells(
            subject=row["subject"],
            kind=kind or ActivityKind.TASK,
            body=row["body"],
            client=row["client"],
            deal=row["deal"],
            owner=row["owner"],
            due_at=due_at,
            remind_at=self._at(entry, row, "remind_at"),
            done_at=done_at,
            created_at=created_at or min(known, default=self._now),
        )

    def _done(self, entry: Entry, row: Row, usual: datetime | None) -> datetime | None:
        """A day, or yes or no: then it was done when it was due, at the latest now."""
        word = row["done_at"].lower()
        if word in NO:
            return None
        if word in YES:
            return min(usual or self._now, self._now)
        return self._instant(entry, row, "done_at")

    def _amount(self, entry: Entry, row: Row) -> Amount | None:
        if not row["amount"]:
            return None
        try:
            plain = plain_amount(row["amount"], self._notation.mark)
        except ValueError:
            entry.refuse("amount", "AMOUNT_INVALID", f"“{row['amount'][:40]}” is no amount.")
            return None
        currency = row["currency"].upper() or plain.currency or self._currency
        if not is_currency(currency):
            entry.refuse("currency", "CURRENCY_UNKNOWN", "Use an ISO 4217 code such as EUR.")
            return None
        try:
            money = parse(plain.number, currency)
        except InvalidInput as error:
            entry.refuse("amount", "AMOUNT_INVALID", " ".join(error.fields.values()))
            return None
        return Amount(money.amount_minor, currency)

    def _instant(self, entry: Entry, row: Row, column: str) -> datetime | None:
        at = self._at(entry, row, column)
        if at is not None and at > self._now + SLACK:
            entry.refuse(column, "DATE_INVALID", "This lies in the future.")
        return at

    def _at(self, entry: Entry, row: Row, column: str) -> datetime | None:
        """A civil date is the beginning of that day in the workspace."""
        at = self._read(entry, row, column)
        if at is None or at.tzinfo:
            return at
        return at.replace(tzinfo=self._zone)

    def _day(self, entry: Entry, row: Row, column: str) -> date | None:
        at = self._read(entry, row, column)
        return at and (at.astimezone(self._zone) if at.tzinfo else at).date()

    def _read(self, entry: Entry, row: Row, column: str) -> datetime | None:
        text = row[column]
        if not text:
            return None
        try:
            return read_date(text, self._notation.order)
        except (ValueError, OverflowError):
            order = IN_WORDS[self._notation.order]
            said = f"“{text[:40]}” is no date ({order}); YYYY-MM-DD always works."
            entry.refuse(column, "DATE_INVALID", said)
            return None


def _list(text: str) -> list[str]:
    return [part.strip() for part in _LIST.split(text) if part.strip()]
