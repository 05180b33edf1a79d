"""A bulk change reaches nobody else's records, neither as what is changed nor as what is named."""

from typing import Any, cast

import pytest

from crm.entrypoints.rpc.bulk_requests import ALLOWED
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from kit.errors import ErrorKind
from kit.sight import Sight
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Crm,
    Person,
    make_activity,
    make_client,
    make_deal,
    mask,
    refused,
    where,
)
from services.crm.tests.integration.test_isolation import everything

METHODS = {"deals": "ChangeDeals", "clients": "ChangeClients", "activities": "ChangeActivities"}
CASES = [
    (resource, f"BULK_ACTION_{action.upper()}")
    for resource in METHODS
    for action in sorted(ALLOWED[resource])
]

UPDATES: dict[str, dict[str, Any]] = {
    "deals": {"deal": deal_pb.Deal(source="x"), "update_mask": mask("source")},
    "clients": {"client": client_pb.Client(notes="x"), "update_mask": mask("notes")},
    "activities": {"activity": activity_pb.Activity(subject="x"), "update_mask": mask("subject")},
}


async def three(person: Person) -> dict[str, str]:
    """One of each, by the name of the resource."""
    client = await make_client(person)
    deal = await make_deal(person, client_id=client.id)
    activity = await make_activity(person, deal_id=deal.id)
    return {"deals": deal.id, "clients": client.id, "activities": activity.id}


async def asked(person: Person, resource: str, action: str, **over: Any) -> list[str]:
    """The reasons for what is refused."""
    stages = await person.stages()
    values: dict[str, dict[str, Any]] = {
        "BULK_ACTION_UPDATE": UPDATES[resource],
        "BULK_ACTION_MOVE": {"stage_id": stages["Engaging"]},
        "BULK_ACTION_TAG": {"add_tags": ["x"]},
        "BULK_ACTION_ASSIGN": {"owner_id": str(person.user_id)},
        "BULK_ACTION_DELETE": {},
    }
    change = pb.BulkChange(
        action=pb.BulkAction.Value(action), **cast("Any", {**values[action], **over})
    )
    request = getattr(pb, f"{METHODS[resource]}Request")(change=change)
    answer = await person.call(METHODS[resource], request)
    return [result.reason for result in answer.results]


@pytest.mark.parametrize(("resource", "action"), CASES)
async def test_foreign_records_are_not_found_and_nothing_is_written(
    person: Person, stranger: Person, database: ServiceDatabase, resource: str, action: str
) -> None:
    theirs, own = await three(stranger), await three(person)
    before = [await everything(database, who.workspace_id) for who in (person, stranger)]
    reasons = await asked(person, resource, action, ids=[theirs[resource]])
    assert [reason.endswith("_NOT_FOUND") for reason in reasons] == [True]
    after = [await everything(database, who.workspace_id) for who in (person, stranger)]
    assert after == before
    # By conditions nothing of theirs is meant at all.
    condition = where("created_at", "GT", "2020-01-01T00:00:00Z")
    assert await asked(person, resource, action, conditions=[condition]) == [""]
    assert await everything(database, stranger.workspace_id) == before[1]
    assert own[resource] not in theirs.values()


@pytest.mark.parametrize(("resource", "action"), CASES)
async def test_records_out_of_sight_are_not_found_and_nothing_is_written(
    crm: Crm, person: Person, database: ServiceDatabase, resource: str, action: str
) -> None:
    seller = Person(crm, person.workspace_id)
    seller.sight = Sight((seller.user_id,))
    await three(seller)
    others = await three(person)
    before = await everything(database, person.workspace_id)
    reasons = await asked(seller, resource, action, ids=[others[resource]])
    assert [reason.endswith("_NOT_FOUND") for reason in reasons] == [True]
    assert await everything(database, person.workspace_id) == before


@pytest.mark.parametrize(
    ("resource", "action", "field"),
    [
        ("deals", "BULK_ACTION_MOVE", "stage_id"),
        *((resource, "BULK_ACTION_ASSIGN", "owner_id") for resource in METHODS),
    ],
)
async def test_a_foreign_reference_is_not_found(
    person: Person,
    stranger: Person,
    database: ServiceDatabase,
    resource: str,
    action: str,
    field: str,
) -> None:
    await three(stranger)
    own = await three(person)
    stages = await stranger.stages()
    foreign = {"stage_id": stages["Engaging"], "owner_id": str(stranger.user_id)}[field]
    before = [await everything(database, who.workspace_id) for who in (person, stranger)]
    reasons = await asked(person, resource, action, ids=[own[resource]], **{field: foreign})
    assert [reason.endswith("_NOT_FOUND") for reason in reasons] == [True]
    after = [await everything(database, who.workspace_id) for who in (person, stranger)]
    assert after == before


async def test_a_foreign_job_is_not_found(
    person: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.entrypoints.rpc.bulk.AT_ONCE", 0)
    theirs = await three(stranger)
    change = pb.BulkChange(action=pb.BULK_ACTION_DELETE, ids=[theirs["deals"]])
    job = await stranger.call("ChangeDeals", pb.ChangeDealsRequest(change=change))
    with refused(ErrorKind.NOT_FOUND, "JOB_NOT_FOUND"):
        await person.call("GetJob", pb.GetJobRequest(job_id=job.job_id))
