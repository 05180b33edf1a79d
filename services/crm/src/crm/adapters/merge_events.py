"""Facts of two clients as wire messages; adapters/events.py knows their names."""

from crm.domain.merges import ClientsMerged, ClientsParted, DuplicateDismissed
from freelanceflow.crm.v1 import client_events_pb2 as pb
from kit.clock import to_timestamp


def duplicate_dismissed(fact: DuplicateDismissed) -> pb.DuplicateDismissed:
    """Two that are two."""
    return pb.DuplicateDismissed(
        client_id=str(fact.aggregate_id),
        other_id=str(fact.other_id),
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
    )


def clients_merged(fact: ClientsMerged) -> pb.ClientsMerged:
    """Two that are one, and how much went over."""
    return pb.ClientsMerged(
        client_id=str(fact.aggregate_id),
        other_id=str(fact.other_id),
        merge_id=str(fact.merge_id),
        deals=fact.deals,
        activities=fact.activities,
        people=fact.people,
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
    )


def clients_parted(fact: ClientsParted) -> pb.ClientsParted:
    """Two that are two again."""
    return pb.ClientsParted(
        client_id=str(fact.aggregate_id),
        other_id=str(fact.other_id),
        merge_id=str(fact.merge_id),
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
    )
