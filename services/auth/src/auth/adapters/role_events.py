"""Facts of a workspace's own roles as a wire message."""

from auth.domain.facts import RoleCreated
from freelanceflow.auth.v1 import role_events_pb2 as pb
from kit.clock import to_timestamp


def role_message(fact: RoleCreated) -> pb.RoleChanged:
    """Made, changed or gone: the type says which."""
    return pb.RoleChanged(
        workspace_id=str(fact.workspace_id),
        role_id=str(fact.aggregate_id),
        name=fact.name,
        base=fact.base,
        permissions=sorted(fact.permissions),
        previous_name=fact.previous_name,
        previous_permissions=sorted(fact.previous_permissions),
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )
