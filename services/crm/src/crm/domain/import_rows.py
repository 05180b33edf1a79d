"""What the cells of an import mean. Names of other things are looked up elsewhere."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TypeVar

from crm.domain.client import ClientKind
from crm.domain.entries import Amount, Entry
from crm.domain.imports import Row
from kit.errors import InvalidInput
from kit.money import is_currency, parse

SLACK = timedelta(days=1)  # a clock elsewhere may be ahead
_LIST = re.compile(r"[;,|]")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class DealCells:
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


@dataclass(frozen=True, kw_only=True)
class ClientCells:
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


class CellReader:
    """Reads rows of a workspace: its currency and time zone are the usual ones."""

    def __init__(self, *, currency: str, zone: tzinfo, now: datetime) -> None:
        self._currency = currency
        self._zone = zone
        self._now = now

    def deal(self, row: Row) -> DealCells:
        """Raises EntryRefused with all that cannot be read."""
        entry = Entry()
        created_at = self._instant(entry, row, "created_at")
        entered_at = self._instant(entry, row, "entered_stage_at")
        closed_at = self._instant(entry, row, "closed_at")
        # What is known of the past bounds what is not.
        born = created_at or min(filter(None, (entered_at, closed_at)), default=self._now)
        for column, at in (("entered_stage_at", entered_at), ("closed_at", closed_at)):
            if at is not None and at < born:
                entry.refuse(column, "DATE_INVALID", "This is before the deal came to be.")
        cells = DealCells(
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
            expected_close_date=_read(entry, row, "expected_close_date", date.fromisoformat),
            lost_reason=row["lost_reason"],
            next_step=row["next_step"],
            tags=_list(row["tags"]),
        )
        entry.done()
        return cells

    def client(self, row: Row) -> ClientCells:
        """Raises EntryRefused with all that cannot be read."""
        entry = Entry()
        kind = row["kind"].lower() or ClientKind.COMPANY
        if kind not in list(ClientKind):
            entry.refuse("kind", "KIND_UNKNOWN", "Write company or person.")
            kind = ClientKind.COMPANY
        cells = ClientCells(
            name=row["name"],
            kind=ClientKind(kind),
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
        )
        entry.done()
        return cells

    def _amount(self, entry: Entry, row: Row) -> Amount | None:
        if not row["amount"]:
            return None
        currency = row["currency"].upper() or self._currency
        if not is_currency(currency):
            entry.refuse("currency", "CURRENCY_UNKNOWN", "Use an ISO 4217 code such as EUR.")
            return None
        try:
            money = parse(row["amount"], currency)
        except InvalidInput as error:
            entry.refuse("amount", "AMOUNT_INVALID", " ".join(error.fields.values()))
            return None
        return Amount(money.amount_minor, currency)

    def _instant(self, entry: Entry, row: Row, column: str) -> datetime | None:
        at = _read(entry, row, column, self._at)
        if at is not None and at > self._now + SLACK:
            entry.refuse(column, "DATE_INVALID", "This lies in the future.")
        return at

    def _at(self, text: str) -> datetime:
        """A civil date is the beginning of that day in the workspace."""
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=self._zone)


def _read(entry: Entry, row: Row, column: str, read: Callable[[str], T]) -> T | None:
    if not row[column]:
        return None
    try:
        return read(row[column])
    except (ValueError, OverflowError):
        entry.refuse(column, "DATE_INVALID", "This is no date; write YYYY-MM-DD.")
        return None


def _list(text: str) -> list[str]:
    return [part.strip() for part in _LIST.split(text) if part.strip()]
