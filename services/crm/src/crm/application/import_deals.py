"""Rows of a file become deals with their past."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crm.adapters import bulk, workspaces
from crm.adapters.bulk import Column
from crm.domain.client import Parent
from crm.domain.deal import Deal, DealEdit
from crm.domain.entries import Named
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_rows import CellReader, DealCells
from crm.domain.imports import Outcome, Row, RowError, row_errors
from crm.domain.stage import Stage, StageType
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def write_deals(uow: UnitOfWork, reader: CellReader, rows: Sequence[Row]) -> Outcome:
    """Write what can be taken; rows whose external id is there already are skipped."""
    known = await bulk.known(uow, bulk.KNOWN_DEALS, (row["external_id"] for row in rows))
    names = await _names(uow, rows)
    errors: list[RowError] = []
    taken: list[_Taken] = []
    skipped = 0
    for row in rows:
        if row["external_id"] and row["external_id"] in known:
            skipped += 1
            continue
        try:
            taken.append(_taken(row.number, reader.deal(row), names))
        except EntryRefused as refusal:
            errors += row_errors(row.number, refusal)
            continue
        known.add(row["external_id"])  # a second one in this file is there already as well
    deals, refused = _deals(uow, taken, names)
    if deals:
        await bulk.add_deals(uow, deals)
    return Outcome(len(deals), skipped, [*errors, *refused])


@dataclass(frozen=True)
class _Names:
    """What the names in the rows stand for."""

    columns: Sequence[Column]
    clients: dict[str, Parent]
    owners: dict[str, Named]
    reasons: dict[str, Named]

    def stage(self, name: str) -> Stage | None:
        """A stage by its name; the first open one for none."""
        if not name:
            return self.first
        stages = (column.stage for column in self.columns)
        return next((stage for stage in stages if stage.name.lower() == name.lower()), None)

    @property
    def first(self) -> Stage:
        """Where deals come to be."""
        stages = (column.stage for column in self.columns)
        return next(stage for stage in stages if stage.type is StageType.OPEN)


class _Taken(NamedTuple):
    """A row that says something sensible."""

    row: int
    cells: DealCells
    stage: Stage
    edit: DealEdit
    reason: Named | None


async def _names(uow: UnitOfWork, rows: Sequence[Row]) -> _Names:
    columns = await bulk.columns(uow)
    if not columns:
        await workspaces.add_defaults(uow)
        columns = await bulk.columns(uow)
    return _Names(
        columns,
        await bulk.clients_by_name(uow, (row["client"] for row in rows)),
        await bulk.owners_by_name(uow, (row["owner"] for row in rows)),
        await bulk.lost_reasons(uow),
    )


def _taken(row: int, cells: DealCells, names: _Names) -> _Taken:
    problems: list[Problem] = []
    stage = names.stage(cells.stage)
    client = names.clients.get(cells.client)
    reason = names.reasons.get(cells.lost_reason.lower())
    if stage is None:
        problems.append(Problem("stage", "STAGE_NOT_FOUND", "There is no such stage."))
    if cells.client and client is None:
        problems.append(Problem("client", "CLIENT_NOT_FOUND", "There is no such client."))
    if cells.lost_reason and reason is None:
        problems.append(Problem("lost_reason", "LOST_REASON_NOT_FOUND", "There is no such reason."))
    if problems or stage is None:
        raise EntryRefused(problems)
    edit = DealEdit(
        name=cells.name,
        client=Named(client.id, client.name) if client else None,
        amount=cells.amount,
        owner=names.owners.get(cells.owner),
        expected_close_date=cells.expected_close_date,
        source=cells.source,
        next_step=cells.next_step,
        tags=cells.tags,
        external_id=cells.external_id or None,
    )
    return _Taken(row, cells, stage, edit, reason)


def _deals(
    uow: UnitOfWork, taken: Sequence[_Taken], names: _Names
) -> tuple[list[Deal], list[RowError]]:
    """Later rows of the file stand above earlier ones, like deals created one by one."""
    places = bulk.positions(names.columns, Counter(row.stage.id for row in taken))
    deals: list[Deal] = []
    errors: list[RowError] = []
    for row in taken:
        cells, stage = row.cells, row.stage
        arrived = cells.entered_stage_at or cells.created_at
        if stage.type is not StageType.OPEN:
            arrived = cells.closed_at or arrived
        try:
            deal = Deal.imported(
                new_id(),
                uow.workspace_id,
                edit=row.edit,
                first=names.first,
                stage=stage,
                position=places[stage.id].pop(0),
                created_at=cells.created_at,
                entered_at=arrived,
                lost_reason=row.reason,
            )
        except EntryRefused as refusal:
            errors += row_errors(row.row, refusal)
        else:
            deals.append(deal)
    return deals, errors
