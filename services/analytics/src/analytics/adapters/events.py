"""Facts on their way to the bus: the only place in analytics that knows subjects and messages."""

from uuid import UUID

from analytics.domain.facts import PipelineChanged
from freelanceflow.analytics.v1 import pipeline_events_pb2 as pb
from kit.aggregate import Fact
from kit.clock import to_timestamp
from kit.outbox import OutboxRow, event_row


def to_outbox(workspace_id: UUID, fact: Fact) -> OutboxRow:
    """One fact, ready to commit. Raises TypeError for one without a wire form."""
    match fact:
        case PipelineChanged():
            message = pb.PipelineChanged(happen_time=to_timestamp(fact.at), version=fact.version)
            return event_row("analytics", workspace_id, fact, "pipeline.v1.changed", message)
    raise TypeError(f"{type(fact).__name__} has no wire form")
