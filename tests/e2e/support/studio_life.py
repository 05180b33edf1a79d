"""A simulated studio lives in crm: its history done through crm's use cases, day by day.

Beside crm, what happened is written down a second time, as the science reads facts: from the
simulation and never from what a service has stored. Whatever is served can be held against it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from analytics.science import facts_read, simulate
from analytics.science.facts import Facts
from crm.adapters.tables import lost_reasons, stages
from crm.application.activities import create_activity
from crm.application.clients import create_client
from crm.application.deals import create_deal, delete_deal, move_deal, update_deal
from crm.application.merges import merge_clients, undo_merge
from crm.domain.activity import ActivityEdit, ActivityKind
from crm.domain.client import ClientEdit, ClientKind
from crm.domain.deal import Deal, DealEdit
from crm.domain.entries import Amount, Named
from crm.entrypoints.app import App
from kit import ids
from kit.database import Statement
from kit.ids import new_id

STAGES = {"lead": "Prospecting", "proposal": "Engaging", "negotiation": "Proposal"}
TYPES = {"Won": "won", "Lost": "lost"}
MINUTE = timedelta(minutes=1)
NAMED_STAGES = Statement(select(stages.c.id, stages.c.name))
REASON = Statement(select(lost_reasons.c.id).limit(1))
EPOCH = date(1970, 1, 1).toordinal()


@contextmanager
def lived_at(moment: datetime) -> Iterator[None]:
    """What is made inside is made then: the ids of events say when they were told."""
    with pytest.MonkeyPatch.context() as patch:
        nanoseconds = int(moment.timestamp()) * 1_000_000_000
        patch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: nanoseconds))
        patch.setattr(ids, "_last", 0)
        yield


@dataclass
class Call:
    """A call about a deal, and with whom it was, since when."""

    deal: UUID
    at: datetime
    clients: list[tuple[datetime, UUID]]

    def row(self, moment: datetime) -> dict[str, Any]:
        """As it stood before a moment."""
        with_whom = [client for since, client in self.clients if since < moment][-1]
        return {"deal": self.deal, "client": with_whom, "at": self.at.timestamp()}


@dataclass
class Life:
    """A workspace of crm, and what has happened in it so far."""

    crm: App
    workspace: UUID
    studio: simulate.Studio
    me: UUID = field(default_factory=new_id)
    stages: dict[str, UUID] = field(default_factory=dict)
    reason: UUID | None = None
    clients: dict[str, UUID] = field(default_factory=dict)
    joined: dict[UUID, datetime] = field(default_factory=dict)
    away: dict[UUID, list[datetime]] = field(default_factory=dict)
    deals: dict[str, Deal] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    moved: set[UUID] = field(default_factory=set)
    merged: tuple[UUID, str, str] | None = None
    done: int = 0

    async def until(self, moment: datetime) -> None:
        """Do what the simulation tells of the time before a moment and was not done yet."""
        told = self._told()
        for at, act, row in told[self.done :]:
            if at >= moment:
                break
            with lived_at(at):
                await act(at, row)
            self.done += 1

    def facts(self, at: datetime) -> Facts:
        """What was known before a moment, made of what was written down beside crm."""
        seconds = at.timestamp()
        states = [row for row in self.states if row["happened"] < seconds]
        sources = sorted({row["source"] for row in states} - {""})
        kinds = ("open", "won", "lost")
        numbered = [
            row
            | {
                "version": number,
                "type": kinds.index(row["type"]),
                "source": sources.index(row["source"]) if row["source"] else -1,
            }
            for number, row in enumerate(states)
        ]
        contacts = [call.row(at) for call in self.calls if call.at < at]
        return facts_read.read(
            _copied(facts_read.STATE_COLUMNS, numbered),
            _copied(facts_read.CONTACT_COLUMNS, contacts),
            sources,
            at=seconds,
            zone="UTC",
        )

    def clients_at(self, at: datetime) -> list[str]:
        """Who was a client then."""
        there = [id for id, since in self.joined.items() if since < at]
        return sorted(
            str(id) for id in there if sum(moment < at for moment in self.away.get(id, [])) % 2 == 0
        )

    async def postpone(self, name: str, day: date, at: datetime) -> None:
        """Expect the close of a deal on another day."""
        await self._edit(name, DealEdit(expected_close_date=day), at)

    async def revalue(self, name: str, minor: int, at: datetime) -> None:
        """A deal is worth something else."""
        await self._edit(name, DealEdit(amount=Amount(minor, "EUR")), at)

    async def throw_away(self, name: str, at: datetime) -> None:
        """Put a deal into the trash."""
        deal = self.deals[name]
        with lived_at(at):
            async with self.crm.unit_of_work(self.workspace) as uow:
                etag = str(deal.version)
                await delete_deal(uow, deal_id=deal.id, etag=etag, by=self.me, now=at)
        deal.state = replace(deal.state, deleted_at=at)
        self._remember(deal, at)

    async def merge(self, stays: str, goes: str, at: datetime) -> UUID:
        """One client of two: deals and calls change hands from this moment on."""
        client, other = self.clients[stays], self.clients[goes]
        with lived_at(at):
            async with self.crm.unit_of_work(self.workspace) as uow:
                merge_id = await merge_clients(
                    uow,
                    client_id=client,
                    etag=await self._etag(client),
                    other_id=other,
                    other_etag=await self._etag(other),
                    fields_from_other=[],
                    by=self.me,
                    now=at,
                )
        self._hand_over(other, client, at)
        self.away[other] = [at]
        return merge_id

    async def part(self, merge_id: UUID, stays: str, goes: str, at: datetime) -> None:
        """Two of them again."""
        with lived_at(at):
            async with self.crm.unit_of_work(self.workspace) as uow:
                await undo_merge(uow, merge_id=merge_id, by=self.me, now=at)
        self._hand_over(self.clients[stays], self.clients[goes], at, only=self.moved)
        self.away[self.clients[goes]].append(at)

    async def _etag(self, client_id: UUID) -> str:
        sql = "SELECT version FROM clients WHERE workspace_id = $1 AND id = $2"
        return str(await self.crm.system.fetchval(sql, self.workspace, client_id))

    def _hand_over(
        self, source: UUID, target: UUID, at: datetime, only: set[UUID] | None = None
    ) -> None:
        self.moved = set()
        for deal in self.deals.values():
            client = deal.state.client
            if client is None or client.id != source or deal.state.deleted_at:
                continue
            if only is None or deal.id in only:
                deal.state = replace(deal.state, client=Named(target, ""))
                deal.version += 1
                self.moved.add(deal.id)
                self._remember(deal, at)
        for call in self.calls:
            if call.clients[-1][1] == source and (only is None or call.deal in only):
                call.clients.append((at, target))

    # ------------------------------------------------------------ what the simulation tells

    def _told(self) -> list[tuple[datetime, Any, Any]]:
        told: list[tuple[datetime, Any, Any]] = [
            (_noon(row.joined), self._join, row) for row in self.studio.clients.itertuples()
        ]
        stays = {
            key: list(rows.itertuples()) for key, rows in self.studio.stages.groupby("deal_id")
        }
        for deal in self.studio.deals.itertuples():
            steps = [(stay.stage, _noon(stay.entered)) for stay in stays[deal.deal_id]]
            if deal.won == deal.won:
                steps.append(("won" if deal.won else "lost", _noon(deal.closed)))
            last = steps[0][1]
            for number, (stage, when) in enumerate(steps):
                last = max(when, last + MINUTE) if number else when
                act = self._move if number else self._open
                told.append((last, act, (deal, stage)))
                if number == 1:
                    told.append((last, self._call, deal))
        return sorted(told, key=lambda step: step[0])

    async def _join(self, at: datetime, row: Any) -> None:
        async with self.crm.unit_of_work(self.workspace) as uow:
            client = await create_client(
                uow,
                edit=ClientEdit(kind=ClientKind.COMPANY, name=row.name),
                parent_id=None,
                owner_id=self.me,
                by=self.me,
                now=at,
            )
        self.clients[row.client_id] = client.id
        self.joined[client.id] = at

    async def _open(self, at: datetime, step: Any) -> None:
        row, _stage = step
        async with self.crm.unit_of_work(self.workspace) as uow:
            deal = await create_deal(
                uow,
                edit=DealEdit(
                    name=f"{row.service} {row.deal_id}",
                    amount=Amount(round(row.value_eur * 100), "EUR"),
                    source=row.source,
                ),
                stage_id=None,
                client_id=self.clients[row.client_id],
                owner_id=self.me,
                by=self.me,
                now=at,
            )
        if not self.stages:
            await self._look_around()
        self.deals[row.deal_id] = deal
        self._remember(deal, at)

    async def _look_around(self) -> None:
        """The workspace's stages and a reason to lose came with its first deal."""
        async with self.crm.unit_of_work(self.workspace) as uow:
            self.stages = {row["name"]: row["id"] for row in await uow.rows(NAMED_STAGES)}
            self.reason = await uow.value(REASON)

    async def _move(self, at: datetime, step: Any) -> None:
        row, stage = step
        deal = self.deals[row.deal_id]
        name = STAGES.get(stage, stage.title())
        if deal.state.deleted_at is not None or deal.state.stage.name == name:
            return
        async with self.crm.unit_of_work(self.workspace) as uow:
            deal = await move_deal(
                uow,
                deal_id=deal.id,
                stage_id=self.stages[name],
                etag=str(deal.version),
                by=self.me,
                now=at,
                lost_reason_id=self.reason if stage == "lost" else None,
            )
        self.deals[row.deal_id] = deal
        self._remember(deal, at)

    async def _call(self, at: datetime, row: Any) -> None:
        deal = self.deals[row.deal_id]
        if deal.state.deleted_at is not None:
            return
        async with self.crm.unit_of_work(self.workspace) as uow:
            await create_activity(
                uow,
                edit=ActivityEdit(kind=ActivityKind.CALL, subject="Spoke"),
                client_id=None,
                deal_id=deal.id,
                owner_id=self.me,
                by=self.me,
                now=at,
                done_at=at,
            )
        assert deal.state.client is not None
        self.calls.append(Call(deal.id, at, [(at, deal.state.client.id)]))

    # ------------------------------------------------------------ writing it down

    async def _edit(self, name: str, edit: DealEdit, at: datetime) -> None:
        deal = self.deals[name]
        with lived_at(at):
            async with self.crm.unit_of_work(self.workspace) as uow:
                deal = await update_deal(
                    uow,
                    deal_id=deal.id,
                    edit=edit,
                    client_id=None,
                    owner_id=None,
                    etag=str(deal.version),
                    by=self.me,
                    now=at,
                )
        self.deals[name] = deal
        self._remember(deal, at)

    def _remember(self, deal: Deal, at: datetime) -> None:
        state = deal.state
        due = state.expected_close_date
        self.states.append(
            {
                "deal": deal.id,
                "happened": at.timestamp(),
                "told": at.timestamp(),
                "client": state.client.id if state.client else "",
                "owner": self.me,
                "value": state.amount.amount_minor / 100 if state.amount else "",
                "stage": state.stage.id,
                "type": TYPES.get(state.stage.name, "open"),
                "source": state.source,
                "due": due.toordinal() - EPOCH if due else "",
                "created": state.created_at.timestamp(),
                "entered": state.entered_stage_at.timestamp(),
                "closed": state.closed_at.timestamp() if state.closed_at else "",
                "deleted": int(state.deleted_at is not None),
            }
        )


def _copied(columns: Mapping[str, str], rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as PostgreSQL copies them out; what is not known is the nil id or NaN."""
    out = bytearray(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    for row in rows:
        out += struct.pack(">h", len(columns))
        for name, kind in columns.items():
            value = row[name]
            if kind == "id":
                told = UUID(str(value)).bytes if value else bytes(16)
            elif kind == "f8":
                told = struct.pack(">d", float("nan") if value in ("", None) else value)
            else:
                told = struct.pack(">i", value)
            out += struct.pack(">i", len(told)) + told
    return bytes(out + struct.pack(">h", -1))


def _noon(day: Any) -> datetime:
    moment: datetime = day.to_pydatetime().replace(hour=12, tzinfo=UTC)
    return moment
