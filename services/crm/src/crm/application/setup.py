"""The first run of a workspace: samples come, and go with one click."""

from datetime import datetime
from uuid import UUID

from crm.adapters import setup, workspaces
from crm.application.activities import create_activity, delete_activity
from crm.application.clients import create_client, delete_client
from crm.application.deals import create_deal, delete_deal
from crm.domain.activity import ActivityEdit, ActivityKind
from crm.domain.client import ClientEdit, ClientKind
from crm.domain.deal import DealEdit
from crm.domain.entries import Amount
from crm.domain.errors import WorkspaceNotEmpty
from crm.domain.repetition import zone_of
from crm.domain.samples import CALL, CLIENT_NAME, MARK, SAMPLES, call_at
from kit.unit_of_work import UnitOfWork


async def add_samples(uow: UnitOfWork, *, by: UUID, now: datetime) -> None:
    """Three deals with their client and a call, all at once. Raises WorkspaceNotEmpty."""
    there = await uow.row(setup.SETUP, workspace=uow.workspace_id)
    if there is None or not there["is_empty"]:
        raise WorkspaceNotEmpty("There are deals already, or were some.")
    await workspaces.add_defaults(uow)
    stages = await setup.open_stages(uow)
    zone = zone_of(await setup.time_zone(uow))
    today = now.astimezone(zone).date()
    with uow.holding_commit():
        client = await create_client(
            uow,
            edit=ClientEdit(kind=ClientKind.COMPANY, name=CLIENT_NAME, external_id=MARK),
            parent_id=None,
            owner_id=by,
            by=by,
            now=now,
        )
        for number, sample in enumerate(SAMPLES, 1):
            deal = await create_deal(
                uow,
                edit=DealEdit(
                    name=sample.name,
                    amount=Amount(sample.amount_minor, ""),
                    expected_close_date=sample.closes_on(today),
                    next_step=sample.next_step,
                    next_step_due_date=sample.next_step_on(today),
                    source="Sample",
                    external_id=f"{MARK}-{number}",
                ),
                stage_id=stages[min(sample.stage, len(stages) - 1)],
                client_id=client.id,
                owner_id=by,
                by=by,
                now=now,
            )
            if number == 1:
                call = ActivityEdit(kind=ActivityKind.CALL, subject=CALL, due_at=call_at(now, zone))
                await create_activity(
                    uow,
                    edit=call,
                    client_id=client.id,
                    deal_id=deal.id,
                    owner_id=by,
                    by=by,
                    now=now,
                )
    await uow.commit()


async def remove_samples(uow: UnitOfWork, *, by: UUID, now: datetime) -> None:
    """Into the trash with them and with what was planned for them, all at once."""
    with uow.holding_commit():
        for deal in await setup.found(uow, setup.SAMPLE_DEALS):
            for planned in await setup.found(uow, setup.OF_DEAL, deal=deal.id):
                await delete_activity(
                    uow, activity_id=planned.id, etag=planned.etag, by=by, now=now
                )
            await delete_deal(uow, deal_id=deal.id, etag=deal.etag, by=by, now=now)
        for client in await setup.found(uow, setup.SAMPLE_CLIENTS):
            await delete_client(uow, client_id=client.id, etag=client.etag, by=by, now=now)
    await uow.commit()
