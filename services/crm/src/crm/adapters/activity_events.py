"""What happens to activities, as the bus carries it."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from crm.domain.activity import (
    ActivityCreated,
    ActivityDeleted,
    ActivityFact,
    ActivityReminded,
    ActivityUpdated,
)
from crm.domain.entries import Named
from freelanceflow.crm.v1 import activity_events_pb2 as pb
from kit.clock import to_timestamp


def activity_created(fact: ActivityCreated) -> pb.ActivityCreated:
    return pb.ActivityCreated(
        activity=activity_snapshot(fact),
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def activity_updated(fact: ActivityUpdated) -> pb.ActivityUpdated:
    return pb.ActivityUpdated(
        activity=activity_snapshot(fact),
        changed_fields=fact.changed_fields,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def activity_deleted(fact: ActivityDeleted) -> pb.ActivityDeleted:
    return pb.ActivityDeleted(
        activity_id=str(fact.aggregate_id),
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def activity_snapshot(fact: ActivityFact | ActivityReminded) -> pb.ActivitySnapshot:
    activity = fact.activity
    return pb.ActivitySnapshot(
        activity_id=str(fact.aggregate_id),
        kind=activity.kind.value,
        subject=activity.subject,
        client_id=_id_of(activity.client),
        deal_id=_id_of(activity.deal),
        owner_id=_id_of(activity.owner),
        due_time=_time(activity.due_at),
        done_time=_time(activity.done_at),
        create_time=to_timestamp(activity.created_at),
        client_name=activity.client.name if activity.client else "",
        deal_name=activity.deal.name if activity.deal else "",
        all_day=activity.all_day,
        remind_time=_time(activity.remind_at),
    )


def activity_reminded(fact: ActivityReminded) -> pb.ActivityReminded:
    return pb.ActivityReminded(
        activity=activity_snapshot(fact),
        time_zone=fact.time_zone,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _id_of(thing: Named | None) -> str:
    return "" if thing is None else str(thing.id)


def _time(at: datetime | None) -> Timestamp | None:
    return None if at is None else to_timestamp(at)
